"""Clips shapes to their image."""

from __future__ import annotations

from msgspec.structs import replace

from headrace.model.geometry import clip_xywh, points_bounds
from headrace.model.shapes import AnyShape, Box, Keypoints, Mask, Polygon, Rectangle

Axis = int


def clip_shape(shape: AnyShape, width: int, height: int) -> AnyShape | None:
    """Clip a shape to an image.

    Boxes and polygons are cut and lose their area, which no longer holds; of keypoints and masks only the box is cut.

    Args:
        shape: The shape.
        width: Width of the image in pixels.
        height: Height of the image in pixels.

    Returns:
        The part inside the image, or None where nothing is inside.
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
    """Clip a flat ring to an image (Sutherland and Hodgman, 1974); empty where nothing is inside."""
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
    """Clip a ring at an axis-parallel line; ``sign`` 1 keeps the part above ``limit``, -1 the part below."""
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
