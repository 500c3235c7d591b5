"""The bounding box of any shape, for formats that can only represent boxes."""

from __future__ import annotations

from headrace.errors import ParseError
from headrace.formats.geometry import rle
from headrace.model.geometry import points_bounds, rings_bounds
from headrace.model.shapes import AnyShape, Box, Keypoints, Mask, Polygon, Rectangle


def box_of(shape: AnyShape) -> Box | None:
    """Return the box ``x, y, w, h`` (pixels) of a shape: the one given by the source, else its bounds.

    Only labelled keypoints count. Returns None for shapes without extent, lines, points and classifications.
    """
    if isinstance(shape, Rectangle):
        return shape.x, shape.y, shape.w, shape.h
    if not isinstance(shape, Polygon | Keypoints | Mask):
        return None
    if shape.bbox is not None:
        return shape.bbox
    if isinstance(shape, Polygon):
        rings = [ring for ring in shape.rings if len(ring) >= 2]
        return rings_bounds(rings) if rings else None
    if isinstance(shape, Keypoints):
        points = shape.points
        labelled = [
            value
            for i in range(0, len(points) - 2, 3)
            if points[i + 2]
            for value in points[i : i + 2]
        ]
        return points_bounds(labelled) if labelled else None
    return _mask_box(shape)


def _mask_box(mask: Mask) -> Box | None:
    try:
        box = rle.bounds(rle.decode(mask.counts, mask.height, mask.width), mask.height)
    except ParseError:
        return None
    return box if box[2] > 0 else None
