"""Run lengths of masks, compared with pycocotools: size, area, bounds; damaged texts are refused."""

from __future__ import annotations

import random

import numpy as np
import pytest
from pycocotools import mask as coco

from headrace.model import rle


def bitmap(rng: random.Random, width: int, height: int) -> np.ndarray:
    """Some rectangles, or noise, or nothing."""
    pixels = np.zeros((height, width), dtype=np.uint8, order="F")
    match rng.randrange(4):
        case 0:
            pixels[:] = np.array(
                [[rng.random() < 0.3 for _ in range(width)] for _ in range(height)]
            )
        case 1:
            pixels[:] = 1
        case 2:
            for _ in range(3):
                x, y = rng.randrange(width), rng.randrange(height)
                pixels[y : y + rng.randint(1, height), x : x + rng.randint(1, width)] = 1
    return pixels


def test_area_and_box_are_those_of_pycocotools() -> None:
    rng = random.Random(8)
    for _ in range(400):
        width, height = rng.randint(1, 40), rng.randint(1, 40)
        encoded = coco.encode(bitmap(rng, width, height))
        counts = encoded["counts"].decode()
        runs = rle.decode(counts)
        rle.check(runs, height, width)
        assert rle.area(runs) == coco.area(encoded)
        # Where nothing is set, pycocotools gives an empty box too.
        assert list(rle.bounds(runs, height)) == list(map(int, coco.toBbox(encoded))), (
            width,
            height,
            counts,
        )


def test_runs_longer_than_an_image_are_refused() -> None:
    counts = coco.encode(np.ones((20, 30), dtype=np.uint8, order="F"))["counts"].decode()
    assert rle.decode(counts) == [0, 600]
    with pytest.raises(ValueError, match="cover 600 pixels of a mask of 21 x 30"):
        rle.check(rle.decode(counts), 21, 30)


@pytest.mark.parametrize("counts", ["é", "\x00", "P", "pppppppppppppppp1", "O", "0?", " "])
def test_damaged_texts_are_refused(counts: str) -> None:
    with pytest.raises(ValueError, match="mask"):
        rle.check(rle.decode(counts), 10, 10)
