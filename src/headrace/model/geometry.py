"""Conversions of boxes, bounds and areas, in floats (pixels unless a name says normalised).

``xywh``: left, top, width, height (COCO). ``xyxy``: left, top, right, bottom, the end exclusive. ``cxcywh``: centre
and size (YOLO, there normalised by the image's width and height).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

from headrace.model.shapes import Box

DECIMALS = 6
NOISE = 1e-9
"""Pixels; far more than the error of a subtraction, and far less than what :data:`DECIMALS` decimals tell apart."""


def xywh_to_xyxy(x: float, y: float, w: float, h: float) -> Box:
    return x, y, x + w, y + h


def xywh_to_cxcywh_normalised(
    x: float, y: float, w: float, h: float, width: int, height: int
) -> Box:
    """Convert a box in pixels to centre and size as fractions of the image's ``width`` and ``height`` (pixels)."""
    return (x + w / 2) / width, (y + h / 2) / height, w / width, h / height


def cxcywh_normalised_to_xywh(
    cx: float, cy: float, w: float, h: float, width: int, height: int
) -> Box:
    """Convert centre and size as fractions of the image to a box in pixels."""
    return (cx - w / 2) * width, (cy - h / 2) * height, w * width, h * height


def clip_xywh(x: float, y: float, w: float, h: float, width: float, height: float) -> Box:
    """Clip a box to the image; the size is 0 where nothing of it is inside."""
    left, top = min(max(x, 0.0), width), min(max(y, 0.0), height)
    right, bottom = min(max(x + w, 0.0), width), min(max(y + h, 0.0), height)
    return left, top, right - left, bottom - top


def ring_area(ring: Sequence[float]) -> float:
    """Return the area enclosed by a flat ring ``[x1, y1, …]`` (shoelace formula), never negative."""
    xs, ys = ring[0::2], ring[1::2]
    if len(xs) < 3:
        return 0.0
    corners = zip(xs, ys, xs[1:], ys[1:], strict=False)
    twice = sum([x * next_y - next_x * y for x, y, next_x, next_y in corners])
    return abs(twice + xs[-1] * ys[0] - xs[0] * ys[-1]) / 2


def rings_area(rings: Sequence[Sequence[float]]) -> float:
    """Return the sum of the rings' areas (in COCO, the parts of an object do not overlap by convention)."""
    return sum(map(ring_area, rings), 0.0)


def points_bounds(points: Sequence[float]) -> Box:
    """Return ``xywh`` around flat points ``[x1, y1, …]``."""
    return rings_bounds([points])


def rings_bounds(rings: Sequence[Sequence[float]]) -> Box:
    """Return ``xywh`` around all rings, without the noise of a subtraction: 20.2, not 20.199999999999996."""
    # Sorting is faster than two searches, for the least and for the greatest.
    if len(rings) == 1:
        xs, ys = sorted(rings[0][0::2]), sorted(rings[0][1::2])
    else:
        xs = sorted(chain.from_iterable([ring[0::2] for ring in rings]))
        ys = sorted(chain.from_iterable([ring[1::2] for ring in rings]))
    left, top, right, bottom = xs[0], ys[0], xs[-1], ys[-1]
    width, height = right - left, bottom - top
    short_width, short_height = round(width, DECIMALS), round(height, DECIMALS)
    return (
        left,
        top,
        short_width if abs(short_width - width) < NOISE else width,
        short_height if abs(short_height - height) < NOISE else height,
    )
