"""The data of a lake, one by one: reading, changing and deleting them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec

from headrace.model.ids import Kind, encode
from headrace.model.records import DataRecord, PresignedUrlRecord, SourceRecord
from headrace.platform.core.access import Access
from headrace.platform.core.asset_rows import remove_assets_of_data
from headrace.platform.core.identifiers import check_id, key_of, missing
from headrace.platform.core.listing import json_text
from headrace.platform.datalake.data_records import WIDTH, data_record, metadata_text
from headrace.platform.datalake.datalakes import lake_of
from headrace.platform.tags.tags import tags_of_data
from headrace.protocol.operations.datalake import (
    DataId,
    DeleteManyData,
    UpdateCustomMetadata,
    UpdateData,
)
from headrace.storage.database.base import Row, Statements

if TYPE_CHECKING:
    from headrace.platform.platform import Platform

_DELETED_AT_ONCE = 200


async def get_data(platform: Platform, access: Access, request: DataId) -> DataRecord:
    """A data with its tags, lake and source."""
    lake_bucket, no = await _resolve(platform.database, access, request.data_id)
    return await full_record(platform, access, lake_bucket, no)


async def get_data_url(platform: Platform, access: Access, request: DataId) -> PresignedUrlRecord:
    """A fresh URL of a data's file."""
    row = await _row(platform.database, access, request.data_id)
    return PresignedUrlRecord(presigned_url=access.urls.download(access.organization, row[3]))


async def update_data(platform: Platform, access: Access, request: UpdateData) -> DataRecord:
    """Replace a data's metadata."""
    text = metadata_text("metadata", request.metadata)
    bucket, no = await _resolve(platform.database, access, request.data_id)
    await platform.database.execute("datalake.update_metadata", bucket=bucket, no=no, metadata=text)
    return await full_record(platform, access, bucket, no)


async def update_custom_metadata(
    platform: Platform, access: Access, request: UpdateCustomMetadata
) -> DataRecord:
    """Replace a data's custom metadata."""
    text = metadata_text("custom_metadata", request.custom_metadata)
    bucket, no = await _resolve(platform.database, access, request.data_id)
    await platform.database.execute(
        "datalake.update_custom_metadata", bucket=bucket, no=no, custom_metadata=text
    )
    return await full_record(platform, access, bucket, no)


async def delete_data(platform: Platform, access: Access, request: DataId) -> None:
    """Delete a data, its file and its assets in every version."""
    row = await _row(platform.database, access, request.data_id)
    lake = {"bucket": row[0], "lake": row[WIDTH]}
    await _delete(platform, lake, [row[2]])


async def delete_many_data(platform: Platform, access: Access, request: DeleteManyData) -> None:
    """Delete data of a lake; ids that are not (or no longer) there are no error."""
    lake = await lake_of(platform.database, access, request.datalake_id)
    for start in range(0, len(request.ids), _DELETED_AT_ONCE):
        numbers = lake.numbers(request.ids[start : start + _DELETED_AT_ONCE])
        await _delete(platform, lake.scope, numbers)


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


async def full_record(platform: Platform, access: Access, bucket: int, no: int) -> DataRecord:
    """A data with its tags, lake and source, by number."""
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
