"""The fields that queries may name, each with its SQL and its type."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

from headrace.errors import did_you_mean
from headrace.model.columns import ShapeKind
from headrace.model.enums import (
    AnnotationStatus,
    DataType,
    DataUploadStatus,
    InferenceType,
    WireEnum,
)
from headrace.protocol.query.literals import error_at
from headrace.protocol.query.nodes import Comparison


class FieldKind(Enum):
    """The type of a field that is not an enumeration."""

    TEXT = "text"
    NUMBER = "a number"
    TIME = "a time"
    JSON = "JSON"
    THING = "a thing"  # compared only with None: whether one exists


class Field(NamedTuple):
    """The SQL and type of a field.

    ``column`` is an expression over the aliases ``d``, ``a`` and those of ``source``. ``source`` is the inner part of
    a sub-query if the field leads to many rows, else empty.
    """

    column: str
    kind: FieldKind | type[WireEnum]
    source: str = ""


_DATA_TAGS = (
    "data_tag l join tag t on t.family = 1 and t.scope = l.lake and t.key = l.tag"
    " where l.lake_bucket = d.lake_bucket and l.data = d.no"
)
_ASSET_TAGS = (
    "asset_tag l join tag t on t.family = 2 and t.scope = l.version and t.key = l.tag"
    " where l.bucket = a.bucket and l.version = a.version and l.asset = a.seq"
)
_VERSIONS = (
    "asset x join version v on v.no = x.version and v.state = 'ACTIVE'"
    " join dataset s on s.no = v.dataset and s.state = 'ACTIVE' where x.lake_bucket = d.lake_bucket and x.data = d.no"
)
_SOURCE = "source o where o.no = d.source"
_ANNOTATIONS = (
    "annotation n where n.bucket = a.bucket and n.version = a.version and n.asset = a.seq"
)
_LABELS = (
    "annotation n join label b on b.version = n.version"
    " where n.bucket = a.bucket and n.version = a.version and n.asset = a.seq"
    " and has_label(n.counts, b.key)"
)
_SHAPES = (
    "coalesce(n.shapes, (select c.shapes from version v join dataset s on s.no = v.dataset"
    " join content c on c.dataset_bucket = s.bucket and c.dataset = s.no and c.no = n.content"
    " where v.no = n.version))"
)
# No blob is unpacked for annotations without scores: its first byte tells.
_SCORES = (
    f"annotation n, json_each(scores({_SHAPES})) h"
    " where n.bucket = a.bucket and n.version = a.version and n.asset = a.seq"
)
_SHAPE_KINDS = {
    "rectangles": ShapeKind.RECTANGLE,
    "polygons": ShapeKind.POLYGON,
    "lines": ShapeKind.LINE,
    "points": ShapeKind.POINT,
    "classifications": ShapeKind.CLASSIFICATION,
    "keypoints": ShapeKind.KEYPOINTS,
    "masks": ShapeKind.MASK,
    "tracks": ShapeKind.TRACK,
}

DATA_FIELDS: dict[str, Field] = {
    "filename": Field("d.filename", FieldKind.TEXT),
    "object_name": Field("d.object_name", FieldKind.TEXT),
    "type": Field("d.kind", DataType),
    "content_type": Field("d.content_type", FieldKind.TEXT),
    "upload_status": Field("d.status", DataUploadStatus),
    "width": Field("d.width", FieldKind.NUMBER),
    "height": Field("d.height", FieldKind.NUMBER),
    "meta.width": Field("d.width", FieldKind.NUMBER),
    "meta.height": Field("d.height", FieldKind.NUMBER),
    "size": Field("d.size", FieldKind.NUMBER),
    "sha256": Field("lower(hex(d.sha256))", FieldKind.TEXT),
    "created_at": Field("d.created", FieldKind.TIME),
    "metadata": Field("d.metadata", FieldKind.JSON),
    "custom_metadata": Field("d.custom_metadata", FieldKind.JSON),
    "tags": Field("t.key", FieldKind.THING, _DATA_TAGS),
    "tags.name": Field("t.name", FieldKind.TEXT, _DATA_TAGS),
    "data_source.name": Field("o.name", FieldKind.TEXT, _SOURCE),
    "datasets": Field("v.no", FieldKind.THING, _VERSIONS),
    "datasets.name": Field("s.name", FieldKind.TEXT, _VERSIONS),
    "datasets.version": Field("v.name", FieldKind.TEXT, _VERSIONS),
    "datasets.type": Field("v.type", InferenceType, _VERSIONS),
}

ASSET_FIELDS: dict[str, Field] = {
    "filename": Field("a.filename", FieldKind.TEXT),
    "tags": Field("t.key", FieldKind.THING, _ASSET_TAGS),
    "tags.name": Field("t.name", FieldKind.TEXT, _ASSET_TAGS),
    "annotations": Field("n.no", FieldKind.THING, _ANNOTATIONS),
    "annotations.status": Field("n.status", AnnotationStatus, _ANNOTATIONS),
    "annotations.duration": Field("n.duration", FieldKind.NUMBER, _ANNOTATIONS),
    "annotations.created_at": Field("n.created", FieldKind.TIME, _ANNOTATIONS),
    "annotations.shapes": Field("n.shapes_n", FieldKind.NUMBER, _ANNOTATIONS),
    "annotations.shapes.score": Field("h.value", FieldKind.NUMBER, _SCORES),
    "annotations.label.name": Field("b.name", FieldKind.TEXT, _LABELS),
}
for _name, _kind in _SHAPE_KINDS.items():
    # The counts (in _LABELS) exclude most annotations before has_shape opens a blob.
    _source = f"{_LABELS} and has_shape({_SHAPES}, {_kind.value}, b.key)"
    ASSET_FIELDS[f"annotations.{_name}.label.name"] = Field("b.name", FieldKind.TEXT, _source)
ASSET_FIELDS |= {f"data.{name}": field for name, field in DATA_FIELDS.items()}


def find_field(fields: dict[str, Field], comparison: Comparison) -> tuple[Field, tuple[str, ...]]:
    """Find the field that a comparison names, and the keys inside it if it holds JSON.

    Raises:
        BadRequestError: The field is unknown; the hint names the nearest one and lists all.
    """
    path = comparison.field
    found = fields.get(".".join(path))
    if found is not None and found.kind is not FieldKind.JSON:
        return found, ()
    for length in range(1, len(path)):
        found = fields.get(".".join(path[:length]))
        if found is not None and found.kind is FieldKind.JSON:
            return found, path[length:]
    raise _unknown(fields, comparison)


def _unknown(fields: dict[str, Field], comparison: Comparison) -> Exception:
    known = [
        f"{name}.<key>" if field.kind is FieldKind.JSON else name for name, field in fields.items()
    ]
    name = ".".join(comparison.field)
    hint = f"{did_you_mean(name, known)}fields: {' '.join(known)}"
    return error_at(comparison.column, f"no field {name!r}", hint)
