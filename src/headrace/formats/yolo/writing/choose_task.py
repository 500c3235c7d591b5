"""Chooses the task of a dataset by its shapes: what its rows are to mean.

All rows of a YOLO dataset must mean the same: Ultralytics drops all outlines of a dataset that has boxes too. A writer
receives the shapes in a stream, and reading a source twice would double the time of most conversions. So the writer
holds back the first images until their shapes tell, which is usually one batch. What a later image adds is either
encoded as far as the task can, with a finding, or changes the task: boxes written before the first outline become
outlines of four corners in place, without a loss (``as_outlines``).

- Only classifications: ``classify``. More keypoints than other shapes among the first 1,000: ``pose``.
- Polygons or masks: ``segment``; boxes become their corners. But ``obb`` if all outlines among the first 1,000 shapes
  have four corners, nearly all of them are rectangles, and some are turned.
- Everything else: ``detect``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from math import hypot
from pathlib import Path
from typing import Final

from headrace.formats.geometry.box_table import by_table
from headrace.formats.yolo import Task
from headrace.formats.yolo.writing.rows import printed
from headrace.model.geometry import xywh_to_xyxy
from headrace.model.sample import Sample
from headrace.model.shapes import AnyShape, Classification, Keypoints, Mask, Polygon, Rectangle

_OUTLINES: Final = (Polygon, Mask)
_ENOUGH_SHAPES: Final = 1_000
_ENOUGH_IMAGES: Final = 2_000
_RECTANGLES: Final = 0.9
"""Least fraction of rectangles among the outlines of oriented boxes; corners drawn by hand are not always square."""


class TaskChooser:
    """Looks at the first images of a dataset. Create one for a dataset whose task is not given."""

    def __init__(self) -> None:
        self._kinds = Counter[type[AnyShape]]()
        self._images = 0
        self._only_quads = True
        self._rectangles = self._turned = 0

    def look(self, samples: Sequence[Sample]) -> Task | None:
        """Take account of more images; return the task, or None while more images are needed to tell."""
        for table, run in by_table(samples):
            if table is not None and not any(table.outlines):
                self._kinds[Rectangle] += len(table.labels)
                continue
            for sample in run:
                for shape in sample.shapes:
                    self._look_at(shape)
        self._images += len(samples)
        total = self._kinds.total()
        unclear = self._kinds[Keypoints] or (self._outlines and self._only_quads)
        if self._images < _ENOUGH_IMAGES and (not total or (unclear and total < _ENOUGH_SHAPES)):
            return None
        return self.choose()

    def choose(self) -> Task:
        """Return the task by what was seen so far."""
        total = self._kinds.total()
        if self._kinds[Keypoints] * 2 > total:
            return "pose"
        if total and self._kinds[Classification] == total:
            return "classify"
        outlines = self._outlines
        if not outlines:
            return "detect"
        oriented = self._turned and self._rectangles >= _RECTANGLES * outlines
        return "obb" if self._only_quads and oriented else "segment"

    @property
    def _outlines(self) -> int:
        return self._kinds[Polygon] + self._kinds[Mask]

    def _look_at(self, shape: AnyShape) -> None:
        if shape.iscrowd:
            return
        self._kinds[type(shape)] += 1
        if not isinstance(shape, _OUTLINES) or not self._only_quads:
            return
        if isinstance(shape, Mask) or len(shape.rings) != 1 or len(shape.rings[0]) != 8:
            self._only_quads = False
        elif _is_rectangle(shape.rings[0]):
            self._rectangles += 1
            self._turned += _is_turned(shape.rings[0])


def has_outlines(samples: Sequence[Sample]) -> bool:
    """Return whether images have an outline, so that boxes written so far cannot stay boxes."""
    for table, run in by_table(samples):
        if table is not None:
            if any(table.outlines):
                return True
        elif any(
            isinstance(shape, _OUTLINES) and not shape.iscrowd
            for sample in run
            for shape in sample.shapes
        ):
            return True
    return False


def as_outlines(folder: Path) -> int:
    """Rewrite the boxes in all label files below a folder as outlines of four corners; return their number."""
    count = 0
    for path in folder.rglob("*.txt"):
        rows = [_corners(line) for line in path.read_bytes().splitlines()]
        if rows:
            path.write_bytes(b"\n".join(printed(rows)) + b"\n")
        count += len(rows)
    return count


def _corners(line: bytes) -> list[float]:
    number, x, y, w, h = line.split()
    width, height = float(w), float(h)
    box = float(x) - width / 2, float(y) - height / 2, width, height
    left, top, right, bottom = (min(max(each, 0.0), 1.0) for each in xywh_to_xyxy(*box))
    return [int(number), left, top, right, top, right, bottom, left, bottom]


def _is_rectangle(ring: Sequence[float]) -> bool:
    """Return whether the diagonals of four corners cut each other in half and are equal, within a few percent."""
    x1, y1, x2, y2, x3, y3, x4, y4 = ring
    one, other = (x3 - x1, y3 - y1), (x4 - x2, y4 - y2)
    length, second = hypot(*one), hypot(*other)
    slack = 1.5 + 0.03 * max(length, second)
    middle = hypot(x1 + x3 - x2 - x4, y1 + y3 - y2 - y4) / 2
    return abs(length - second) <= slack and middle <= slack


def _is_turned(ring: Sequence[float]) -> bool:
    """Return whether a rectangle is not parallel to the edges of the image."""
    x1, y1, x2, y2 = ring[:4]
    dx, dy = abs(x2 - x1), abs(y2 - y1)
    return min(dx, dy) > 1 + 0.03 * max(dx, dy)
