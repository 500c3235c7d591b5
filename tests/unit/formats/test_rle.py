"""Run lengths: the golden vectors of pycocotools 2.0.11, and the bounds that it does not check."""

from __future__ import annotations

import random

import pytest

from headrace.errors import ParseError
from headrace.formats.geometry import raster, rle
from tests.support.data.golden import GOLDEN


@pytest.mark.parametrize(("height", "width", "counts", "text", "area", "bounds"), GOLDEN)
def test_c10_golden_vectors(
    height: int, width: int, counts: list[int], text: str, area: int, bounds: tuple[float, ...]
) -> None:
    assert rle.encode(counts) == text
    assert rle.decode(text, height, width) == counts
    assert rle.area(counts) == area
    assert rle.bounds(counts, height) == bounds


@pytest.mark.parametrize(
    "text",
    ["", "1", "4P", "P", "~", "4 ", "/4", "\u00e94", "o" * 11 + "0", "O5", "05", "44", "4\0"],
)
def test_c12_damaged_texts_are_refused(text: str) -> None:
    with pytest.raises(ParseError, match="C12"):
        rle.decode(text, 2, 2)


@pytest.mark.parametrize(
    ("counts", "height", "width"), [([5], 2, 2), ([5, -1], 2, 2), ([1], -1, -1), ([], 1, 1)]
)
def test_c12_counts_that_do_not_fill_the_mask(counts: list[int], height: int, width: int) -> None:
    with pytest.raises(ParseError, match="C12"):
        rle.check(counts, height, width)


def test_an_empty_mask_has_no_runs() -> None:
    assert rle.decode("", 0, 5) == []
    assert rle.bounds([], 0) == (0, 0, 0, 0)


def test_area_and_bounds_are_those_of_the_pixels() -> None:
    draw = random.Random(7)
    for _ in range(300):
        height, width = draw.randrange(1, 12), draw.randrange(1, 12)
        pixels = [draw.random() < 0.4 for _ in range(height * width)]
        counts = runs(pixels)
        inside = [(place // height, place % height) for place, pixel in enumerate(pixels) if pixel]
        assert rle.decode(rle.encode(counts), height, width) == counts
        assert rle.area(counts) == len(inside)
        # A run that goes over the end of a column counts as tall as the image in maskApi.c.
        if inside and not wraps(counts, height):
            xs, ys = [x for x, _ in inside], [y for _, y in inside]
            box = (min(xs), min(ys), max(xs) - min(xs) + 1, max(ys) - min(ys) + 1)
            assert rle.bounds(counts, height) == box


def runs(pixels: list[bool]) -> list[int]:
    counts, inside = [0], False
    for pixel in pixels:
        if pixel is not inside:
            counts.append(0)
            inside = pixel
        counts[-1] += 1
    return counts


def wraps(counts: list[int], height: int) -> bool:
    place = 0
    for index, count in enumerate(counts):
        if index % 2 and count and place // height != (place + count - 1) // height:
            return True
        place += count
    return False


@pytest.mark.parametrize(
    ("ring", "text", "area", "bounds"),
    [
        ([1, 1, 5, 1, 5, 5, 1, 5], ";4600000a1", 16, (1, 1, 4, 4)),
        ([2.6, 2.6, 7.6, 2.6, 7.6, 7.6, 2.6, 7.6], "Q1550000000a0", 25, (3, 3, 5, 5)),
        ([0, 0, 10, 0, 10, 10, 0, 10], "0T3", 100, (0, 0, 10, 10)),
    ],
)
def test_c29_polygons_on_the_grid(
    ring: list[float], text: str, area: int, bounds: tuple[float, ...]
) -> None:
    counts = raster.polygon_counts(ring, 10, 10)
    assert (rle.encode(counts), rle.area(counts), rle.bounds(counts, 10)) == (text, area, bounds)


def test_c29_outside_and_inside() -> None:
    outside = raster.polygon_counts([-3, -3, 20, -3, 20, 4, -3, 4], 10, 10)
    assert (rle.area(outside), rle.bounds(outside, 10)) == (40, (0, 0, 10, 4))
    outer = raster.polygon_counts([1, 1, 5, 1, 5, 5, 1, 5], 10, 10)
    inner = raster.polygon_counts([2, 2, 4, 2, 4, 4, 2, 4], 10, 10)
    assert rle.area(raster.united([outer, inner])) == 16
    assert raster.united([]) == []
