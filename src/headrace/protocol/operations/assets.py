"""The assets of a version."""

from __future__ import annotations

from types import NoneType
from uuid import UUID

from msgspec import Struct

from headrace.model.enums import AssignmentStatus
from headrace.model.records import AssetRecord, JobAnswer, Page
from headrace.protocol.operation import Operation
from headrace.protocol.operations.listing import DataQuery


class AddData(Struct, kw_only=True):
    """At most 10,000 ``data_ids``. Every asset gets all tags in ``asset_tag_ids``."""

    version_id: UUID
    data_ids: list[UUID]
    asset_tag_ids: list[UUID] = []


class CopyAssets(Struct, kw_only=True):
    """At most 10,000 ``asset_ids``. The destination is another version of the same dataset."""

    version_id: UUID
    destination_id: UUID
    asset_ids: list[UUID]
    with_tags: bool = False
    with_annotations: bool = False


class ListAssets(DataQuery, kw_only=True):
    version_id: UUID
    assignment_status: AssignmentStatus | None = None
    assignment_step_id: UUID | None = None
    assignment_user_id: UUID | None = None


class ListAssetsByKey(ListAssets, kw_only=True):
    """Exactly one of the lists of keys must be given."""

    ids: list[UUID] | None = None
    object_names: list[str] | None = None
    filenames: list[str] | None = None
    filename_startswith: list[str] | None = None
    data_ids: list[UUID] | None = None


class FindAsset(Struct, kw_only=True):
    """All given criteria must match."""

    version_id: UUID
    data_id: UUID | None = None
    filename: str | None = None
    object_name: str | None = None
    id: UUID | None = None


class DeleteAssets(Struct, kw_only=True):
    """``undo`` and ``removal`` (headrace only): whether the removal can be undone, by default where possible.

    True demands it: else nothing is removed. ``removal`` is any UUID that joins several calls into one removal.
    """

    version_id: UUID
    ids: list[UUID]
    undo: bool | None = None
    removal: UUID | None = None


class AssetId(Struct, kw_only=True):
    asset_id: UUID


_ASSETS = "/api/dataset/version/{version_id}/assets"

ADD_DATA = Operation(
    name="add_data",
    method="POST",
    path=_ASSETS,
    request=AddData,
    result=JobAnswer,
    doc="Add data of a lake to a version as assets. Data that the version already has only get the tags.",
    repeatable=True,
    errors=(404, 400, 423),
)
COPY_ASSETS = Operation(
    name="copy_assets",
    method="POST",
    path=_ASSETS + "/copy",
    request=CopyAssets,
    result=JobAnswer,
    doc="Copy assets into another version of the dataset. Assets that are already there keep their annotations.",
    repeatable=True,
    errors=(404, 400, 423),
)
LIST_ASSETS = Operation(
    name="list_assets",
    method="GET",
    path=_ASSETS,
    request=ListAssets,
    result=Page[AssetRecord],
    doc="List the assets of a version, newest first; by cursor, or by offset where an order is given.",
    errors=(404, 400),
)
LIST_ASSETS_BY_KEY = Operation(
    name="list_assets_by_key",
    method="XGET",
    path=_ASSETS,
    request=ListAssetsByKey,
    result=Page[AssetRecord],
    doc="List the assets with given ids, file names, file name prefixes or data ids.",
    query=(
        "limit",
        "offset",
        "order_by",
        "custom_metadata",
        "assignment_status",
        "assignment_step_id",
        "assignment_user_id",
    ),
    errors=(404, 400),
)
FIND_ASSET = Operation(
    name="find_asset",
    method="GET",
    path=_ASSETS + "/find",
    request=FindAsset,
    result=AssetRecord,
    doc="Find the one asset that matches.",
    errors=(404, 409, 400),
)
DELETE_ASSETS = Operation(
    name="delete_assets",
    method="DELETE",
    path=_ASSETS,
    request=DeleteAssets,
    result=NoneType,
    doc="Delete assets of a version with their annotations; the data remain in the lake.",
    body=("ids", "undo", "removal"),
    repeatable=True,
    extension_fields=("undo", "removal"),
    errors=(404, 423, 507),
)
GET_ASSET = Operation(
    name="get_asset",
    method="GET",
    path="/api/asset/{asset_id}",
    request=AssetId,
    result=AssetRecord,
    doc="Get an asset with its tags.",
    errors=(404,),
)
DELETE_ASSET = Operation(
    name="delete_asset",
    method="DELETE",
    path="/api/asset/{asset_id}",
    request=AssetId,
    result=NoneType,
    doc="Delete one asset with its annotations; the data remains in the lake.",
    repeatable=True,
    errors=(404, 423),
)
