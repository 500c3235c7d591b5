"""Outlines of masks: the rings that run exactly along the edges of a mask's pixels.

The pixels of a mask are unit squares, so an outline has whole coordinates and its signed area is the number of pixels.
Outer rings run clockwise (y points down), holes the other way round. Pixels that touch only at a corner are separate.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate

_Vertex = tuple[int, int]
_Run = tuple[int, int]


def mask_rings(counts: Sequence[int], height: int) -> list[list[float]]:
    """Return the outlines of a mask as flat rings ``[x1, y1, …]`` in pixels, outer rings and holes.

    Args:
        counts: The run lengths of the mask, column by column, background first.
        height: Height of the mask in pixels.
    """
    following: dict[_Vertex, list[_Vertex]] = {}
    for start, end in _edges(_columns(counts, height)):
        following.setdefault(start, []).append(end)
    rings = []
    while following:
        rings.append(_ring(following))
    return rings


def _columns(counts: Sequence[int], height: int) -> dict[int, list[_Run]]:
    """Return the runs of each column with object pixels, as pairs of the first row and the one after the last."""
    columns: dict[int, list[_Run]] = {}
    ends = list(accumulate(counts))
    for start, end in zip(ends[0::2], ends[1::2], strict=False):
        while start < end:
            column, top = divmod(start, height)
            bottom = min(height, top + end - start)
            runs = columns.setdefault(column, [])
            if runs and runs[-1][1] == top:
                runs[-1] = (runs[-1][0], bottom)
            else:
                runs.append((top, bottom))
            start += bottom - top
    return columns


def _edges(columns: dict[int, list[_Run]]) -> Iterator[tuple[_Vertex, _Vertex]]:
    """Yield the edges between object and background, with the object on their right."""
    for x, runs in columns.items():
        for top, bottom in runs:
            yield (x, top), (x + 1, top)
            yield (x + 1, bottom), (x, bottom)
        for top, bottom in _without(runs, columns.get(x + 1, ())):
            yield (x + 1, top), (x + 1, bottom)
        for top, bottom in _without(runs, columns.get(x - 1, ())):
            yield (x, bottom), (x, top)


def _without(runs: Sequence[_Run], others: Sequence[_Run]) -> Iterator[_Run]:
    """Yield the parts of ``runs`` that no run of ``others`` covers; both are in order."""
    first = 0
    for top, bottom in runs:
        while first < len(others) and others[first][1] <= top:
            first += 1
        at = first
        while at < len(others) and others[at][0] < bottom:
            if others[at][0] > top:
                yield top, others[at][0]
            top = others[at][1]
            at += 1
        if top < bottom:
            yield top, bottom


def _ring(following: dict[_Vertex, list[_Vertex]]) -> list[float]:
    """Take the edges of one ring out of ``following`` and return its corners."""
    first = next(iter(following))
    here, step = first, (0, 0)
    corners: list[_Vertex] = []
    while True:
        there = _take(following, here, step)
        direction = _direction(here, there)
        if direction != step:
            corners.append(here)
        here, step = there, direction
        if here == first and (here not in following or _right_turn(following, here, step) is None):
            break
    if len(corners) > 1 and _direction(corners[0], corners[1]) == step:
        corners.pop(0)
    return [float(value) for corner in corners for value in corner]


def _take(following: dict[_Vertex, list[_Vertex]], here: _Vertex, step: tuple[int, int]) -> _Vertex:
    """Remove and return the end of the edge to follow: where two begin, the one that turns right."""
    ends = following[here]
    number = 0
    if len(ends) > 1:
        number = _right_turn(following, here, step) or 0
    there = ends.pop(number)
    if not ends:
        del following[here]
    return there


def _right_turn(
    following: dict[_Vertex, list[_Vertex]], here: _Vertex, step: tuple[int, int]
) -> int | None:
    turned = (-step[1], step[0])
    for number, end in enumerate(following[here]):
        if _direction(here, end) == turned:
            return number
    return None


def _direction(start: _Vertex, end: _Vertex) -> tuple[int, int]:
    return (end[0] > start[0]) - (end[0] < start[0]), (end[1] > start[1]) - (end[1] < start[1])
