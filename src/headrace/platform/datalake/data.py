"""Read, change and delete single data of a lake."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import msgspec

from headrace.model.ids import Kind, encode
from headrace.model.records import (
    CustomMetadataRecord,
    DataRecord,
    PresignedUrlRecord,
    SourceRecord,
)
from headrace.platform.context import Context
from headrace.platform.core.access import Access
from headrace.platform.core.asset_rows import remove_assets_of_data
from headrace.platform.core.identifiers import check_id, key_of, missing
from headrace.platform.core.listing import json_text
from headrace.platform.core.released import release
from headrace.platform.core.scopes import datalake_scope
from headrace.platform.datalake.data_records import WIDTH, data_record, metadata_text
from headrace.platform.datalake.registered import delete_unregistered
from headrace.platform.dispatch import handles
from headrace.platform.tags.tags import tags_of_data
from headrace.protocol.operations.datalake import (
    DELETE_DATA,
    DELETE_MANY_DATA,
    GET_DATA,
    GET_DATA_URL,
    UPDATE_CUSTOM_METADATA,
    UPDATE_DATA,
    DataId,
    DeleteManyData,
    UpdateCustomMetadata,
    UpdateData,
)
from headrace.storage.database.base import Row, Statements

_DELETED_AT_ONCE = 200


@handles(GET_DATA)
async def get_data(context: Context, access: Access, request: DataId) -> DataRecord:
    """Get a data with its tags, lake and source."""
    lake_bucket, no = await _resolve(context.database, access, request.data_id)
    return await full_record(context, access, lake_bucket, no)


@handles(GET_DATA_URL)
async def get_data_url(context: Context, access: Access, request: DataId) -> PresignedUrlRecord:
    """Sign a new URL for a data's file."""
    row = await _row(context.database, access, request.data_id)
    return PresignedUrlRecord(presigned_url=access.urls.download(access.organization, row[3]))


@handles(UPDATE_DATA)
async def update_data(context: Context, access: Access, request: UpdateData) -> DataRecord:
    """Replace a data's metadata."""
    text = metadata_text("metadata", request.metadata)
    bucket, no = await _resolve(context.database, access, request.data_id)
    await context.database.execute("datalake.update_metadata", bucket=bucket, no=no, metadata=text)
    return await full_record(context, access, bucket, no)


@handles(UPDATE_CUSTOM_METADATA)
async def update_custom_metadata(
    context: Context, access: Access, request: UpdateCustomMetadata
) -> CustomMetadataRecord:
    """Replace a data's custom metadata."""
    text = metadata_text("custom_metadata", request.custom_metadata)
    bucket, no = await _resolve(context.database, access, request.data_id)
    await context.database.execute(
        "datalake.update_custom_metadata", bucket=bucket, no=no, custom_metadata=text
    )
    return CustomMetadataRecord(custom_metadata=request.custom_metadata)


@handles(DELETE_DATA)
async def delete_data(context: Context, access: Access, request: DataId) -> None:
    """Delete a data, its file and its assets in every version."""
    row = await _row(context.database, access, request.data_id)
    lake = {"bucket": row[0], "lake": row[WIDTH]}
    await _delete(context, lake, [row[2]])


@handles(DELETE_MANY_DATA)
async def delete_many_data(context: Context, access: Access, request: DeleteManyData) -> None:
    """Delete data of a lake; unknown ids are ignored."""
    lake = await datalake_scope(context.database, access, request.datalake_id)
    for start in range(0, len(request.ids), _DELETED_AT_ONCE):
        numbers = lake.numbers(request.ids[start : start + _DELETED_AT_ONCE])
        await _delete(context, lake.scope, numbers)


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


async def full_record(context: Context, access: Access, bucket: int, no: int) -> DataRecord:
    """Read a data by number, with its tags, lake and source."""
    row = await context.database.fetch_one(
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
        tags=await tags_of_data(context.database, lake, lake_created, bucket, no),
    )


# --- deleting --------------------------------------------------------------------------------------------


async def _delete(context: Context, lake: dict[str, Any], numbers: list[int]) -> None:
    """Delete a few data: first their assets in all versions, then the rows, and the files last."""
    bucket, deleted, left = lake["bucket"], [], True
    while left:
        async with context.database.transaction() as tx:
            doomed = await tx.fetch("datalake.doomed", keys=json_text(numbers), **lake)
            keys = [no for no, _ in doomed]
            left = not await remove_assets_of_data(tx, bucket, keys)
            if not left:
                await tx.execute("datalake.delete_data_tags", keys=json_text(keys), bucket=bucket)
                await tx.execute("datalake.delete_data", keys=json_text(keys), bucket=bucket)
                deleted = [object_name for _, object_name in doomed]
                await release(context, tx, deleted)
    await delete_unregistered(context, deleted)
