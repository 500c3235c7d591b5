"""Encodes shapes as rows of label files, for each task, in fractions of the image (0 to 1)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import isfinite
from typing import Final

from headrace.errors import ParseError
from headrace.formats.findings.collect import Severity
from headrace.formats.geometry import rle
from headrace.formats.geometry.boxes import box_of
from headrace.formats.geometry.clip import clip_ring
from headrace.formats.geometry.outlines import mask_rings
from headrace.model.geometry import clip_xywh, xywh_to_cxcywh_normalised, xywh_to_xyxy
from headrace.model.shapes import AnyShape, Box, Keypoints, Mask, Polygon, Rectangle

OUTSIDE = "clipped to the image: YOLO cannot represent parts outside"

NOWHERE = "left out: entirely outside the image"
BOXED = "a %s becomes its box"


class RowLoss(Exception):  # noqa: N818  becomes a finding
    """A loss in encoding a shape; ``row`` holds what can be represented, if anything."""

    def __init__(
        self,
        message: str,
        row: list[float] | None = None,
        *,
        code: str = "LOSS",
        severity: Severity = Severity.LOSS,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.row = row
        self.code = code
        self.severity = severity


RowEncoder = Callable[[AnyShape, int, int], list[float]]


def detect_row(shape: AnyShape, width: int, height: int) -> list[float]:
    """Encode centre and size of a shape's box."""
    box = _box(shape)
    row, cut = _centred(box, width, height)
    if not isinstance(shape, Rectangle):
        raise RowLoss(BOXED % _kind(shape), row)
    if cut:
        raise RowLoss(OUTSIDE, row, code="Y11")
    return row


def segment_row(shape: AnyShape, width: int, height: int) -> list[float]:
    """Encode a shape as one ring; several rings are joined by lines traversed in both directions.

    A mask becomes the outline of its pixels.
    """
    if isinstance(shape, Polygon):
        row, cut = _ring_row(joined_rings(shape.rings), width, height)
        if len(shape.rings) > 1:
            raise RowLoss("several rings become one, joined by lines", row)
    elif isinstance(shape, Mask):
        row, _ = _ring_row(joined_rings(_rings_of(shape)), shape.width, shape.height)
        raise RowLoss("a mask becomes its outline; parts and holes are joined by lines", row)
    else:
        row, cut = _ring_row(_corners(_box(shape)), width, height)
        raise RowLoss(f"a {_kind(shape)} becomes the corners of its box", row)
    if cut:
        raise RowLoss(OUTSIDE, row, code="Y11")
    return row


def obb_row(shape: AnyShape, width: int, height: int) -> list[float]:
    """Encode four corners: those of the shape if it has four, else those of its box."""
    if isinstance(shape, Polygon) and [len(ring) for ring in shape.rings] == [8]:
        # Corners of an oriented box may lie outside; clipping would distort it.
        row, _ = _ring_row(shape.rings[0], width, height, cut=False)
        return row
    row, _ = _ring_row(_corners(_box(shape)), width, height, cut=False)
    if not isinstance(shape, Rectangle):
        raise RowLoss(f"a {_kind(shape)} becomes the corners of its box", row)
    return row


class PoseEncoder:
    """Encodes box and keypoints, padding every row to the number of keypoints in ``kpt_shape``."""

    def __init__(self, points: int) -> None:
        self.points = points

    def __call__(self, shape: AnyShape, width: int, height: int) -> list[float]:
        """Encode a shape; raises RowLoss."""
        if not isinstance(shape, Keypoints):
            raise RowLoss(f"a {_kind(shape)} is left out: pose rows need keypoints")
        have = len(shape.points) // 3
        self.points = self.points or have
        if have > self.points:
            raise RowLoss(
                "keypoints are left out: more points than in kpt_shape",
                code="Y14",
                severity=Severity.WARNING,
            )
        box, cut = _centred(_box(shape), width, height)
        points, moved = _visible_points(shape.points, width, height)
        row = box + points + [0.0] * (3 * (self.points - have))
        if have < self.points:
            raise RowLoss(
                "keypoints are padded with absent points to match kpt_shape", row, code="Y14"
            )
        if cut or moved:
            raise RowLoss(OUTSIDE, row, code="Y11")
        return row


