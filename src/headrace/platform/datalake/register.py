"""Register uploaded objects as data of a lake."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from msgspec import UNSET

from headrace.errors import APIError, BadRequestError, ConflictError
from headrace.model.enums import DataType, DataUploadStatus
from headrace.model.names import safe_text
from headrace.model.records import DataRecord, Items, Meta, SourceRecord
from headrace.platform.context import Context
from headrace.platform.core.access import Access
from headrace.platform.core.identifiers import take_numbers
from headrace.platform.core.listing import json_text
from headrace.platform.core.scopes import DatalakeScope, datalake_scope
from headrace.platform.datalake.data import full_record
from headrace.platform.datalake.data_records import data_records, metadata_text
from headrace.platform.datalake.probe import (
    MAX_SIDE,
    VIDEO_FACTS,
    digest_of,
    facts_of,
    picture_sizes,
    size_of,
    video_headers,
)
from headrace.platform.datalake.sources import source_of
from headrace.platform.datalake.uploads import belongs, check_files
from headrace.platform.dispatch import handles
from headrace.platform.tags.scopes import Tag
from headrace.platform.tags.tags import data_tags
from headrace.protocol.operations.datalake import REGISTER_DATA, DataDescription, RegisterData
from headrace.protocol.operations.uploading import (
    REGISTER_MANY_DATA,
    Refusal,
    RegisteredData,
    RegisterManyData,
)
from headrace.storage.database.base import Row, Transaction
from headrace.storage.objects.base import ObjectInfo

OLD_MS = 30 * 60_000
"""Milliseconds after which an object that is registered is looked at once more, in the transaction that registers it.

Garbage collection deletes only what is older (platform/care/gc.py).
"""


class _Stored(NamedTuple):
    """A stored object, and what its header says; ``facts`` are those about a video."""

    info: ObjectInfo | None
    size: Meta | None
    facts: dict[str, float]


class _Declared(NamedTuple):
    """What a call declares about a file. A call that declares the same again is a retry."""

    filename: str
    kind: str
    content_type: str
    source: int | None
    metadata: str | None
    custom_metadata: str | None

    def matches(self, stored: _Declared) -> bool:
        """Whether the stored data was declared like this, the facts that a video's header gave it aside."""
        if self.kind != DataType.VIDEO or self.metadata == stored.metadata:
            return self == stored
        mine, theirs = (msgspec.json.decode(each.metadata or "{}") for each in (self, stored))
        for key in VIDEO_FACTS:
            if key not in mine:
                theirs.pop(key, None)
        return bool(mine == theirs) and self._replace(metadata=None) == stored._replace(
            metadata=None
        )


class _Inspected(NamedTuple):
    """What the stored file contains: sizes in pixels and bytes, and the digest."""

    status: DataUploadStatus
    width: int | None
    height: int | None
    size: int
    sha256: bytes


class _Draft(NamedTuple):
    """A valid registration, ready to be written."""

    request: DataDescription
    declared: _Declared
    tags: list[Tag]
    source: SourceRecord | None
    inspected: _Inspected | None
    is_old: bool = False
    """Whether the object is old enough to be taken for garbage."""

    @property
    def sha256(self) -> str | None:
        """The digest by which data of the lake may be reused, in hexadecimal; None where that is not wanted."""
        if _given(self.request.reuse) is not True:
            return None
        if self.inspected is not None:
            return self.inspected.sha256.hex()
        sha256: str | None = _given(self.request.sha256)
        return sha256


@handles(REGISTER_DATA)
async def register_data(context: Context, access: Access, request: RegisterData) -> DataRecord:
    """Register an uploaded object as data; the same call again returns the same data."""
    lake = await datalake_scope(context.database, access, request.datalake_id)
    (registered,) = await _register(context, access, lake, [request])
    if isinstance(registered, APIError):
        raise registered
    return registered


@handles(REGISTER_MANY_DATA)
async def register_many_data(
    context: Context, access: Access, request: RegisterManyData
) -> Items[RegisteredData]:
    """Register uploaded objects as data in one transaction; a refused one does not stop the others."""
    check_files(len(request.files))
    lake = await datalake_scope(context.database, access, request.datalake_id)
    registered = await _register(context, access, lake, request.files)
    return Items(
        items=[
            RegisteredData(refusal=Refusal.of(each))
            if isinstance(each, APIError)
            else RegisteredData(data=each)
            for each in registered
        ]
    )


