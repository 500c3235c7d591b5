"""Skeletons of keypoints and attribute definitions."""

from __future__ import annotations

from types import NoneType
from typing import Any
from uuid import UUID

from msgspec import Struct

from headrace.model.enums import AttributeType
from headrace.model.records import Record
from headrace.protocol.operation import Operation
from headrace.protocol.operations.labels import LabelId, ListLabels


class SkeletonRecord(Record, frozen=True):
    """``vertices`` are the names of the keypoints. ``edges`` are pairs of their numbers, counted from 1."""

    vertices: list[str]
    edges: list[tuple[int, int]]


class SkeletonsRecord(Record, frozen=True):
    """Skeletons by label id; labels without a skeleton are absent."""

    items: dict[str, SkeletonRecord]


class SetSkeleton(Struct, kw_only=True):
    """Without vertices the skeleton is removed."""

    label_id: UUID
    vertices: list[str]
    edges: list[tuple[int, int]]


class AttributeRecord(Struct, kw_only=True, frozen=True):
    """The definition of an attribute.

    ``choices`` are 1 to 64 values (for STRING 2 to 64); they cannot be combined with BOOLEAN or with ``min`` and ``max``,
    which apply to numbers. ``allow_multiple`` requires choices. An ``archived`` attribute cannot be ``required``.
    """

    input_type: AttributeType
    required: bool
    display_name: str | None = None
    archived: bool = False
    choices: list[Any] | None = None
    allow_multiple: bool | None = None
    min: int | float | None = None
    max: int | float | None = None


class AttributesRecord(Record, frozen=True):
    """Attribute definitions by name, null where there are none."""

    attributes: dict[str, AttributeRecord] | None


class SetLabelAttributes(Struct, kw_only=True):
    label_id: UUID
    attributes: dict[str, AttributeRecord] | None


class SetVersionAttributes(Struct, kw_only=True):
    version_id: UUID
    attributes: dict[str, AttributeRecord] | None


_VERSION = "/api/dataset/version/{version_id}"
_LABEL = "/api/label/{label_id}"

LIST_SKELETONS = Operation(
    name="list_skeletons",
    method="GET",
    path=_VERSION + "/labels/skeleton",
    request=ListLabels,
    result=SkeletonsRecord,
    doc="Return the skeletons of the labels of a version.",
    errors=(404,),
)
GET_SKELETON = Operation(
    name="get_skeleton",
    method="GET",
    path=_LABEL + "/skeleton",
    request=LabelId,
    result=SkeletonRecord,
    doc="Return the skeleton of a label; without vertices where it has none.",
    errors=(404,),
)
SET_SKELETON = Operation(
    name="set_skeleton",
    method="POST",
    path=_LABEL + "/skeleton",
    request=SetSkeleton,
    result=NoneType,
    doc="Set the skeleton of a label.",
    repeatable=True,
    errors=(404, 400, 423),
)
GET_LABEL_ATTRIBUTES = Operation(
    name="get_label_attributes",
    method="GET",
    path=_LABEL + "/attributes",
    request=LabelId,
    result=AttributesRecord,
    doc="Return the attribute definitions for shapes with a label.",
    errors=(404,),
)
SET_LABEL_ATTRIBUTES = Operation(
    name="set_label_attributes",
    method="POST",
    path=_LABEL + "/attributes",
    request=SetLabelAttributes,
    result=NoneType,
    doc="Set the attribute definitions for shapes with a label; null removes them.",
    send_null=True,
    repeatable=True,
    errors=(404, 400, 423),
)
GET_VERSION_ATTRIBUTES = Operation(
    name="get_version_attributes",
    method="GET",
    path=_VERSION + "/attributes",
    request=ListLabels,
    result=AttributesRecord,
    doc="Return the attribute definitions for annotations of a version.",
    errors=(404,),
)
SET_VERSION_ATTRIBUTES = Operation(
    name="set_version_attributes",
    method="POST",
    path=_VERSION + "/attributes",
    request=SetVersionAttributes,
    result=NoneType,
    doc="Set the attribute definitions for annotations of a version; null removes them.",
    send_null=True,
    repeatable=True,
    errors=(404, 400, 423),
)
