"""The data of a lake, one by one: registering, reading, changing and deleting them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

import msgspec
from msgspec import UNSET

from headrace.errors import BadRequestError, ConflictError, UniqueViolationError
from headrace.model.enums import DataType, DataUploadStatus
from headrace.model.ids import Kind, encode
from headrace.model.names import safe_text
from headrace.model.records import DataRecord, Meta, PresignedUrlRecord, SourceRecord
from headrace.platform.access import Access
from headrace.platform.data_records import WIDTH, data_record, metadata_text
from headrace.platform.datalake import Lake, lake_of
from headrace.platform.identity import check_id, key_of, missing
from headrace.platform.listing import json_text
from headrace.platform.measure import MAX_SIDE, digest_of, picture_size
from headrace.platform.removal import remove_assets_of_data
from headrace.platform.sequences import take_numbers
from headrace.platform.sources import source_number
from headrace.platform.tags import data_tag_keys, tags_of_data
from headrace.platform.uploads import belongs
from headrace.protocol.operations.datalake import (
    DataId,
    DeleteManyData,
    RegisterData,
    UpdateCustomMetadata,
    UpdateData,
)
from headrace.storage.database.base import Row, Statements, Transaction

if TYPE_CHECKING:
    from headrace.platform.platform import Platform

_DELETED_AT_ONCE = 200


class _Body(NamedTuple):
    """What a registration says of the file; the very same again is a retry."""

    filename: str
    kind: str
    content_type: str
    source: int | None
    metadata: str | None
    custom_metadata: str | None


class _Found(NamedTuple):
    """What the stored file says of itself."""

    status: DataUploadStatus
    meta: Meta | None
    size: int
    sha256: bytes


async def register_data(platform: Platform, access: Access, request: RegisterData) -> DataRecord:
    """Make an uploaded object a data of the lake."""
    lake = await lake_of(platform.database, access, request.datalake_id)
    body = await _body(platform, access, request)
    tags = await data_tag_keys(platform.database, access, lake, request.tags)
    found = await _inspect(platform, access, request)
    try:
        async with platform.database.transaction() as tx:
            no = await take_numbers(tx, "data")
            await _insert(tx, platform.clock(), lake, no, request.object_name, body, found)
            await _attach(tx, lake, no, tags)
    except UniqueViolationError:
        no = await _registered(platform, lake, request, body)
        async with platform.database.transaction() as tx:
            await _attach(tx, lake, no, tags)
    return await _full_record(platform, access, lake.bucket, no)


async def get_data(platform: Platform, access: Access, request: DataId) -> DataRecord:
    """A data with its tags, lake and source."""
    lake_bucket, no = await _resolve(platform.database, access, request.data_id)
    return await _full_record(platform, access, lake_bucket, no)


async def get_data_url(platform: Platform, access: Access, request: DataId) -> PresignedUrlRecord:
    """A fresh URL of a data's file."""
    row = await _row(platform.database, access, request.data_id)
    return PresignedUrlRecord(presigned_url=access.urls.download(access.organization, row[3]))


async def update_data(platform: Platform, access: Access, request: UpdateData) -> DataRecord:
    """Replace a data's metadata."""
    text = metadata_text("metadata", request.metadata)
    bucket, no = await _resolve(platform.database, access, request.data_id)
    await platform.database.execute("datalake.update_metadata", bucket=bucket, no=no, metadata=text)
    return await _full_record(platform, access, bucket, no)


async def update_custom_metadata(
    platform: Platform, access: Access, request: UpdateCustomMetadata
) -> DataRecord:
    """Replace a data's custom metadata."""
    text = metadata_text("custom_metadata", request.custom_metadata)
    bucket, no = await _resolve(platform.database, access, request.data_id)
    await platform.database.execute(
        "datalake.update_custom_metadata", bucket=bucket, no=no, custom_metadata=text
    )
    return await _full_record(platform, access, bucket, no)


async def delete_data(platform: Platform, access: Access, request: DataId) -> None:
    """Delete a data, its file and its assets in every version."""
    row = await _row(platform.database, access, request.data_id)
    lake = {"bucket": row[0], "lake": row[WIDTH]}
    await _delete(platform, lake, [row[2]])


async def delete_many_data(platform: Platform, access: Access, request: DeleteManyData) -> None:
    """Delete data of a lake; ids that are not (or no longer) there are no error."""
    lake = await lake_of(platform.database, access, request.datalake_id)
    numbers = lake.numbers(request.ids)
    for start in range(0, len(numbers), _DELETED_AT_ONCE):
        await _delete(platform, lake.scope, numbers[start : start + _DELETED_AT_ONCE])


# --- registering -----------------------------------------------------------------------------------------