async def _register(
    context: Context, access: Access, lake: DatalakeScope, requests: Sequence[DataDescription]
) -> list[DataRecord | APIError]:
    """Register files; returns for each request its data, or the error that refuses it."""
    drafts = await _drafts(context, access, lake, requests)
    new: dict[str, _Draft] = {}
    for draft in drafts:
        if isinstance(draft, _Draft):
            new.setdefault(draft.request.object_name, draft)
    numbers, reused = await _add(context, access, lake, list(new.values()))
    record_of = data_records(access)
    registered: list[DataRecord | APIError] = []
    for draft in drafts:
        if isinstance(draft, APIError):
            registered.append(draft)
        elif (no := reused.get(draft.request.object_name)) is not None:
            registered.append(await full_record(context, access, lake.bucket, no))
        elif (no := numbers.pop(draft.request.object_name, None)) is not None:
            registered.append(_record(record_of, lake, no, draft))
        else:
            registered.append(await _registered_before(context, access, lake, draft))
    return registered


async def _drafts(
    context: Context, access: Access, lake: DatalakeScope, requests: Sequence[DataDescription]
) -> list[_Draft | APIError]:
    stored = await _stored(context, access, requests)
    tags: dict[tuple[UUID, ...], list[Tag]] = {}
    sources: dict[UUID | None, tuple[int, SourceRecord] | None] = {}
    drafts: list[_Draft | APIError] = []
    for request, found in zip(requests, stored, strict=True):
        try:
            if request.data_source_id not in sources:
                sources[request.data_source_id] = await source_of(
                    context, access, request.data_source_id
                )
            no, source = sources[request.data_source_id] or (None, None)
            declared = _declared(request, no, found.facts)
            wanted = tuple(request.tags)
            if wanted not in tags:
                tags[wanted] = await data_tags(context.database, access, lake, wanted)
            draft = _Draft(request, declared, tags[wanted], source, None)
            if found.info is not None:
                inspected = await _inspect(context, request, found.info, found.size)
                is_old = (found.info.stored or 0) < context.clock() - OLD_MS
                draft = draft._replace(inspected=inspected, is_old=is_old)
            elif draft.sha256 is None:
                raise _missing_object(request.object_name)
            drafts.append(draft)
        except APIError as error:
            drafts.append(error)
    return drafts


async def _add(
    context: Context, access: Access, lake: DatalakeScope, drafts: Sequence[_Draft]
) -> tuple[dict[str, int], dict[str, int]]:
    """Write the data that are new in one transaction.

    Returns:
        The row numbers of the new data, and those of the reused data, by object name. The objects that were uploaded
        for reused data are deleted.
    """
    if not drafts:
        return {}, {}
    by_name = {draft.request.object_name: draft for draft in drafts}
    async with context.database.transaction() as tx:
        taken = await tx.fetch("datalake.names_taken", keys=json_text(list(by_name)), **lake.scope)
        for (name,) in taken:
            del by_name[name]
        reused = await _reused(tx, lake, by_name.values())
        links: dict[int, tuple[Tag, list[int]]] = {}
        for name, no in reused.items():
            _link(links, by_name.pop(name), no)
        for name in [name for name, draft in by_name.items() if draft.inspected is None]:
            del by_name[name]  # its object is gone; the caller reports it
        old = [name for name, draft in by_name.items() if draft.is_old]
        there = await context.objects.heads(old) if old else []
        for name, found in zip(old, there, strict=True):
            if found is None:
                del by_name[name]  # collected as garbage since it was looked at
        first = await take_numbers(tx, "data", len(by_name)) if by_name else 0
        numbers = {name: number for number, name in enumerate(by_name, start=first)}
        created = context.clock()
        await tx.insert_many(
            "datalake.register",
            [
                (
                    *(lake.bucket, numbers[name], lake.no, name),
                    *(*draft.declared, *(draft.inspected or ()), created),
                )
                for name, draft in by_name.items()
            ],
        )
        for name, draft in by_name.items():
            _link(links, draft, numbers[name])
        for tag, keys in links.values():
            await tx.execute("tags.attach_to_data", keys=json_text(keys), **tag.links)
    await _delete_spare(context, access, list(reused))
    return numbers, reused


async def _delete_spare(context: Context, access: Access, names: list[str]) -> None:
    """Delete objects that were uploaded for nothing; one that any lake has registered stays."""
    spare = [
        name
        for name in names
        if await context.database.fetch_one(
            "datalake.name_taken", organization=access.organization, object_name=name
        )
        is None
    ]
    if spare:
        await context.objects.delete(spare)


def _link(links: dict[int, tuple[Tag, list[int]]], draft: _Draft, no: int) -> None:
    for tag in draft.tags:
        links.setdefault(tag.key, (tag, []))[1].append(no)


