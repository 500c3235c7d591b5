"""Shapes cut at the edge of their image, for writers that were asked to."""

from __future__ import annotations

from msgspec.structs import replace

from headrace.model.geometry import clip_xywh, points_bounds
from headrace.model.shapes import AnyShape, Box, Keypoints, Mask, Polygon, Rectangle

Axis = int


def clip_shape(shape: AnyShape, width: int, height: int) -> AnyShape | None:
    """The part of a shape inside an image of this size (pixels), or None where there is none.

    Boxes and polygons are cut, and lose an area that no longer holds; of keypoints only the box is cut. A mask is as
    large as its image already.
    """
    if isinstance(shape, Rectangle):
        box = _clip_box((shape.x, shape.y, shape.w, shape.h), width, height)
        if box is None or box == (shape.x, shape.y, shape.w, shape.h):
            return shape if box else None
        return replace(shape, x=box[0], y=box[1], w=box[2], h=box[3], area=None)
    if isinstance(shape, Polygon):
        return _clip_polygon(shape, width, height)
    if isinstance(shape, Keypoints | Mask) and shape.bbox is not None:
        return replace(shape, bbox=_clip_box(shape.bbox, width, height))
    return shape


def clip_ring(ring: list[float], width: float, height: float) -> list[float]:
    """The part of a flat ring inside an image (Sutherland and Hodgman, 1974); empty where there is none."""
    for axis, limit, sign in ((0, 0.0, 1), (0, width, -1), (1, 0.0, 1), (1, height, -1)):
        ring = _cut(ring, axis, limit, sign)
    return ring if len(ring) >= 6 else []


def _clip_polygon(shape: Polygon, width: int, height: int) -> Polygon | None:
    if all(_inside(points_bounds(ring), width, height) for ring in shape.rings):
        return shape
    rings = [cut for cut in (clip_ring(ring, width, height) for ring in shape.rings) if cut]
    if not rings:
        return None
    box = None if shape.bbox is None else _clip_box(shape.bbox, width, height)
    return replace(shape, rings=rings, bbox=box, area=None)


def _cut(ring: list[float], axis: Axis, limit: float, sign: int) -> list[float]:
    """The part of a ring on one side of a line along an axis: ``sign`` 1 keeps what lies beyond the limit."""
    kept: list[float] = []
    points = list(zip(ring[0::2], ring[1::2], strict=True))
    for before, here in zip(points[-1:] + points[:-1], points, strict=True):
        was, now = (before[axis] - limit) * sign, (here[axis] - limit) * sign
        if (was < 0) != (now < 0):
            share = was / (was - now)
            crossing = [
                before[0] + share * (here[0] - before[0]),
                before[1] + share * (here[1] - before[1]),
            ]
            crossing[axis] = limit
            kept += crossing
        if now >= 0:
            kept += here
    return kept


def _clip_box(box: Box, width: int, height: int) -> Box | None:
    if _inside(box, width, height):
        return box
    cut = clip_xywh(*box, width, height)
    return cut if cut[2] > 0 and cut[3] > 0 else None


def _inside(box: Box, width: int, height: int) -> bool:
    x, y, w, h = box
    return x >= 0 and y >= 0 and x + w <= width and y + h <= height
