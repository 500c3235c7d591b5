"""Labels of a version and label groups."""

from __future__ import annotations

from types import NoneType
from uuid import UUID

from msgspec import Struct

from headrace.model.records import Items, LabelGroupRecord, LabelRecord
from headrace.protocol.operation import Operation


class ListLabels(Struct, kw_only=True):
    version_id: UUID


class LabelName(Struct, kw_only=True):
    version_id: UUID
    name: str


class LabelNames(Struct, kw_only=True):
    version_id: UUID
    names: list[str]


class LabelId(Struct, kw_only=True):
    label_id: UUID


class UpdateLabel(Struct, kw_only=True):
    label_id: UUID
    name: str | None = None
    group_id: UUID | None = None


class MergeLabel(Struct, kw_only=True):
    label_id: UUID
    into_id: UUID


class CreateLabelGroup(Struct, kw_only=True):
    version_id: UUID
    name: str
    parent_id: UUID | None = None


class LabelGroupId(Struct, kw_only=True):
    group_id: UUID


class UpdateLabelGroup(Struct, kw_only=True):
    group_id: UUID
    name: str | None = None
    parent_id: UUID | None = None


_VERSION = "/api/dataset/version/{version_id}"

LIST_LABELS = Operation(
    name="list_labels",
    method="GET",
    path=_VERSION + "/labels",
    request=ListLabels,
    result=Items[LabelRecord],
    doc="List the labels of a version in order of creation.",
    errors=(404,),
)
CREATE_LABEL = Operation(
    name="create_label",
    method="POST",
    path=_VERSION + "/labels",
    request=LabelName,
    result=LabelRecord,
    doc="Create a label; its name is unique in the version.",
    errors=(404, 409, 400, 423),
)
FIND_LABEL = Operation(
    name="find_label",
    method="GET",
    path=_VERSION + "/labels/find",
    request=LabelName,
    result=LabelRecord,
    doc="Find a label by name.",
    errors=(404,),
)
ENSURE_LABELS = Operation(
    name="ensure_labels",
    method="XGET",
    safe=False,
    path=_VERSION + "/bulk-labels",
    request=LabelNames,
    result=list[LabelRecord],
    doc="Return the labels with these names, and create those that are missing.",
    repeatable=True,
    errors=(404, 400, 423),
)
GET_LABEL = Operation(
    name="get_label",
    method="GET",
    path="/api/label/{label_id}",
    request=LabelId,
    result=LabelRecord,
    doc="Get a label.",
    errors=(404,),
)
UPDATE_LABEL = Operation(
    name="update_label",
    method="PATCH",
    path="/api/label/{label_id}",
    request=UpdateLabel,
    result=LabelRecord,
    doc="Rename a label or move it into a group.",
    repeatable=True,
    errors=(404, 409, 400, 423),
)
MERGE_LABEL = Operation(
    name="merge_label",
    method="POST",
    path="/api/label/{label_id}/merge",
    request=MergeLabel,
    result=NoneType,
    doc="Give the shapes of a label to another label of the version, and delete the label.",
    extension=True,
    instead="change the label of the shapes one by one",
    errors=(404, 400, 409, 423),
)
LIST_LABEL_GROUPS = Operation(
    name="list_label_groups",
    method="GET",
    path=_VERSION + "/labelgroups",
    request=ListLabels,
    result=Items[LabelGroupRecord],
    doc="List the label groups of a version.",
    errors=(404,),
)
CREATE_LABEL_GROUP = Operation(
    name="create_label_group",
    method="POST",
    path=_VERSION + "/labelgroups",
    request=CreateLabelGroup,
    result=LabelGroupRecord,
    doc="Create a label group.",
    errors=(404, 409, 400, 423),
)
DELETE_LABEL = Operation(
    name="delete_label",
    method="DELETE",
    path="/api/label/{label_id}",
    request=LabelId,
    result=NoneType,
    doc="Delete a label and all shapes with it.",
    repeatable=True,
    errors=(404, 409, 423),
)
DELETE_LABEL_GROUP = Operation(
    name="delete_label_group",
    method="DELETE",
    path="/api/label/group/{group_id}",
    request=LabelGroupId,
    result=NoneType,
    doc="Delete a label group; its labels and groups no longer belong to a group.",
    repeatable=True,
    errors=(404, 423),
)
GET_LABEL_GROUP = Operation(
    name="get_label_group",
    method="GET",
    path="/api/label/group/{group_id}",
    request=LabelGroupId,
    result=LabelGroupRecord,
    doc="Get a label group.",
    errors=(404,),
)
UPDATE_LABEL_GROUP = Operation(
    name="update_label_group",
    method="PATCH",
    path="/api/label/group/{group_id}",
    request=UpdateLabelGroup,
    result=LabelGroupRecord,
    doc="Rename a label group or move it into another one.",
    repeatable=True,
    errors=(404, 409, 400, 423),
)