ENCODERS: Final[dict[str, RowEncoder]] = {
    "detect": detect_row,
    "segment": segment_row,
    "obb": obb_row,
}


def _kind(shape: AnyShape) -> str:
    return type(shape).__name__.lower()


def _box(shape: AnyShape) -> Box:
    box = box_of(shape)
    if box is None:
        raise RowLoss(f"a {_kind(shape)} is left out: it has no box")
    return box


def _rings_of(mask: Mask) -> list[list[float]]:
    """Return the rings around a mask, holes included: filled by the even-odd rule, they are its pixels exactly."""
    try:
        rings = mask_rings(rle.decode(mask.counts, mask.height, mask.width), mask.height)
    except ParseError:
        rings = []
    if not rings:
        raise RowLoss("a mask is left out: it has no pixels, or its run lengths are damaged")
    return rings


def _centred(box: Box, width: int, height: int) -> tuple[list[float], bool]:
    """Return centre and size, and whether the box was clipped."""
    if not all(map(isfinite, box)):
        raise RowLoss("left out: not a finite number", code="Y10", severity=Severity.WARNING)
    row = xywh_to_cxcywh_normalised(*box, width, height)
    if min(row) >= 0 and max(row) <= 1:
        return list(row), False
    cut = clip_xywh(*box, width, height)
    if cut[2] <= 0 or cut[3] <= 0:
        raise RowLoss(NOWHERE, code="Y11", severity=Severity.WARNING)
    return list(xywh_to_cxcywh_normalised(*cut, width, height)), True


def _ring_row(
    ring: Sequence[float], width: int, height: int, *, cut: bool = True
) -> tuple[list[float], bool]:
    if len(ring) < 6 or len(ring) % 2:
        raise RowLoss(
            "left out: a polygon needs three points", code="Y12", severity=Severity.WARNING
        )
    row = [0.0] * len(ring)
    row[0::2] = [x / width for x in ring[0::2]]
    row[1::2] = [y / height for y in ring[1::2]]
    if not all(map(isfinite, row)):
        raise RowLoss("left out: not a finite number", code="Y10", severity=Severity.WARNING)
    if not cut or (min(row) >= 0 and max(row) <= 1):
        return row, False
    row = clip_ring(row, 1.0, 1.0)
    if not row:
        raise RowLoss(NOWHERE, code="Y11", severity=Severity.WARNING)
    return row, True


def _corners(box: Box) -> list[float]:
    x1, y1, x2, y2 = xywh_to_xyxy(*box)
    return [x1, y1, x2, y1, x2, y2, x1, y2]


def joined_rings(rings: Sequence[Sequence[float]]) -> Sequence[float]:
    """Join rings into one: from the first point of each ring to the next ring, and finally back through all of them."""
    if len(rings) == 1:
        return rings[0]
    path = [value for ring in rings for value in (*ring, *ring[:2])]
    for ring in reversed(rings[1:-1]):
        path += ring[:2]
    return path


def _visible_points(points: Sequence[float], width: int, height: int) -> tuple[list[float], bool]:
    row: list[float] = []
    moved = False
    for i in range(0, len(points) - 2, 3):
        x, y, visible = points[i] / width, points[i + 1] / height, points[i + 2]
        if not (isfinite(x) and isfinite(y)):
            raise RowLoss("left out: not a finite number", code="Y10", severity=Severity.WARNING)
        if not visible:
            row += (0.0, 0.0, 0)
            continue
        inside_x, inside_y = min(max(x, 0.0), 1.0), min(max(y, 0.0), 1.0)
        moved = moved or inside_x != x or inside_y != y
        row += (inside_x, inside_y, int(visible))
    return row, moved
