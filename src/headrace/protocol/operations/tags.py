"""Tags and their targets."""

from __future__ import annotations

from types import NoneType
from uuid import UUID

from msgspec import Struct

from headrace.model.enums import TagTarget
from headrace.model.records import AttachAnswer, Items, JobRecord, TagRecord
from headrace.protocol.operation import Operation
from headrace.protocol.operations.listing import PageQuery


class DataTagName(Struct, kw_only=True):
    datalake_id: UUID
    name: str


class ListDataTags(PageQuery, kw_only=True):
    datalake_id: UUID


class AssetTagName(Struct, kw_only=True):
    version_id: UUID
    name: str


class ListAssetTags(PageQuery, kw_only=True):
    version_id: UUID


class ConvertTags(Struct, kw_only=True):
    """``tag_type`` is ASSET or DATA."""

    version_id: UUID
    tag_ids: list[UUID]
    tag_type: TagTarget


class OrganizationTagName(Struct, kw_only=True):
    """``target_type`` is one of DATASET, DATASET_VERSION, MODEL, MODEL_VERSION, DEPLOYMENT."""

    organization_id: UUID
    name: str
    target_type: TagTarget


class ListOrganizationTags(Struct, kw_only=True):
    organization_id: UUID
    target_type: TagTarget


class TagTargets(Struct, kw_only=True):
    """``ids`` of another kind than the target of the tag are skipped."""

    tag_id: UUID
    ids: list[UUID]


class TagId(Struct, kw_only=True):
    tag_id: UUID


class UpdateTag(Struct, kw_only=True):
    tag_id: UUID
    name: str


_DATA_TAGS = "/api/datalake/{datalake_id}/tags"
_ASSET_TAGS = "/api/dataset/version/{version_id}/tags"
_ORGANIZATION_TAGS = "/api/organization/{organization_id}/tags"
_TAG = "/api/tag/{tag_id}"

CREATE_DATA_TAG = Operation(
    name="create_data_tag",
    method="POST",
    path=_DATA_TAGS,
    request=DataTagName,
    result=TagRecord,
    doc="Create a tag for the data of a lake.",
    errors=(404, 409),
)
FIND_DATA_TAG = Operation(
    name="find_data_tag",
    method="GET",
    path=_DATA_TAGS + "/find",
    request=DataTagName,
    result=TagRecord,
    doc="Find a tag of a lake by name.",
    errors=(404,),
)
LIST_DATA_TAGS = Operation(
    name="list_data_tags",
    method="GET",
    path=_DATA_TAGS,
    request=ListDataTags,
    result=Items[TagRecord],
    doc="List the tags of a lake.",
    errors=(404,),
)
CREATE_ASSET_TAG = Operation(
    name="create_asset_tag",
    method="POST",
    path=_ASSET_TAGS,
    request=AssetTagName,
    result=TagRecord,
    doc="Create a tag for the assets of a version.",
    errors=(404, 409),
)
FIND_ASSET_TAG = Operation(
    name="find_asset_tag",
    method="GET",
    path=_ASSET_TAGS + "/find",
    request=AssetTagName,
    result=TagRecord,
    doc="Find an asset tag of a version by name.",
    errors=(404,),
)
LIST_ASSET_TAGS = Operation(
    name="list_asset_tags",
    method="GET",
    path=_ASSET_TAGS,
    request=ListAssetTags,
    result=Items[TagRecord],
    doc="List the asset tags of a version.",
    errors=(404,),
)
CONVERT_TAGS = Operation(
    name="convert_tags",
    method="POST",
    path=_ASSET_TAGS + "/convert",
    request=ConvertTags,
    result=JobRecord,
    doc="Turn tags into classifications: every asset that carries one of the tags gets the label of that name.",
    repeatable=True,
    only_here=True,
    errors=(404, 400, 423),
)
CREATE_TAG = Operation(
    name="create_tag",
    method="POST",
    path=_ORGANIZATION_TAGS,
    request=OrganizationTagName,
    result=TagRecord,
    doc="Create a tag of the organization for one kind of target.",
    errors=(404, 409, 400),
)
FIND_TAG = Operation(
    name="find_tag",
    method="GET",
    path=_ORGANIZATION_TAGS + "/find",
    request=OrganizationTagName,
    result=TagRecord,
    doc="Find a tag of the organization by name and target.",
    errors=(404,),
)
LIST_TAGS = Operation(
    name="list_tags",
    method="GET",
    path=_ORGANIZATION_TAGS,
    request=ListOrganizationTags,
    result=Items[TagRecord],
    doc="List the tags of the organization for one kind of target.",
    errors=(404,),
)
ATTACH_TAG = Operation(
    name="attach_tag",
    method="POST",
    path=_TAG + "/attach",
    request=TagTargets,
    result=AttachAnswer,
    doc="Attach a tag to targets; returns the number of targets changed.",
    bare_body="ids",
    repeatable=True,
    errors=(404,),
)
DETACH_TAG = Operation(
    name="detach_tag",
    method="POST",
    path=_TAG + "/detach",
    request=TagTargets,
    result=AttachAnswer,
    doc="Detach a tag from targets; returns the number of targets changed.",
    bare_body="ids",
    repeatable=True,
    errors=(404,),
)
GET_TAG = Operation(
    name="get_tag",
    method="GET",
    path=_TAG,
    request=TagId,
    result=TagRecord,
    doc="Get a tag.",
    errors=(404,),
)
UPDATE_TAG = Operation(
    name="update_tag",
    method="PATCH",
    path=_TAG,
    request=UpdateTag,
    result=TagRecord,
    doc="Rename a tag.",
    repeatable=True,
    errors=(404, 409),
)
DELETE_TAG = Operation(
    name="delete_tag",
    method="DELETE",
    path=_TAG,
    request=TagId,
    result=NoneType,
    doc="Delete a tag and detach it from all targets.",
    repeatable=True,
    errors=(404,),
)
