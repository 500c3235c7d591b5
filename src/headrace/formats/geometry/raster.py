"""Rasterises polygons exactly as pycocotools does, for areas and overlaps.

Source: ``rleFrPoly`` and ``rleMerge`` of ``cocoapi/common/maskApi.c``. The boundary is drawn at five times the size; its
crossings between pixel columns, sorted, give the run lengths.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise

_SCALE = 5


def polygon_counts(ring: Sequence[float], height: int, width: int) -> list[int]:
    """Return the run lengths of a flat ring on an image of ``height`` x ``width`` pixels."""
    crossings = sorted(_crossings(list(_boundary(ring)), height, width))
    crossings.append(height * width)
    steps = [now - before for before, now in zip([0, *crossings], crossings, strict=False)]
    counts = steps[:1]
    # Two crossings at one pixel cancel out, which joins the runs on both sides.
    i = 1
    while i < len(steps):
        if steps[i] > 0:
            counts.append(steps[i])
            i += 1
        else:
            i += 1
            if i < len(steps):
                counts[-1] += steps[i]
                i += 1
    return counts


def united(masks: Sequence[Sequence[int]]) -> list[int]:
    """Return the run lengths of the union of masks of equal size."""
    if not masks:
        return []
    ends: dict[int, int] = {}
    for counts in masks:
        sign = -1
        for pixel in accumulate(counts):
            sign = -sign
            ends[pixel] = ends.get(pixel, 0) + sign
    total = sum(masks[0])
    merged, depth, last, inside = [], 0, 0, False
    for pixel in sorted(ends):
        depth += ends[pixel]
        if pixel < total and (depth > 0) != inside:
            merged.append(pixel - last)
            last, inside = pixel, depth > 0
    merged.append(total - last)
    return merged


def _boundary(ring: Sequence[float]) -> Iterator[tuple[int, int]]:
    """Yield the boundary points at five times the size, one column or row apart."""
    xs = [int(_SCALE * x + 0.5) for x in ring[0::2]]
    ys = [int(_SCALE * y + 0.5) for y in ring[1::2]]
    xs.append(xs[0])
    ys.append(ys[0])
    for i in range(len(xs) - 1):
        x0, x1, y0, y1 = xs[i], xs[i + 1], ys[i], ys[i + 1]
        dx, dy = abs(x1 - x0), abs(y1 - y0)
        swap = (dx >= dy and x0 > x1) or (dx < dy and y0 > y1)
        if swap:
            x0, x1, y0, y1 = x1, x0, y1, y0
        if dx >= dy:
            slope = (y1 - y0) / dx if dx else 0.0
            for d in range(dx + 1):
                t = dx - d if swap else d
                yield t + x0, int(y0 + slope * t + 0.5)
        else:
            slope = (x1 - x0) / dy
            for d in range(dy + 1):
                t = dy - d if swap else d
                yield int(x0 + slope * t + 0.5), t + y0


def _crossings(points: Sequence[tuple[int, int]], height: int, width: int) -> Iterator[int]:
    """Yield the pixels, counted column by column, where the boundary crosses from one column to the next."""
    for (before_u, before_v), (u, v) in pairwise(points):
        if u == before_u:
            continue
        x = float(u if u < before_u else u - 1)
        x = (x + 0.5) / _SCALE - 0.5
        if x != int(x) or x < 0 or x > width - 1:
            continue
        y = float(min(v, before_v))
        y = (y + 0.5) / _SCALE - 0.5
        y = min(max(y, 0.0), float(height))
        # Rounded up, as C's ceil does.
        yield int(x) * height + int(-(-y // 1))
