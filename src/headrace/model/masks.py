"""Bitmaps as COCO's compressed run lengths: what a counts string says of area, box and size.

Runs alternate between background and foreground, begin with background, and go down the columns from the left.
"""

from __future__ import annotations

from itertools import accumulate


def decode_counts(counts: str) -> list[int]:
    """The run lengths of a counts string; ``ValueError`` where it is none."""
    runs: list[int] = []
    value = shift = 0
    for character in counts:
        code = ord(character) - 48
        if not 0 <= code < 64 or shift > 60:
            raise ValueError("the mask is no compressed run-length string")
        value |= (code & 0x1F) << shift
        shift += 5
        if code & 0x20:
            continue
        if code & 0x10:
            value -= 1 << shift
        # From the third on, a run is stored as its difference from the one before the last.
        run = value + runs[-2] if len(runs) > 2 else value
        if run < 0:
            raise ValueError("the mask holds a run of negative length")
        runs.append(run)
        value = shift = 0
    if shift:
        raise ValueError("the mask ends in the middle of a number")
    return runs


def check_size(counts: str, width: int, height: int) -> None:
    """``ValueError`` unless the runs of a mask add up to the pixels of its image."""
    pixels = sum(decode_counts(counts))
    if pixels != width * height:
        raise ValueError(
            f"the runs of the mask add up to {pixels} pixels, not to the {width} x {height} of the image"
        )


def area_and_box(counts: str, height: int) -> tuple[int, list[int]]:
    """The number of foreground pixels and the whole box ``[x, y, w, h]`` around them (zeros where there are none)."""
    runs = decode_counts(counts)
    ends = list(accumulate(runs))
    left = right = top = bottom = -1
    area = 0
    for run, end in zip(runs[1::2], ends[1::2], strict=True):
        if not run:
            continue
        area += run
        first, last = end - run, end - 1
        first_column, last_column = first // height, last // height
        left = first_column if left < 0 else left
        right = last_column
        # A run over a column's end covers the column from top to bottom in between.
        over = last_column > first_column
        upper, lower = (0, height - 1) if over else (first % height, last % height)
        top = upper if top < 0 else min(top, upper)
        bottom = max(bottom, lower)
    if not area:
        return 0, [0, 0, 0, 0]
    return area, [left, top, right - left + 1, bottom - top + 1]
