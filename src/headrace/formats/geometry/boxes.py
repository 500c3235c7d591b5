"""The bounding box of any shape, for formats that can only represent boxes."""

from __future__ import annotations

from collections.abc import Sequence

from headrace.errors import ParseError
from headrace.formats.geometry import rle
from headrace.model.geometry import rings_bounds
from headrace.model.shapes import (
    AnyShape,
    Box,
    Keypoints,
    Mask,
    Polygon,
    Rectangle,
    SegmentationMask,
)


def box_of(shape: AnyShape) -> Box | None:
    """Return the box ``x, y, w, h`` (pixels) of a shape: the one given by the source, else its bounds.

    Of keypoints these are the bounds of the outline, else of the labelled points. Returns None for shapes without
    extent, lines, points and classifications.
    """
    if isinstance(shape, Rectangle):
        return shape.x, shape.y, shape.w, shape.h
    if not isinstance(shape, Polygon | Keypoints | Mask):
        return None
    if shape.bbox is not None:
        return shape.bbox
    segmentation = shape.segmentation if isinstance(shape, Keypoints) else None
    mask = shape if isinstance(shape, Mask) else segmentation
    if isinstance(mask, Mask | SegmentationMask):
        return _mask_box(mask)
    rings = [ring for ring in _rings(shape, segmentation) if len(ring) >= 2]
    return rings_bounds(rings) if rings else None


def _rings(
    shape: AnyShape, segmentation: Sequence[Sequence[float]] | SegmentationMask | None
) -> Sequence[Sequence[float]]:
    if isinstance(shape, Polygon):
        return shape.rings
    if isinstance(segmentation, list) and segmentation:
        return segmentation
    if isinstance(shape, Keypoints):
        points = shape.points
        return [points[i : i + 2] for i in range(0, len(points) - 2, 3) if points[i + 2]]
    return ()


def _mask_box(mask: Mask | SegmentationMask) -> Box | None:
    try:
        box = rle.bounds(rle.decode(mask.counts, mask.height, mask.width), mask.height)
    except ParseError:
        return None
    return box if box[2] > 0 else None
