"""The shapes of annotations: one model for all formats.

Pixels, origin at the top left corner, x to the right, y down; coordinates are floats and may lie outside the
image. A box is ``x, y`` of its top left corner and its width and height. Polygons, lines and keypoints are flat
lists as in COCO: ``[x1, y1, x2, y2, …]`` and ``[x1, y1, v1, …]``. A shape refers to its label by name.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct

Attributes = dict[str, Any]
Box = tuple[float, float, float, float]


class Shape(Struct, kw_only=True, gc=False):
    """Fields of every shape.

    ``id`` is the id in the source. ``iscrowd`` marks a group of objects (COCO). ``area`` is in square pixels and
    ``score`` from 0 to 1, where the source gives them. ``extra`` holds all other keys of the source unchanged, for
    writing the same format.
    """

    label: str
    text: str | None = None
    attributes: Attributes | None = None
    id: int | str | None = None
    iscrowd: bool = False
    area: float | None = None
    score: float | None = None
    extra: Attributes | None = None


class Rectangle(Shape, tag="rectangle", kw_only=True, gc=False):
    """An axis-aligned box: left, top, width, height in pixels."""

    x: float
    y: float
    w: float
    h: float


class Polygon(Shape, tag="polygon", kw_only=True, gc=False):
    """One object outlined by one or more rings (several where parts of it are hidden).

    Each ring is flat ``[x1, y1, …]`` with at least three points. The object is the union of its rings; rings are never
    holes (COCO). ``bbox`` is the box ``(x, y, w, h)`` that the source gives.
    """

    rings: list[list[float]]
    bbox: Box | None = None


class Line(Shape, tag="line", kw_only=True, gc=False):
    """An open chain of points, flat ``[x1, y1, …]``."""

    points: list[float]


class Point(Shape, tag="point", kw_only=True, gc=False):
    """A single point."""

    x: float
    y: float


class SegmentationMask(Struct, kw_only=True, gc=False):
    """The outline of an object as a mask: ``counts`` is COCO's compressed text, column-major, over ``height x width`` pixels."""

    counts: str
    height: int
    width: int


class Keypoints(Shape, tag="keypoints", kw_only=True, gc=False):
    """Named points of a skeleton, flat ``[x1, y1, v1, …]``; v is 0 not labelled, 1 hidden, 2 visible (COCO).

    ``bbox`` is the box ``(x, y, w, h)`` that the source gives. ``segmentation`` is the outline of the object: rings as
    those of a polygon, or a mask.
    """

    points: list[float]
    bbox: Box | None = None
    segmentation: list[list[float]] | SegmentationMask | None = None


class Mask(Shape, tag="mask", kw_only=True, gc=False):
    """A run-length encoded mask: ``counts`` is COCO's compressed text, column-major, over ``height x width`` pixels."""

    counts: str
    height: int
    width: int
    bbox: Box | None = None


class Classification(Shape, tag="classification", kw_only=True, gc=False):
    """A label for the whole asset, without geometry."""


class RectangleKeyframe(Struct, gc=False):
    """A track's box at one frame, counted from the track's first frame."""

    frame_index: int
    x: float
    y: float
    w: float
    h: float


class PolygonKeyframe(Struct, gc=False):
    """A track's ring (flat) at one frame, counted from the track's first frame."""

    frame_index: int
    ring: list[float]


class Track(Shape, tag="track", kw_only=True, gc=False):
    """One object through a video: keyframes between which the shape is interpolated, and the frames at which it ends."""

    start_frame: int
    rectangles: list[RectangleKeyframe] = []
    polygons: list[PolygonKeyframe] = []
    ends: list[int] = []


AnyShape = Rectangle | Polygon | Line | Point | Keypoints | Mask | Classification | Track
