"""Prints shapes as the rows of label files, and counts what they lose."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from math import isfinite
from typing import Any, Final

import orjson

from headrace.formats.class_order import ClassNumbers
from headrace.formats.findings.collect import Severity
from headrace.formats.findings.losses import LossCounter
from headrace.formats.geometry.box_table import BoxTable, Rings
from headrace.formats.geometry.clip import clip_shape
from headrace.formats.yolo.writing.encode import BOXED, NOWHERE, RowEncoder, RowLoss
from headrace.model.sample import Sample
from headrace.model.shapes import AnyShape, Polygon, Rectangle

# Placeholder for a row that is encoded separately, and the line it is printed as.
_NO_ROW: Final[list[float]] = [0]
ODD: Final = b"0"

# A label, a box ``x, y, w, h`` and the width and height of its image, all in pixels.
_Placed = tuple[str, float, float, float, float, int, int]


class RowPrinter:
    """Prints the rows of one task.

    Args:
        encode: Encodes a shape of the task.
        numbers: The class numbers.
        counter: Receives losses.
        lost: Receives the labels of shapes that are left out.
        task: The task; boxes and outlines are encoded many at a time.
        clip: Whether to cut shapes at the edge of their image first.
    """

    def __init__(
        self,
        encode: RowEncoder,
        numbers: ClassNumbers,
        counter: LossCounter,
        lost: Counter[str],
        *,
        task: str,
        clip: bool,
    ) -> None:
        self._encode = encode
        self._numbers = numbers
        self._counter = counter
        self._lost = lost
        self._boxes_only = task == "detect" and not clip
        self._outlines_only = task == "segment" and not clip
        self._clip = clip

    def table(self, table: BoxTable | None, run: Sequence[Sample]) -> list[bytes]:
        """Return the line of each row of a table; ``ODD`` for one that needs a closer look.

        Such a row has a new label, or is partly outside its image, or has no outline of one ring where one is written.
        """
        if table is None or not (self._boxes_only or self._outlines_only):
            return []
        widths: list[int] = []
        heights: list[int] = []
        for sample in run:
            widths += [sample.width or 1] * len(sample.shapes)
            heights += [sample.height or 1] * len(sample.shapes)
        if self._outlines_only:
            outlines = table.rings()
            if outlines is None:
                return []
            rows = self._outlined(zip(table.labels, outlines, widths, heights, strict=True))
        else:
            columns = table.labels, table.x, table.y, table.w, table.h, widths, heights
            rows = self._detected(zip(*columns, strict=True))
        return printed(rows)

    def image(self, sample: Sample) -> list[bytes]:
        """Return the lines of an image, shape by shape."""
        return printed(self._rows(sample))

    def note_boxed(self, polygons: int, sample: Sample) -> None:
        """Count polygons of which only the box was written."""
        message = BOXED % "polygon"
        self._counter.add("LOSS", message, Severity.LOSS, sample.filename, count=polygons)

    def _detected(self, boxes: Iterable[_Placed]) -> list[list[float]]:
        """Return the row of each box; ``_NO_ROW`` for one with a new label or partly outside its image."""
        numbers = self._numbers.known
        return [
            [numbers[label], x, y, w, h]
            if label in numbers
            and 0 <= (w := box_width / width) <= 1
            and 0 <= (h := box_height / height) <= 1
            and 0 <= (x := (left + box_width / 2) / width) <= 1
            and 0 <= (y := (top + box_height / 2) / height) <= 1
            else _NO_ROW
            for label, left, top, box_width, box_height, width, height in boxes
        ]

    def _outlined(
        self, outlines: Iterable[tuple[str, Rings | None, int, int]]
    ) -> list[list[float]]:
        """Return the row of each outline; ``_NO_ROW`` for one that :func:`segment_row` must look at."""
        numbers = self._numbers.known
        rows: list[list[float]] = []
        for label, rings, width, height in outlines:
            row = _NO_ROW
            if label in numbers and rings is not None and len(rings) == 1:
                ring = rings[0]
                xs, ys = ring[0::2], ring[1::2]
                if (
                    len(xs) == len(ys) >= 3
                    and isfinite(sum(ring))
                    and min(ring) >= 0
                    and max(xs) <= width
                    and max(ys) <= height
                ):
                    row = [numbers[label], *ring]
                    row[1::2] = [x / width for x in xs]
                    row[2::2] = [y / height for y in ys]
            rows.append(row)
        return rows

    def _rows(self, sample: Sample) -> list[list[float]]:
        shapes = sample.shapes
        if self._boxes_only and shapes and (rows := self._all_boxes(sample)):
            return rows
        rows = []
        for shape in shapes:
            number = self._numbers.number(shape.label)
            row = self._row(shape, sample)
            if row is not None:
                rows.append([number, *row])
        return rows

    def _all_boxes(self, sample: Sample) -> list[list[float]] | None:
        """Encode all shapes of an image at once, where all are boxes or all are polygons with a given box.

        Returns None for other shapes, or where one is not inside the image.
        """
        shapes: Sequence[Any] = sample.shapes
        rows = self._detected(_placed(shapes, sample.width or 1, sample.height or 1))
        if len(rows) < len(shapes) or _NO_ROW in rows:
            return None
        if type(shapes[0]) is Polygon:
            self.note_boxed(len(shapes), sample)
        return rows

    def _row(self, shape: AnyShape, sample: Sample) -> list[float] | None:
        width, height = sample.width or 0, sample.height or 0
        try:
            if shape.iscrowd:
                raise RowLoss("a crowd is left out: YOLO would treat it as one object")
            if self._clip:
                clipped = clip_shape(shape, width, height)
                if clipped is None:
                    raise RowLoss(NOWHERE, code="Y11", severity=Severity.WARNING)
                shape = clipped
            return self._encode(shape, width, height)
        except RowLoss as loss:
            dropped = 0
            if loss.row is None:
                dropped = 1
                self._lost[shape.label] += 1
            self._counter.add(
                loss.code, loss.message, loss.severity, sample.filename, dropped=dropped
            )
            return loss.row


def printed(rows: list[list[float]]) -> list[bytes]:
    """Format rows as lines: one C call prints all numbers, in the shortest form that reads back unchanged."""
    text = orjson.dumps(rows)[2:-2].replace(b"],[", b"\n").replace(b",", b" ")
    return text.split(b"\n") if rows else []


def _placed(shapes: Sequence[Any], width: int, height: int) -> list[_Placed]:
    """Return the boxes of all shapes of the first one's type; omits shapes without a plain box."""
    if type(shapes[0]) is Rectangle:
        return [
            (shape.label, shape.x, shape.y, shape.w, shape.h, width, height)
            for shape in shapes
            if type(shape) is Rectangle and not shape.iscrowd
        ]
    return [
        (shape.label, *shape.bbox, width, height)
        for shape in shapes
        if type(shape) is Polygon and not shape.iscrowd and shape.bbox is not None
    ]
