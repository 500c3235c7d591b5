"""Register uploaded objects as data of a lake."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import NamedTuple

import msgspec

from headrace.errors import APIError, ConflictError
from headrace.model.records import DataRecord, Items, Meta
from headrace.platform.context import Context
from headrace.platform.core.access import Access
from headrace.platform.core.listing import json_text
from headrace.platform.core.scopes import DatalakeScope, datalake_scope
from headrace.platform.datalake.data import full_record
from headrace.platform.datalake.data_records import data_records
from headrace.platform.datalake.drafts import Declared, Draft, given, make_drafts, missing_object
from headrace.platform.datalake.registered import delete_unregistered
from headrace.platform.datalake.uploads import check_files
from headrace.platform.dispatch import handles
from headrace.platform.tags.scopes import Tag
from headrace.protocol.operations.datalake import REGISTER_DATA, DataDescription, RegisterData
from headrace.protocol.operations.uploading import (
    REGISTER_MANY_DATA,
    Refusal,
    RegisteredData,
    RegisterManyData,
)
from headrace.storage.database.base import Row, Transaction
from headrace.storage.database.locks import Lock

ATTEMPTS = 3
"""How often an object is inspected that other uploads replace at the same time."""


class _Written(NamedTuple):
    """What a transaction has written, by object name.

    ``new`` and ``reused`` are row numbers; ``changed`` are the objects that are no longer those that were inspected.
    """

    new: dict[str, int]
    reused: dict[str, int]
    changed: set[str]


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
    context: Context,
    access: Access,
    lake: DatalakeScope,
    requests: Sequence[DataDescription],
    attempts: int = ATTEMPTS,
) -> list[DataRecord | APIError]:
    """Register files; returns for each request its data, or the error that refuses it."""
    drafts = await make_drafts(context, access, lake, requests)
    new: dict[str, Draft] = {}
    for draft in drafts:
        if isinstance(draft, Draft):
            new.setdefault(draft.request.object_name, draft)
    written = await _add(context, access, lake, list(new.values()))
    later = iter(await _register_changed(context, access, lake, drafts, written, attempts - 1))
    record_of = data_records(access)
    registered: list[DataRecord | APIError] = []
    for draft in drafts:
        if isinstance(draft, APIError):
            registered.append(draft)
            continue
        name = draft.request.object_name
        if (no := written.reused.get(name)) is not None:
            registered.append(await full_record(context, access, lake.bucket, no))
        elif (no := written.new.pop(name, None)) is not None:
            registered.append(_record(record_of, lake, no, draft))
        elif name in written.changed:
            registered.append(next(later, _changed_object(name)))
        else:
            registered.append(await _registered_before(context, access, lake, draft))
    return registered


async def _register_changed(
    context: Context,
    access: Access,
    lake: DatalakeScope,
    drafts: Sequence[Draft | APIError],
    written: _Written,
    attempts: int,
) -> list[DataRecord | APIError]:
    """Register again what changed meanwhile, as an upload does that was repeated and ended twice."""
    requests = [
        draft.request
        for draft in drafts
        if isinstance(draft, Draft) and draft.request.object_name in written.changed
    ]
    if not requests or not attempts:
        return []
    return await _register(context, access, lake, requests, attempts)


async def _add(
    context: Context, access: Access, lake: DatalakeScope, drafts: Sequence[Draft]
) -> _Written:
    """Write the data that are new in one transaction. The objects that were uploaded for reused data are deleted."""
    if not drafts:
        return _Written({}, {}, set())
    by_name = {draft.request.object_name: draft for draft in drafts}
    async with context.database.transaction(*_locks(access, lake)) as tx:
        taken = await tx.fetch("datalake.names_taken", keys=json_text(list(by_name)), **lake.scope)
        for (name,) in taken:
            del by_name[name]
        reused = await _reused(tx, lake, by_name.values())
        links: dict[int, tuple[Tag, list[int]]] = {}
        for name, no in reused.items():
            _link(links, by_name.pop(name), no)
        for name in [name for name, draft in by_name.items() if draft.inspected is None]:
            del by_name[name]  # its object is gone; the caller reports it
        changed = await _changed(context, by_name.values())
        for name in changed:
            del by_name[name]
        first = await context.database.reserve("data", len(by_name)) if by_name else 0
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
    await delete_unregistered(context, list(reused))
    return _Written(numbers, reused, changed)


def _locks(access: Access, lake: DatalakeScope) -> tuple[Lock, ...]:
    """The names of the lake's data, and the organization against the replacement of objects."""
    return Lock.organization(access.organization, shared=True), Lock.lake(lake.no)


async def _changed(context: Context, drafts: Collection[Draft]) -> set[str]:
    """Return the names of the objects that were replaced or deleted since they were inspected.

    Within the transaction this is final: objects are replaced and deleted under its lock, or they never change.
    """
    stored = [draft.stored for draft in drafts if draft.stored is not None]
    if not stored or not context.objects.locked:
        return set()
    kept = await context.objects.unchanged(stored)
    return {info.name for info, same in zip(stored, kept, strict=True) if not same}


def _link(links: dict[int, tuple[Tag, list[int]]], draft: Draft, no: int) -> None:
    for tag in draft.tags:
        links.setdefault(tag.key, (tag, []))[1].append(no)


async def _reused(
    tx: Transaction, lake: DatalakeScope, drafts: Collection[Draft]
) -> dict[str, int]:
    """Return the row numbers of data with the same description and content, by the object names of the drafts."""
    wanted = {draft.request.object_name: draft for draft in drafts if draft.sha256 is not None}
    if not wanted:
        return {}
    keys = [(name, draft.declared.filename, draft.sha256) for name, draft in wanted.items()]
    rows = await tx.fetch("datalake.same_content", keys=json_text(keys), **lake.scope)
    return {
        name: no for name, no, *stored in rows if wanted[name].declared.matches(Declared(*stored))
    }


def _changed_object(name: str) -> ConflictError:
    return ConflictError(
        f"{name} was uploaded again or deleted while it was registered",
        hint="end the upload, then register it again",
    )


async def _registered_before(
    context: Context, access: Access, lake: DatalakeScope, draft: Draft
) -> DataRecord | APIError:
    """Return the data that has this object; a 409 unless it was registered by the same call."""
    name, meta = draft.request.object_name, given(draft.request.meta)
    row = await context.database.fetch_one("datalake.registered", object_name=name, **lake.scope)
    if row is None and draft.inspected is None:
        return missing_object(name)
    same_size = row is not None and meta in (None, Meta(row[1], row[2]))
    if row is None or not draft.declared.matches(Declared(*row[3:])) or not same_size:
        return ConflictError(
            f"{name} is registered already with another description",
            hint="upload the file under a new object name",
        )
    async with context.database.transaction(Lock.lake(lake.no)) as tx:
        for tag in draft.tags:
            await tx.execute("tags.attach_to_data", keys=json_text([row[0]]), **tag.links)
    return await full_record(context, access, lake.bucket, row[0])


def _record(
    record_of: Callable[[Row], DataRecord], lake: DatalakeScope, no: int, draft: Draft
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
