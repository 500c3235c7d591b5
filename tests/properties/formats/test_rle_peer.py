"""Run lengths and polygons on the grid against pycocotools, bit for bit."""

from __future__ import annotations

import random

import pytest

from headrace.formats.geometry import raster, rle

# pycocotools speaks to numpy in a way that numpy has given up.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

FEW_OR_MANY = [3_000, pytest.param(100_000, marks=pytest.mark.slow)]


@pytest.mark.parametrize("count", FEW_OR_MANY)
def test_masks_are_those_of_pycocotools(count: int) -> None:
    import numpy as np
    from pycocotools import mask as peer

    draw = np.random.default_rng(3)
    for _ in range(count):
        height, width = (int(x) for x in draw.integers(1, 24, 2))
        pixels = (draw.random((height, width)) < draw.random()).astype(np.uint8)
        theirs = peer.encode(np.asfortranarray(pixels))
        text = theirs["counts"].decode()
        counts = rle.decode(text, height, width)
        assert rle.encode(counts) == text
        assert rle.area(counts) == int(peer.area(theirs))
        assert list(rle.bounds(counts, height)) == list(peer.toBbox(theirs))


@pytest.mark.parametrize("count", FEW_OR_MANY)
def test_polygons_on_the_grid_are_those_of_pycocotools(count: int) -> None:
    from pycocotools import mask as peer

    draw = random.Random(4)
    for _ in range(count // 20):
        height, width = draw.randrange(1, 50), draw.randrange(1, 50)
        rings = [
            [
                draw.choice(
                    [draw.uniform(-10, 60), draw.randrange(-3, 50), draw.randrange(50) + 0.5]
                )
                for _ in range(2 * draw.randrange(3, 9))
            ]
            for _ in range(draw.randrange(1, 4))
        ]
        theirs = peer.frPyObjects([[float(x) for x in ring] for ring in rings], height, width)
        ours = [raster.polygon_counts(ring, height, width) for ring in rings]
        assert [rle.encode(counts) for counts in ours] == [
            each["counts"].decode() for each in theirs
        ]
        assert rle.encode(raster.united(ours)) == peer.merge(theirs)["counts"].decode()
