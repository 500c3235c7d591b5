"""Stored shapes as the calls of single shapes show them: with an id each, labels as records."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from headrace.errors import StorageError
from headrace.model import rle
from headrace.model.columns import Group, ShapeKind
from headrace.model.ids import encode_shape
from headrace.model.records import LabelRecord
from headrace.platform.core.scopes import VersionScope
from headrace.protocol.operations.shapes import (
    ClassificationRecord,
    LineRecord,
    MaskRecord,
    PointRecord,
    PolygonRecord,
    RectangleRecord,
    ShapeRecord,
)

Heads = Iterable[dict[str, Any]]


def shape_records(
    scope: VersionScope,
    annotation: int,
    group: Group,
    labels: Mapping[int, LabelRecord],
    height: int,
) -> list[Any]:
    """The shapes of a numbered group; ``height`` of the image matters for masks alone."""
    ordinals = group.ordinals or ()
    size = len(group.labels)
    texts = group.texts or [None] * size
    attributes = group.attributes or [None] * size
    try:
        heads = [
            {
                "id": encode_shape(scope.created, scope.bucket, scope.no, annotation, ordinal),
                "label": labels[label],
                "text": text,
                "attributes": more,
            }
            for ordinal, label, text, more in zip(
                ordinals, group.labels, texts, attributes, strict=True
            )
        ]
    except KeyError as error:
        raise StorageError(f"a shape names label {error.args[0]}, which is not there") from None
    return _KINDS[group.kind](heads, group, height)


def _rectangles(heads: Heads, group: Group, height: int) -> list[ShapeRecord]:
    numbers = iter(group.geometry)
    boxes = zip(numbers, numbers, numbers, numbers, strict=True)
    return [
        RectangleRecord(**head, x=x, y=y, w=w, h=h)
        for head, (x, y, w, h) in zip(heads, boxes, strict=True)
    ]


def _polygons(heads: Heads, group: Group, height: int) -> list[ShapeRecord]:
    instances = group.instances or [None] * len(group.labels)
    return [
        PolygonRecord(**head, polygon=ring, instance=instance)
        for head, ring, instance in zip(heads, group.geometry, instances, strict=True)
    ]


def _lines(heads: Heads, group: Group, height: int) -> list[ShapeRecord]:
    return [LineRecord(**head, line=line) for head, line in zip(heads, group.geometry, strict=True)]


def _points(heads: Heads, group: Group, height: int) -> list[ShapeRecord]:
    numbers = iter(group.geometry)
    pairs = zip(numbers, numbers, strict=True)
    return [PointRecord(**head, point=point) for head, point in zip(heads, pairs, strict=True)]


def _classifications(heads: Heads, group: Group, height: int) -> list[ShapeRecord]:
    return [ClassificationRecord(**head) for head in heads]


def _masks(heads: Heads, group: Group, height: int) -> list[ShapeRecord]:
    records: list[ShapeRecord] = []
    for head, mask in zip(heads, group.geometry, strict=True):
        counts = rle.decode(mask)
        area, bbox = float(rle.area(counts)), list(rle.bounds(counts, height))
        records.append(MaskRecord(**head, mask=mask, area=area, bbox=bbox))
    return records


_KINDS: dict[ShapeKind, Callable[[Heads, Group, int], list[ShapeRecord]]] = {
    ShapeKind.RECTANGLE: _rectangles,
    ShapeKind.POLYGON: _polygons,
    ShapeKind.LINE: _lines,
    ShapeKind.POINT: _points,
    ShapeKind.CLASSIFICATION: _classifications,
    ShapeKind.MASK: _masks,
}