async def _reused(
    tx: Transaction, lake: DatalakeScope, drafts: Collection[_Draft]
) -> dict[str, int]:
    """Return the row numbers of data with the same description and content, by the object names of the drafts."""
    wanted = {draft.request.object_name: draft for draft in drafts if draft.sha256 is not None}
    if not wanted:
        return {}
    keys = [(name, draft.declared.filename, draft.sha256) for name, draft in wanted.items()]
    rows = await tx.fetch("datalake.same_content", keys=json_text(keys), **lake.scope)
    return {
        name: no for name, no, *stored in rows if wanted[name].declared.matches(_Declared(*stored))
    }


def _declared(request: DataDescription, source: int | None, facts: dict[str, float]) -> _Declared:
    metadata = _given(request.metadata)
    return _Declared(
        filename=safe_text(request.filename, "filename"),
        kind=DataType.parse(request.type),
        content_type=safe_text(request.content_type, "content_type"),
        source=source,
        metadata=metadata_text("metadata", {**facts, **(metadata or {})} if facts else metadata),
        custom_metadata=metadata_text("custom_metadata", _given(request.custom_metadata)),
    )


async def _stored(
    context: Context, access: Access, requests: Sequence[DataDescription]
) -> list[_Stored]:
    """Look up the stored objects, measure the images whose size the request does not give, and all videos."""
    names = [each.object_name for each in requests if _is_ours(context, access, each.object_name)]
    infos = {info.name: info for info in await context.objects.heads(names) if info is not None}
    unmeasured = [
        each.object_name
        for each in requests
        if each.object_name in infos and each.type == DataType.IMAGE and _given(each.meta) is None
    ]
    sizes = dict(zip(unmeasured, await picture_sizes(context.objects, unmeasured), strict=True))
    films = [
        infos[each.object_name]
        for each in requests
        if each.object_name in infos and each.type == DataType.VIDEO
    ]
    headers = await video_headers(context.objects, films) if films else []
    videos = {info.name: video for info, video in zip(films, headers, strict=True)}
    return [
        _Stored(
            infos.get(each.object_name),
            sizes.get(each.object_name) or size_of(videos.get(each.object_name)),
            facts_of(videos.get(each.object_name)),
        )
        for each in requests
    ]


def _is_ours(context: Context, access: Access, name: str) -> bool:
    try:
        context.objects.local_path(name)
    except BadRequestError:
        return False
    return belongs(name, access.organization)


async def _inspect(
    context: Context, request: DataDescription, info: ObjectInfo, size: Meta | None
) -> _Inspected:
    sha256 = await digest_of(context.objects, info)
    meta: Meta | None = _given(request.meta) or size
    if meta is None:
        # A video of an unknown container is as good as any; an image without a size cannot be one.
        video = request.type == DataType.VIDEO
        status = DataUploadStatus.DONE if video else DataUploadStatus.ERROR
        return _Inspected(status, None, None, info.size, sha256)
    if not (0 < meta.width <= MAX_SIDE and 0 < meta.height <= MAX_SIDE):
        raise BadRequestError(f"{meta.width} x {meta.height} is not the size of an image")
    return _Inspected(DataUploadStatus.DONE, meta.width, meta.height, info.size, sha256)


def _missing_object(name: str) -> BadRequestError:
    return BadRequestError(
        f"nothing was uploaded as {name!a}", hint="upload the file, then register it"
    )


async def _registered_before(
    context: Context, access: Access, lake: DatalakeScope, draft: _Draft
) -> DataRecord | APIError:
    """Return the data that has this object; a 409 unless it was registered by the same call."""
    name, meta = draft.request.object_name, _given(draft.request.meta)
    row = await context.database.fetch_one("datalake.registered", object_name=name, **lake.scope)
    if row is None and (draft.inspected is None or draft.is_old):
        return _missing_object(name)
    same_size = row is not None and meta in (None, Meta(row[1], row[2]))
    if row is None or not draft.declared.matches(_Declared(*row[3:])) or not same_size:
        return ConflictError(
            f"{name} is registered already with another description",
            hint="upload the file under a new object name",
        )
    async with context.database.transaction() as tx:
        for tag in draft.tags:
            await tx.execute("tags.attach_to_data", keys=json_text([row[0]]), **tag.links)
    return await full_record(context, access, lake.bucket, row[0])


def _record(
    record_of: Callable[[Row], DataRecord], lake: DatalakeScope, no: int, draft: _Draft
) -> DataRecord:
    declared = draft.declared
    assert draft.inspected is not None
    record = record_of(
        (
            *(lake.bucket, lake.created, no, draft.request.object_name, declared.filename),
            *(declared.kind, declared.content_type, *draft.inspected),
            *(declared.metadata, declared.custom_metadata),
        )
    )
    return msgspec.structs.replace(
        record,
        datalake_id=lake.id,
        data_source=draft.source,
        tags=[tag.record for tag in sorted(draft.tags, key=lambda tag: tag.key)],
    )


def _given(value: Any) -> Any:
    return None if value is UNSET else value
