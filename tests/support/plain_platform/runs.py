"""Compressed run-length encodings of masks, as COCO has them: columns from the top left, the outside first."""

from __future__ import annotations

from itertools import accumulate

from tests.support.plain_platform.kinds import WrongValueError


def runs_of(counts: str) -> list[int]:
    """The lengths of the runs; WrongValueError for what is no encoding."""
    runs: list[int] = []
    position = 0
    while position < len(counts):
        value, shift, more = 0, 0, True
        while more:
            if position >= len(counts):
                raise WrongValueError("the mask ends within a number")
            code = ord(counts[position]) - 48
            if not 0 <= code < 64:
                raise WrongValueError("the mask has a character that is none of an encoding")
            value |= (code & 0x1F) << (5 * shift)
            more = bool(code & 0x20)
            position, shift = position + 1, shift + 1
            if not more and code & 0x10:
                value |= -1 << (5 * shift)
        if len(runs) > 2:
            value += runs[-2]
        if value < 0:
            raise WrongValueError("the mask has a run of negative length")
        runs.append(value)
    return runs


def area_and_box(counts: str, height: int) -> tuple[int, list[int]]:
    """The number of pixels of a mask, and its box ``[x, y, w, h]``."""
    runs = runs_of(counts)
    ends = list(accumulate(runs))
    inside = [(end - run, end) for run, end in zip(runs, ends, strict=True)][1::2]
    inside = [(start, end) for start, end in inside if end > start]
    if not inside:
        return 0, [0, 0, 0, 0]
    left, right = inside[0][0] // height, (inside[-1][1] - 1) // height
    rows = [
        (0, height - 1)
        if start // height != (end - 1) // height
        else (start % height, (end - 1) % height)
        for start, end in inside
    ]
    top, bottom = min(row for row, _ in rows), max(row for _, row in rows)
    area = sum(end - start for start, end in inside)
    return area, [left, top, right - left + 1, bottom - top + 1]
