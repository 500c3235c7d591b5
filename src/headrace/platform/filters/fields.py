"""The fields that queries may name, each with its SQL and its type."""

from __future__ import annotations

from enum import Enum
from functools import cache
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
from headrace.storage.database.dialect import Dialect


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

_DATA_FIELDS: dict[str, Field] = {
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

_ASSET_FIELDS: dict[str, Field] = {
    "filename": Field("a.filename", FieldKind.TEXT),
    "tags": Field("t.key", FieldKind.THING, _ASSET_TAGS),
    "tags.name": Field("t.name", FieldKind.TEXT, _ASSET_TAGS),
    "annotations": Field("n.no", FieldKind.THING, _ANNOTATIONS),
    "annotations.status": Field("n.status", AnnotationStatus, _ANNOTATIONS),
    "annotations.duration": Field("n.duration", FieldKind.NUMBER, _ANNOTATIONS),
    "annotations.created_at": Field("n.created", FieldKind.TIME, _ANNOTATIONS),
    "annotations.shapes": Field("n.shapes_n", FieldKind.NUMBER, _ANNOTATIONS),
}


@cache
def data_fields(dialect: Dialect) -> dict[str, Field]:
    """The fields of queries for data."""
    return _DATA_FIELDS | {"sha256": Field(dialect.hex("d.sha256"), FieldKind.TEXT)}


@cache
def asset_fields(dialect: Dialect) -> dict[str, Field]:
    """The fields of queries for assets, with those of their data."""
    scores = (
        f"annotation n, {dialect.scores('n', 'h')}"
        " where n.bucket = a.bucket and n.version = a.version and n.asset = a.seq"
    )
    labels = (
        "annotation n join label b on b.version = n.version"
        " where n.bucket = a.bucket and n.version = a.version and n.asset = a.seq"
        f" and {dialect.has_label('n', 'b.key')}"
    )
    fields = _ASSET_FIELDS | {
        "annotations.shapes.score": Field("h.value", FieldKind.NUMBER, scores),
        "annotations.label.name": Field("b.name", FieldKind.TEXT, labels),
    }
    for name, kind in _SHAPE_KINDS.items():
        # The counts exclude most annotations before has_shape looks at the shapes.
        source = f"{labels} and {dialect.has_shape('n', kind.value, 'b.key')}"
        fields[f"annotations.{name}.label.name"] = Field("b.name", FieldKind.TEXT, source)
    return fields | {f"data.{name}": field for name, field in data_fields(dialect).items()}


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
