"""Making an uploaded object a data of a lake."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
from msgspec import UNSET

from headrace.errors import BadRequestError, ConflictError, UniqueViolationError
from headrace.model.enums import DataType, DataUploadStatus
from headrace.model.names import safe_text
from headrace.model.records import DataRecord, Meta, SourceRecord
from headrace.platform.access import Access
from headrace.platform.data import full_record
from headrace.platform.data_records import data_record, metadata_text
from headrace.platform.datalake import Lake, lake_of
from headrace.platform.listing import json_text
from headrace.platform.measure import MAX_SIDE, digest_of, picture_size
from headrace.platform.sources import source_of
from headrace.platform.tag_scopes import Tag
from headrace.platform.tags import data_tags
from headrace.platform.uploads import belongs
from headrace.protocol.operations.datalake import RegisterData
from headrace.storage.database.base import Transaction

if TYPE_CHECKING:
    from headrace.platform.platform import Platform


class _Told(NamedTuple):
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
    width: int | None
    height: int | None
    size: int
    sha256: bytes


async def register_data(platform: Platform, access: Access, request: RegisterData) -> DataRecord:
    """Make an uploaded object a data of the lake; the very same call again answers the same data."""
    lake = await lake_of(platform.database, access, request.datalake_id)
    source = await source_of(platform, access, request.data_source_id)
    told = _told(request, None if source is None else source[0])
    tags = await data_tags(platform.database, access, lake, request.tags)
    found = await _inspect(platform, access, request)
    row = {"object_name": request.object_name, **told._asdict(), **found._asdict()}
    try:
        async with platform.database.transaction() as tx:
            added = await tx.fetch_one(
                "datalake.register", created=platform.clock(), **lake.scope, **row
            )
            assert added is not None
            await _attach(tx, lake, added[0], tags)
    except UniqueViolationError:
        return await _registered(platform, access, lake, request, told, tags)
    return _record(access, lake, added[0], row, tags, None if source is None else source[1])


def _told(request: RegisterData, source: int | None) -> _Told:
    return _Told(
        filename=safe_text(request.filename, "filename"),
        kind=DataType.parse(request.type),
        content_type=safe_text(request.content_type, "content_type"),
        source=source,
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
    meta: Meta | None = _given(request.meta)
    if meta is None and request.type == DataType.IMAGE:
        meta = await picture_size(platform.objects, name)
    if meta is None:
        return _Found(DataUploadStatus.ERROR, None, None, info.size, sha256)
    if not (0 < meta.width <= MAX_SIDE and 0 < meta.height <= MAX_SIDE):
        raise BadRequestError(f"{meta.width} x {meta.height} is no size of a picture")
    return _Found(DataUploadStatus.DONE, meta.width, meta.height, info.size, sha256)


async def _attach(tx: Transaction, lake: Lake, no: int, tags: list[Tag]) -> None:
    for tag in tags:
        await tx.execute("tags.attach_to_data", keys=json_text([no]), **tag.links)


async def _registered(
    platform: Platform,
    access: Access,
    lake: Lake,
    request: RegisterData,
    told: _Told,
    tags: list[Tag],
) -> DataRecord:
    """The data that has this object already; 409 unless it was registered by the very same call."""
    row = await platform.database.fetch_one(
        "datalake.registered", object_name=request.object_name, **lake.scope
    )
    meta: Meta | None = _given(request.meta)
    if row is None or _Told(*row[3:]) != told or meta not in (None, Meta(row[1], row[2])):
        raise ConflictError(
            f"{request.object_name} is registered already, otherwise described",
            hint="upload the file under a new object name",
        )
    async with platform.database.transaction() as tx:
        await _attach(tx, lake, row[0], tags)
    return await full_record(platform, access, lake.bucket, row[0])


def _record(
    access: Access,
    lake: Lake,
    no: int,
    row: dict[str, Any],
    tags: list[Tag],
    source: SourceRecord | None,
) -> DataRecord:
    record = data_record(
        access,
        (
            *(lake.bucket, lake.created, no, row["object_name"], row["filename"], row["kind"]),
            *(row["content_type"], row["status"], row["width"], row["height"], row["size"]),
            *(row["sha256"], row["metadata"], row["custom_metadata"]),
        ),
    )
    return msgspec.structs.replace(
        record,
        datalake_id=lake.id,
        data_source=source,
        tags=[tag.record for tag in sorted(tags, key=lambda tag: tag.key)],
    )


def _given(value: Any) -> Any:
    return None if value is UNSET else value