async def _body(platform: Platform, access: Access, request: RegisterData) -> _Body:
    source = request.data_source_id
    return _Body(
        filename=safe_text(request.filename, "filename"),
        kind=DataType.parse(request.type),
        content_type=safe_text(request.content_type, "content_type"),
        source=None if source is None else await source_number(platform, access, source),
        metadata=metadata_text("metadata", _given(request.metadata)),
        custom_metadata=metadata_text("custom_metadata", _given(request.custom_metadata)),
    )


async def _inspect(platform: Platform, access: Access, request: RegisterData) -> _Found:
    name = request.object_name
    info = await platform.objects.head(name) if belongs(name, access.organization) else None
    if info is None:
        raise BadRequestError(
            f"nothing was uploaded as {name!a}", hint="upload the file, then register it"
        )
    sha256 = await digest_of(platform.objects, info)
    meta = _given(request.meta)
    if meta is None and request.type == DataType.IMAGE:
        meta = await picture_size(platform.objects, name)
    if meta is not None and not (0 < meta.width <= MAX_SIDE and 0 < meta.height <= MAX_SIDE):
        raise BadRequestError(f"{meta.width} x {meta.height} is no size of a picture")
    status = DataUploadStatus.ERROR if meta is None else DataUploadStatus.DONE
    return _Found(status, meta, info.size, sha256)


async def _insert(
    tx: Transaction, now: int, lake: Lake, no: int, object_name: str, body: _Body, found: _Found
) -> None:
    await tx.execute(
        "datalake.add_data",
        no=no,
        object_name=object_name,
        status=found.status,
        width=None if found.meta is None else found.meta.width,
        height=None if found.meta is None else found.meta.height,
        size=found.size,
        sha256=found.sha256,
        created=now,
        **lake.scope,
        **body._asdict(),
    )


async def _attach(tx: Transaction, lake: Lake, no: int, tags: list[int]) -> None:
    for key in tags:
        await tx.execute(
            "tags.attach_to_data",
            keys=json_text([no]),
            key=key,
            bucket=lake.bucket,
            scope=lake.no,
        )


async def _registered(platform: Platform, lake: Lake, request: RegisterData, body: _Body) -> int:
    """The number of the data that has this object already; 409 unless it was registered by the very same call."""
    row = await platform.database.fetch_one(
        "datalake.registered", object_name=request.object_name, **lake.scope
    )
    conflict = ConflictError(
        f"{request.object_name} is registered already, otherwise described",
        hint="upload the file under a new object name",
    )
    if row is None:
        raise conflict
    no, width, height = row[0], row[4], row[5]
    meta = _given(request.meta)
    same_size = meta is None or (meta.width, meta.height) == (width, height)
    if not same_size or _Body(*row[1:4], *row[6:9]) != body:
        raise conflict
    return int(no)


def _given(value: Any) -> Any:
    return None if value is UNSET else value


# --- reading ---------------------------------------------------------------------------------------------


async def _resolve(statements: Statements, access: Access, data_id: UUID) -> tuple[int, int]:
    row = await _row(statements, access, data_id)
    return row[0], row[2]


async def _row(statements: Statements, access: Access, data_id: UUID) -> Row:
    key = key_of(data_id, Kind.DATA)
    row = await statements.fetch_one(
        "datalake.data", bucket=key.bucket, no=key.number, organization=access.organization
    )
    if row is None:
        raise missing(Kind.DATA, data_id)
    check_id(data_id, Kind.DATA, row[1], row[0], row[2])
    return row


async def _full_record(platform: Platform, access: Access, bucket: int, no: int) -> DataRecord:
    row = await platform.database.fetch_one(
        "datalake.data", bucket=bucket, no=no, organization=access.organization
    )
    if row is None:
        raise missing(Kind.DATA, no)
    lake_created, lake = row[1], row[WIDTH]
    source, source_name, source_created = row[WIDTH + 1 :]
    return msgspec.structs.replace(
        data_record(access, row),
        datalake_id=encode(Kind.DATALAKE, lake_created, bucket, lake),
        data_source=None
        if source is None
        else SourceRecord(id=encode(Kind.SOURCE, source_created, 0, source), name=source_name),
        tags=await tags_of_data(platform.database, lake, lake_created, bucket, no),
    )


# --- deleting --------------------------------------------------------------------------------------------


async def _delete(platform: Platform, lake: dict[str, Any], numbers: list[int]) -> None:
    """Delete a few data, first out of all versions; files go last, when nothing names them any more."""
    bucket, deleted, left = lake["bucket"], [], True
    while left:
        async with platform.database.transaction() as tx:
            doomed = await tx.fetch("datalake.doomed", keys=json_text(numbers), **lake)
            keys = [no for no, _ in doomed]
            left = not await remove_assets_of_data(tx, bucket, keys)
            if not left:
                await tx.execute("datalake.delete_data_tags", keys=json_text(keys), bucket=bucket)
                await tx.execute("datalake.delete_data", keys=json_text(keys), bucket=bucket)
                deleted = [object_name for _, object_name in doomed]
    await platform.objects.delete(deleted)
