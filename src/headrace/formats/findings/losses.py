"""Counts what a writer's format cannot represent, one batch at a time, since losses may number millions."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate
from operator import attrgetter
from typing import Any, Final

from msgspec import Struct

from headrace.formats.findings.collect import Pass, Severity
from headrace.formats.geometry.box_table import BoxTable, by_table
from headrace.formats.info import FIELDS, WHOLE, Capability, ShapeKind
from headrace.model.sample import Sample
from headrace.model.shapes import AnyShape, Keypoints, Mask, Polygon

# Readers can compute these again: worth a note, never a failure.
_RECOMPUTED: Final = frozenset({"image_id", "shape_id", "area", "bbox", "extra"})
_OF_SHAPES: Final[Mapping[str, str]] = {
    "shape_id": "id",
    "area": "area",
    "score": "score",
    "text": "text",
    "attributes": "attributes",
    "extra": "extra",
}
_OF_TABLES: Final[Mapping[str, str]] = {
    "shape_id": "ids",
    "area": "areas",
    "attributes": "attributes",
    # In a table every polygon has its box.
    "bbox": "outlines",
}
_OF_IMAGES: Final[Mapping[str, str]] = {
    "image_id": "id",
    "split": "split",
    "image_attributes": "attributes",
    "extra": "extra",
}

_WITH_BOXES: Final[Mapping[ShapeKind, type[Any]]] = {
    "polygon": Polygon,
    "keypoints": Keypoints,
    "mask": Mask,
}


class _Kind(Struct, gc=False):
    example: str
    detail: str | None
    count: int = 0
    shapes: int = 0
    images: int = 0


class LossCounter:
    """Counts the findings of one batch by kind and reports them together, with one example each."""

    def __init__(self, found: Pass) -> None:
        self._found = found
        self._kinds: dict[tuple[str, str, Severity], _Kind] = {}

    def add(
        self,
        code: str,
        message: str,
        severity: Severity,
        path: str,
        *,
        detail: str | None = None,
        count: int = 1,
        dropped: int = 0,
        dropped_images: int = 0,
    ) -> None:
        """Count a finding; ``path`` and ``detail`` become the example if it is the first of its kind."""
        kind = self._kinds.get((code, message, severity))
        if kind is None:
            kind = self._kinds[code, message, severity] = _Kind(path, detail)
        kind.count += count
        kind.shapes += dropped
        kind.images += dropped_images

    def flush(self) -> None:
        """Report and reset the counts; raises where the policy demands."""
        kinds, self._kinds = self._kinds, {}
        for (code, message, severity), kind in kinds.items():
            self._found.add(
                code,
                message,
                severity=severity,
                path=kind.example,
                detail=kind.detail,
                count=kind.count,
                dropped=kind.shapes,
                dropped_images=kind.images,
            )


class FieldLosses:
    """Counts the fields that samples have and a format cannot represent."""

    def __init__(self, says: Capability) -> None:
        self._images = _getters(_OF_IMAGES, says)
        self._shapes = _getters(_OF_SHAPES, says)
        kinds = tuple(_WITH_BOXES[kind] for kind in _WITH_BOXES if says.kinds.get(kind) == WHOLE)
        if "bbox" not in says.fields and kinds:
            # Of other kinds the box is what is written.
            self._shapes.append(("bbox", lambda s: s.bbox if isinstance(s, kinds) else None))
        if "segmentation" not in says.fields:
            self._shapes.append(("segmentation", _segmentation))

    def count_field(self, field: str, count: int, path: str, counter: LossCounter) -> None:
        """Add ``count`` shapes that have a field, if this format loses the field."""
        if any(field == lost for lost, _ in self._shapes):
            _note(counter, field, count, path)

    def count(self, samples: Sequence[Sample], counter: LossCounter) -> None:
        """Add the losses of a batch to ``counter``."""
        if not samples:
            return
        for field, getter in self._images:
            values = list(map(getter, samples))
            if found := len(values) - values.count(None):
                first = next(place for place, each in enumerate(values) if each is not None)
                _note(counter, field, found, samples[first].filename)
        if not self._shapes:
            return
        shapes: list[AnyShape] = []
        ends: list[int] = []
        names: list[str] = []
        in_tables = Counter[str]()
        examples: dict[str, str] = {}
        for table, run in by_table(samples):
            if table is None:
                for sample in run:
                    shapes += sample.shapes
                    ends.append(len(shapes))
                    names.append(sample.filename)
            else:
                for field, _ in self._shapes:
                    if boxes := _boxes_with(table, field):
                        in_tables[field] += boxes
                        if field not in examples:
                            examples[field] = _first_with(table, field, run)
        for field, getter in self._shapes:
            values = list(map(getter, shapes))
            found = len(values) - values.count(None)
            if found:
                first = next(place for place, each in enumerate(values) if each is not None)
                examples[field] = names[bisect_right(ends, first)]
            if found + in_tables[field]:
                _note(counter, field, found + in_tables[field], examples[field])


def _segmentation(shape: AnyShape) -> object:
    return shape.segmentation if isinstance(shape, Keypoints) else None


def _boxes_with(table: BoxTable, field: str) -> int:
    """Return the number of boxes in a table that have a field."""
    if table.is_derived and field in ("area", "bbox"):
        return 0
    column = getattr(table, _OF_TABLES[field]) if field in _OF_TABLES else None
    return 0 if column is None else len(column) - column.count(None)


def _first_with(table: BoxTable, field: str, run: Sequence[Sample]) -> str:
    """Return the name of the first image of a table some box of which has a field."""
    column = getattr(table, _OF_TABLES[field])
    first = next(row for row, each in enumerate(column) if each is not None)
    ends = accumulate(len(sample.shapes) for sample in run)
    return next(each.filename for each, end in zip(run, ends, strict=True) if first < end)


def _getters(fields: Mapping[str, str], says: Capability) -> list[tuple[str, Callable[[Any], Any]]]:
    return [(field, attrgetter(name)) for field, name in fields.items() if field not in says.fields]


def _note(counter: LossCounter, field: str, count: int, path: str) -> None:
    if count:
        severity = Severity.NOTE if field in _RECOMPUTED else Severity.LOSS
        counter.add("LOSS", f"not written: {FIELDS[field]}", severity, path, count=count)
