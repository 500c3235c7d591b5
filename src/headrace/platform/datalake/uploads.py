"""Object names for uploads, and URLs to upload and download objects."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from msgspec import UNSET

from headrace.errors import BadRequestError, RequestTooLargeError
from headrace.model.ids import Kind
from headrace.model.names import safe_parts
from headrace.model.records import (
    Items,
    MultipartTicket,
    ObjectNameRecord,
    PartUrl,
    PresignedUrlRecord,
    UploadTarget,
    UploadTicket,
)
from headrace.platform.context import Context
from headrace.platform.core.access import Access
from headrace.platform.core.identifiers import check_id, check_organization, key_of, missing
from headrace.platform.datalake.object_names import belongs, new_name, new_names
from headrace.platform.datalake.registered import check_unregistered
from headrace.platform.dispatch import handles
from headrace.protocol.operations.storage import (
    COMPLETE_MULTIPART,
    GENERATE_OBJECT_NAME,
    INIT_MULTIPART,
    PRESIGN_DOWNLOAD,
    PRESIGN_PART,
    PRESIGN_UPLOAD,
    CompleteMultipart,
    GenerateObjectName,
    InitMultipart,
    PresignDownload,
    PresignPart,
    PresignUpload,
)
from headrace.protocol.operations.uploading import (
    FILES_PER_CALL,
    PREPARE_UPLOADS,
    PreparedUpload,
    PrepareUploads,
)

MAX_FOLDER_BYTES = 200


@handles(GENERATE_OBJECT_NAME)
async def generate_object_name(
    context: Context, access: Access, request: GenerateObjectName
) -> ObjectNameRecord:
    """Generate a unique object name."""
    check_organization(access, request.organization_id)
    connector = await _connector(context, access, request.connector_id)
    folder = "" if request.upload_dir is UNSET else _folder(request.upload_dir)
    name = new_name(access.organization, connector, request.filename, folder)
    return ObjectNameRecord(object_name=name)


@handles(PRESIGN_UPLOAD)
async def presign_upload(context: Context, access: Access, request: PresignUpload) -> UploadTicket:
    """Sign the URL to upload a whole object to."""
    await _check_free(context, access, request)
    url, fields = access.urls.upload(access.organization, request.object_name, request.content_type)
    return UploadTicket(
        client_type=access.urls.client_type,
        presigned_url_data=UploadTarget(url=url, fields=fields),
    )


@handles(PREPARE_UPLOADS)
async def prepare_uploads(
    context: Context, access: Access, request: PrepareUploads
) -> Items[PreparedUpload]:
    """Generate unique object names and sign the URLs to upload the objects to."""
    check_organization(access, request.organization_id)
    check_files(len(request.filenames))
    connector = await _connector(context, access, request.connector_id)
    folder = "" if request.upload_dir is UNSET else _folder(request.upload_dir)
    organization, urls = access.organization, access.urls
    names = new_names(organization, connector, request.filenames, folder)
    return Items(
        items=[
            PreparedUpload(
                object_name=name,
                ticket=UploadTicket(
                    client_type=urls.put_type,
                    presigned_url_data=UploadTarget(
                        url=urls.put(organization, name), fields=dict(urls.put_headers)
                    ),
                ),
            )
            for name in names
        ]
    )


def check_files(count: int) -> None:
    """Raise a 413 for more files than one call may carry."""
    if count > FILES_PER_CALL:
        raise RequestTooLargeError(f"{count} files in one call", hint=f"at most {FILES_PER_CALL}")


@handles(INIT_MULTIPART)
async def init_multipart(
    context: Context, access: Access, request: InitMultipart
) -> MultipartTicket:
    """Begin a multipart upload."""
    await _check_free(context, access, request)
    upload_id = await context.objects.begin_parts(request.object_name)
    return MultipartTicket(client_type=access.urls.client_type, upload_id=upload_id)


@handles(PRESIGN_PART)
async def presign_part(context: Context, access: Access, request: PresignPart) -> PartUrl:
    """Sign the URL to upload one part to."""
    await _check_free(context, access, request)
    if request.part_no < 1:
        raise BadRequestError("parts count from 1")
    return PartUrl(
        url=access.urls.upload_part(
            access.organization, request.object_name, request.upload_id, request.part_no
        )
    )


@handles(COMPLETE_MULTIPART)
async def complete_multipart(context: Context, access: Access, request: CompleteMultipart) -> None:
    """Complete a multipart upload; 409 once its object is registered as data."""
    await _check_free(context, access, request)
    await context.objects.complete_parts(
        request.object_name,
        request.upload_id,
        [(part.part_number, part.etag) for part in request.parts],
    )


@handles(PRESIGN_DOWNLOAD)
async def presign_download(
    context: Context, access: Access, request: PresignDownload
) -> PresignedUrlRecord:
    """Sign the URL to download an object from."""
    await _check_name(context, access, request.connector_id, request.object_name)
    if await context.objects.receive([request.object_name]) == [None]:
        raise missing(Kind.DATA, request.object_name)
    return PresignedUrlRecord(
        presigned_url=access.urls.download(access.organization, request.object_name)
    )


async def _check_free(
    context: Context,
    access: Access,
    request: PresignUpload | InitMultipart | PresignPart | CompleteMultipart,
) -> None:
    await _check_name(context, access, request.connector_id, request.object_name)
    await check_unregistered(context.database, request.object_name)


async def _check_name(
    context: Context, access: Access, connector_id: UUID, object_name: str
) -> None:
    connector = await _connector(context, access, connector_id)
    if not belongs(object_name, access.organization) or object_name.split("/")[2] != str(connector):
        raise missing(Kind.DATA, ascii(object_name))
    safe_parts(object_name)


async def _connector(context: Context, access: Access, connector_id: UUID) -> int:
    key = key_of(connector_id, Kind.CONNECTOR)
    row = await context.database.fetch_one(
        "accounts.connector", no=key.number, organization=access.organization
    )
    if row is None:
        raise missing(Kind.CONNECTOR, connector_id)
    no, _, created = row
    check_id(connector_id, Kind.CONNECTOR, created, 0, no)
    return int(no)


def _folder(wanted: Any) -> str:
    folder = "/".join(safe_parts(str(wanted).strip("/"))) if str(wanted).strip("/") else ""
    if len(folder.encode()) > MAX_FOLDER_BYTES:
        raise BadRequestError(f"upload_dir is longer than {MAX_FOLDER_BYTES} bytes")
    return folder
