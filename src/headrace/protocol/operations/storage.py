"""Object names and signed URLs of uploads and downloads."""

from __future__ import annotations

from types import NoneType
from typing import Any
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType

from headrace.model.enums import ObjectDataType
from headrace.model.records import (
    MultipartTicket,
    ObjectNameRecord,
    PartUrl,
    PresignedUrlRecord,
    UploadTicket,
)
from headrace.protocol.operation import Operation


class GenerateObjectName(Struct, kw_only=True):
    organization_id: UUID
    connector_id: UUID
    filename: str
    type: ObjectDataType
    context: dict[str, Any] | UnsetType = UNSET
    upload_dir: str | UnsetType = UNSET


class PresignUpload(Struct, kw_only=True):
    connector_id: UUID
    object_name: str
    content_type: str


class InitMultipart(Struct, kw_only=True):
    connector_id: UUID
    object_name: str
    content_type: str


class PresignPart(Struct, kw_only=True):
    """``part_no`` counts from 1."""

    connector_id: UUID
    object_name: str
    upload_id: str
    part_no: int


class UploadedPart(Struct, frozen=True, rename={"etag": "ETag", "part_number": "PartNumber"}):
    etag: str
    part_number: int


class CompleteMultipart(Struct, kw_only=True):
    connector_id: UUID
    object_name: str
    upload_id: str
    parts: list[UploadedPart]


class PresignDownload(Struct, kw_only=True):
    connector_id: UUID
    object_name: str


GENERATE_OBJECT_NAME = Operation(
    name="generate_object_name",
    method="POST",
    path="/api/organization/{organization_id}/connector/{connector_id}/generate_object_name",
    request=GenerateObjectName,
    result=ObjectNameRecord,
    doc="Make a new, unique name for an object that is about to be uploaded.",
    repeatable=True,
    errors=(404,),
)
PRESIGN_UPLOAD = Operation(
    name="generate_presigned_url",
    method="POST",
    path="/api/object-storage/{connector_id}/generate_presigned_url",
    request=PresignUpload,
    result=UploadTicket,
    doc="Sign a URL for the upload of a whole object.",
    repeatable=True,
    errors=(404, 409),
)
INIT_MULTIPART = Operation(
    name="init_multipart_upload",
    method="POST",
    path="/api/object-storage/{connector_id}/init_multipart_upload",
    request=InitMultipart,
    result=MultipartTicket,
    doc="Start a multipart upload.",
    repeatable=True,
    errors=(404, 409),
)
PRESIGN_PART = Operation(
    name="generate_part_presigned_url",
    method="POST",
    path="/api/object-storage/{connector_id}/generate_part_presigned_url",
    request=PresignPart,
    result=PartUrl,
    doc="Sign a URL for one part of a multipart upload.",
    repeatable=True,
    errors=(404, 409),
)
COMPLETE_MULTIPART = Operation(
    name="complete_part_upload",
    method="POST",
    path="/api/object-storage/{connector_id}/complete_part_upload",
    request=CompleteMultipart,
    result=NoneType,
    doc="Complete a multipart upload: join its parts into the object.",
    repeatable=True,
    errors=(404, 400, 409),
)
PRESIGN_DOWNLOAD = Operation(
    name="retrieve_presigned_url",
    method="POST",
    path="/api/object-storage/{connector_id}/retrieve_presigned_url",
    request=PresignDownload,
    result=PresignedUrlRecord,
    doc="Sign a URL for the download of an object.",
    safe=True,
    errors=(404,),
)
