"""Datalakes and the files in them."""

from __future__ import annotations

from types import NoneType
from typing import Any
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType

from headrace.model.enums import DataType, DataUploadStatus
from headrace.model.records import (
    CustomMetadataRecord,
    DatalakeRecord,
    DataRecord,
    Items,
    Meta,
    Page,
    PresignedUrlRecord,
    SourceRecord,
)
from headrace.protocol.operation import Operation
from headrace.protocol.operations.listing import DataQuery, PageQuery


class FindDatalake(Struct, kw_only=True):
    """Without ``id`` and ``name`` the default datalake is meant."""

    organization_id: UUID
    id: UUID | None = None
    name: str | None = None


class ListDatalakes(Struct, kw_only=True):
    organization_id: UUID


class GetDatalake(Struct, kw_only=True):
    datalake_id: UUID


class DataDescription(Struct, kw_only=True):
    """The description of an uploaded object.

    ``meta`` is the size in pixels, where the client could read it from the header of the file. With ``reuse`` (headrace
    only), data of the lake with the same description and content is returned instead of a second one, and the uploaded
    object is deleted. ``sha256`` (headrace only, hexadecimal) is the digest of the file that was sent: with it, a call
    whose answer was lost can be repeated although its object is gone.
    """

    type: DataType
    filename: str
    object_name: str
    content_type: str
    tags: list[UUID] = []
    data_source_id: UUID | None = None
    meta: Meta | None | UnsetType = UNSET
    metadata: dict[str, Any] | None | UnsetType = UNSET
    custom_metadata: dict[str, Any] | None | UnsetType = UNSET
    reuse: bool | UnsetType = UNSET
    sha256: str | None | UnsetType = UNSET


class RegisterData(DataDescription, kw_only=True):
    datalake_id: UUID


class ListData(DataQuery, kw_only=True):
    datalake_id: UUID


class ListDataByKey(ListData, kw_only=True):
    """Exactly one of the lists of keys must be given."""

    ids: list[UUID] | None = None
    object_names: list[str] | None = None
    filenames: list[str] | None = None


class FindData(Struct, kw_only=True):
    """All given criteria must match."""

    datalake_id: UUID
    id: UUID | None = None
    filename: str | None = None
    object_name: str | None = None
    upload_statuses: list[DataUploadStatus] | None = None
    types: list[DataType] | None = None


class DeleteManyData(Struct, kw_only=True):
    datalake_id: UUID
    ids: list[UUID]


class DataId(Struct, kw_only=True):
    data_id: UUID


class UpdateData(Struct, kw_only=True):
    data_id: UUID
    metadata: dict[str, Any] | None


class UpdateCustomMetadata(Struct, kw_only=True):
    data_id: UUID
    custom_metadata: dict[str, Any] | None


class CreateSource(Struct, kw_only=True):
    organization_id: UUID
    name: str


class ListSources(PageQuery, kw_only=True):
    organization_id: UUID


_DATA = "/api/datalake/{datalake_id}/datas"

FIND_DATALAKE = Operation(
    name="find_datalake",
    method="GET",
    path="/api/organization/{organization_id}/datalake",
    request=FindDatalake,
    result=DatalakeRecord,
    doc="Find a datalake by id or name, or the default one of the organization.",
    errors=(404,),
)
LIST_DATALAKES = Operation(
    name="list_datalakes",
    method="GET",
    path="/api/organization/{organization_id}/datalakes",
    request=ListDatalakes,
    result=Items[DatalakeRecord],
    doc="List the datalakes of an organization.",
    errors=(404,),
)
GET_DATALAKE = Operation(
    name="get_datalake",
    method="GET",
    path="/api/datalake/{datalake_id}",
    request=GetDatalake,
    result=DatalakeRecord,
    doc="Get a datalake.",
    errors=(404,),
)
REGISTER_DATA = Operation(
    name="register_data",
    method="POST",
    path=_DATA,
    request=RegisterData,
    result=DataRecord,
    doc="Register an uploaded object as data of the lake. The same call again returns the same data.",
    send_null=True,
    repeatable=True,
    extension_fields=("reuse", "sha256"),
    errors=(404, 400, 409),
)
LIST_DATA = Operation(
    name="list_data",
    method="GET",
    path=_DATA,
    request=ListData,
    result=Page[DataRecord],
    doc="List the data of a lake, newest first; by cursor, or by offset where an order is given.",
    errors=(404, 400),
)
LIST_DATA_BY_KEY = Operation(
    name="list_data_by_key",
    method="XGET",
    path=_DATA,
    request=ListDataByKey,
    result=Page[DataRecord],
    doc="List the data with given ids, object names or file names.",
    query=("limit", "offset", "order_by", "custom_metadata"),
    errors=(404, 400),
)
FIND_DATA = Operation(
    name="find_data",
    method="GET",
    path=_DATA + "/find",
    request=FindData,
    result=DataRecord,
    doc="Find the one data that matches.",
    errors=(404, 409, 400),
)
DELETE_MANY_DATA = Operation(
    name="delete_many_data",
    method="DELETE",
    path=_DATA,
    request=DeleteManyData,
    result=NoneType,
    doc="Delete data and their assets in every version.",
    body=("ids",),
    repeatable=True,
    errors=(404, 423),
)
GET_DATA = Operation(
    name="get_data",
    method="GET",
    path="/api/data/{data_id}",
    request=DataId,
    result=DataRecord,
    doc="Get a data with its tags, datalake and source.",
    errors=(404,),
)
GET_DATA_URL = Operation(
    name="get_data_url",
    method="GET",
    path="/api/data/{data_id}/presigned-url",
    request=DataId,
    result=PresignedUrlRecord,
    doc="Sign a new URL for the file of a data.",
    errors=(404,),
)
UPDATE_DATA = Operation(
    name="update_data",
    method="PATCH",
    path="/api/data/{data_id}",
    request=UpdateData,
    result=DataRecord,
    doc="Replace the metadata of a data.",
    send_null=True,
    repeatable=True,
    errors=(404,),
)
UPDATE_CUSTOM_METADATA = Operation(
    name="update_custom_metadata",
    method="PATCH",
    path="/api/data/{data_id}/custom-metadata",
    request=UpdateCustomMetadata,
    result=CustomMetadataRecord,
    doc="Replace the custom metadata of a data.",
    send_null=True,
    repeatable=True,
    errors=(404,),
)
DELETE_DATA = Operation(
    name="delete_data",
    method="DELETE",
    path="/api/data/{data_id}",
    request=DataId,
    result=NoneType,
    doc="Delete a data and its assets in every version.",
    status=204,
    repeatable=True,
    errors=(404, 423),
)
CREATE_SOURCE = Operation(
    name="create_source",
    method="POST",
    path="/api/organization/{organization_id}/datasources",
    request=CreateSource,
    result=SourceRecord,
    doc="Create a data source.",
    errors=(404, 409),
)
FIND_SOURCE = Operation(
    name="find_source",
    method="GET",
    path="/api/organization/{organization_id}/datasources/find",
    request=CreateSource,
    result=SourceRecord,
    doc="Find a data source by name.",
    errors=(404,),
)
LIST_SOURCES = Operation(
    name="list_sources",
    method="GET",
    path="/api/organization/{organization_id}/datasources",
    request=ListSources,
    result=Items[SourceRecord],
    doc="List the data sources of an organization.",
    errors=(404,),
)
