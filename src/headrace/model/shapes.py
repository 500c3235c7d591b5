"""Shapes: what an annotation draws on an asset. One model for all formats.

Pixels, origin at the top left corner, x to the right, y down; coordinates are floats and may lie outside the
image. A box is ``x, y`` of its top left corner and its width and height. Polygons, lines and keypoints are flat
lists, as COCO writes them: ``[x1, y1, x2, y2, …]`` and ``[x1, y1, v1, …]``. A shape names its label by text.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct

Attributes = dict[str, Any]
Box = tuple[float, float, float, float]


class Shape(Struct, kw_only=True, gc=False):
    """What every shape has.

    ``id`` is the source's own id; ``iscrowd`` COCO's mark of a group of objects; ``area`` in square pixels and
    ``score`` in 0..1 where the source gives them; ``extra`` holds the source's other keys untouched, so that the
    same format writes them back.
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
    """An axis-parallel box: left, top, width, height in pixels."""

    x: float
    y: float
    w: float
    h: float


class Polygon(Shape, tag="polygon", kw_only=True, gc=False):
    """One object outlined by one or more rings (several where parts of it are hidden).

    Each ring is flat ``[x1, y1, …]`` with at least three points; rings are united, none is a hole (COCO).
    ``bbox`` is the source's own box ``(x, y, w, h)`` where it gave one.
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


class Keypoints(Shape, tag="keypoints", kw_only=True, gc=False):
    """Named points of a skeleton, flat ``[x1, y1, v1, …]``; v is 0 not labelled, 1 hidden, 2 visible (COCO)."""

    points: list[float]
    bbox: Box | None = None


class Mask(Shape, tag="mask", kw_only=True, gc=False):
    """A bitmap as run lengths: ``counts`` is COCO's compressed string, column-major, over ``height x width``."""

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
    """One object through a video: keyframes between which the shape is interpolated, and frames where it ends."""

    start_frame: int
    rectangles: list[RectangleKeyframe] = []
    polygons: list[PolygonKeyframe] = []
    ends: list[int] = []


AnyShape = Rectangle | Polygon | Line | Point | Keypoints | Mask | Classification | Track
