"""Make plain values of packed annotations, as ``load_annotations`` returns them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import repeat
from typing import Any

import msgspec

from headrace.garbage import collector_paused
from headrace.model.blob.unpack import unpack_page
from headrace.model.columns import PLURALS, ShapeGroup, ShapeKind, Shapes
from headrace.platform.annotations.encode import (
    attributes_of,
    damage_named,
    encode_group,
    known_labels,
)
from headrace.protocol.operations.annotations import PackedAnnotation, PackedAnnotations

PlainShape = dict[str, Any]


def plain_annotations(packed: PackedAnnotations) -> list[dict[str, Any]]:
    """Return annotations as dicts with the fields of ``LoadedAnnotation``; points are lists ``[x, y]``.

    Raises:
        CorruptionError: Shapes are damaged.
    """
    with collector_paused(kept=True), known_labels(), damage_named(packed.annotations):
        blobs = [each.shapes for each in packed.annotations]
        unpacked = unpack_page(blobs, areas=True, points="lists")
        return [
            _plain(annotation, shapes, packed.labels)
            for annotation, shapes in zip(packed.annotations, unpacked, strict=True)
        ]


def _plain(packed: PackedAnnotation, shapes: Shapes, names: Mapping[int, str]) -> dict[str, Any]:
    plain: dict[str, Any] = {
        "asset_id": packed.asset_id,
        "id": packed.id,
        "worker_id": packed.worker_id,
        "status": str(packed.status),
        "duration": packed.duration,
        "rectangles": [],
        "polygons": [],
        "lines": [],
        "points": [],
        "classifications": [],
        "keypoints": [],
        "masks": [],
        "tracks": [],
        "attributes": attributes_of(packed),
    }
    for group in shapes.groups:
        make = _FAST.get(group.kind)
        plain[PLURALS[group.kind]] = (
            as_plain(encode_group(group, names, packed.height), group.kind)
            if make is None
            else _with_columns(make(group, [names[key] for key in group.labels]), group)
        )
    return plain


def as_plain(shapes: list[Any], kind: ShapeKind) -> list[PlainShape]:
    """Return shapes of one kind as dicts; points are lists."""
    plain: list[PlainShape] = msgspec.to_builtins(shapes)
    if kind in (ShapeKind.POLYGON, ShapeKind.LINE, ShapeKind.KEYPOINTS):
        key = "keypoints" if kind is ShapeKind.KEYPOINTS else kind.name.lower()
        for shape in plain:
            shape[key] = list(map(list, shape[key]))
    elif kind is ShapeKind.POINT:
        for shape in plain:
            shape["point"] = list(shape["point"])
    return plain


def _rectangles(group: ShapeGroup, labels: list[str]) -> list[PlainShape]:
    numbers = iter(group.geometry)
    return [
        {"label": label, "text": text, "attributes": attributes, "x": x, "y": y, "w": w, "h": h}
        for label, text, attributes, x, y, w, h in zip(
            labels, *_heads(group), numbers, numbers, numbers, numbers, strict=True
        )
    ]


def _polygons(group: ShapeGroup, labels: list[str]) -> list[PlainShape]:
    return [
        {
            "label": label,
            "text": text,
            "attributes": attributes,
            "polygon": points,
            "area": area,
            "instance": instance,
        }
        for label, text, attributes, points, area, instance in zip(
            labels,
            *_heads(group),
            group.geometry,
            group.areas or repeat(None, len(labels)),
            group.instances or repeat(None, len(labels)),
            strict=True,
        )
    ]


_FAST: dict[ShapeKind, Callable[[ShapeGroup, list[str]], list[PlainShape]]] = {
    ShapeKind.RECTANGLE: _rectangles,
    ShapeKind.POLYGON: _polygons,
}
"""The kinds that versions have by the million; the others go through their records."""


def _heads(group: ShapeGroup) -> tuple[Any, Any]:
    none = [None] * len(group.labels)
    return group.texts or none, group.attributes or none


def _with_columns(shapes: list[PlainShape], group: ShapeGroup) -> list[PlainShape]:
    """Set the fields that few shapes have."""
    for key, column in (("score", group.scores), ("bbox", group.boxes)):
        for shape, value in zip(shapes, column or (), strict=False):
            if value is not None:
                shape[key] = value
    return shapes
