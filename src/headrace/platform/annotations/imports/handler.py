"""Bulk import of annotations: each chunk is checked, written in one transaction and recorded in a ledger.

An import that was opened by ``start_import`` has a ledger: one shard row for each chunk, written in the transaction of
the chunk. A chunk that is sent again returns its first result and changes nothing. So an interrupted import can be sent
again from the beginning and ends as if it had not been interrupted.
"""

from __future__ import annotations

import msgspec
from msgspec import UNSET

from headrace.errors import BadRequestError, ConflictError, NotFoundError, RequestTooLargeError
from headrace.model.enums import JobStatus
from headrace.model.ids import Kind
from headrace.platform.accounts.users import worker_account
from headrace.platform.annotations.decode import (
    PreparedAnnotation,
    has_masks,
    prepare_annotations,
    prepare_received,
    receive_packed,
    shapes_with_masks,
)
from headrace.platform.annotations.imports.writer import ChunkWriter, ImportedShapes, ReplacesError
from headrace.platform.annotations.load import sizes_of
from headrace.platform.context import Context
from headrace.platform.core.access import Access
from headrace.platform.core.identifiers import key_of, missing
from headrace.platform.core.listing import json_text
from headrace.platform.core.locking import beside_locks, version_locks
from headrace.platform.core.scopes import VersionScope, version_scope
from headrace.platform.dispatch import handles
from headrace.platform.jobs.maintenance import drop_old_ledgers, fold_if_due
from headrace.platform.jobs.records import JOB, Job, add_job, job_id, job_of, job_of_chunk
from headrace.platform.removals.kinds import RemovalKind
from headrace.platform.removals.recorder import RemovalChoice, RemovalRecorder
from headrace.platform.removals.rows import removal_by_key
from headrace.protocol.operations.annotations import (
    FINISH_IMPORT,
    IMPORT_ANNOTATIONS,
    IMPORT_PACKED,
    START_IMPORT,
    FinishImport,
    ImportAnnotations,
    ImportItem,
    ImportPacked,
    ImportRecord,
    PackedItem,
    ReplacedRecord,
    StartImport,
)
from headrace.storage.database.base import Statements, Transaction
from headrace.storage.database.locks import Lock
from headrace.threads import in_thread

MAX_ITEMS = 2_000
"""Maximum number of assets in one call; more would hold the write lock too long."""

KIND = "IMPORT"

_Request = ImportAnnotations | ImportPacked


@handles(IMPORT_ANNOTATIONS)
async def import_annotations(context: Context, access: Access, request: _Request) -> dict[str, int]:
    """Write a chunk; return the number of shapes created, by annotation id. After an error nothing is written.

    Raises:
        NotFoundError: An asset or a label does not exist.
        BadRequestError: An asset is given twice, or a shape is invalid.
        RequestTooLargeError: The chunk has too many assets or shapes.
    """
    return await _import(context, access, request)


@handles(IMPORT_PACKED)
async def import_packed(context: Context, access: Access, request: ImportPacked) -> dict[str, int]:
    """Write a chunk of packed shapes; as :func:`import_annotations`."""
    return await _import(context, access, request)


async def _import(context: Context, access: Access, request: _Request) -> dict[str, int]:
    if len(request.annotations) > MAX_ITEMS:
        raise RequestTooLargeError(
            f"{len(request.annotations)} assets in one call", hint=f"send at most {MAX_ITEMS}"
        )
    scope = await version_scope(context.database, access, request.version_id, change=True)
    _, result = await _ledger(context.database, access, scope, request)
    if result is None:
        if isinstance(request, ImportPacked):
            items = await _prepare_packed(context, scope, request)
        else:
            items = await _prepare(context, scope, request.annotations)
        result = await _apply(context, access, request, scope, items)
    ids = scope.ids(Kind.ANNOTATION)
    return {ids.text(no): shapes for no, shapes in result}


@handles(START_IMPORT)
async def start_import(context: Context, access: Access, request: StartImport) -> ImportRecord:
    """Open the ledger of an import, or continue one of the same source that was interrupted."""
    account = await worker_account(context.database, access, request.worker_id)
    spec = json_text([account or access.account, request.source])
    locks = await version_locks(context, request.version_id)
    async with context.database.transaction(*locks) as tx:
        if not context.shared:  # else the server that purges does so
            await drop_old_ledgers(tx, context.clock())
        scope = await version_scope(tx, access, request.version_id, change=True)
        running = await tx.fetch_one(
            "jobs.running",
            kind=KIND,
            subject=scope.no,
            spec=spec,
            organization=access.organization,
        )
        if running is not None:
            no, created = running
            shards = await tx.fetch("jobs.shards", job=no)
            return ImportRecord(
                id=job_id(no, created), done=[shard for (shard,) in shards], packed=True
            )
        job = await add_job(
            context,
            tx,
            access,
            kind=KIND,
            subject=scope.no,
            state=JobStatus.RUNNING,
            spec=spec,
        )
    context.replacing.discard(scope.no)
    return ImportRecord(id=job.id, done=[], packed=True)


@handles(FINISH_IMPORT)
async def finish_import(context: Context, access: Access, request: FinishImport) -> ReplacedRecord:
    """Close the ledger of an import: importing the same source again starts a new one.

    The ledger stays for a day (``jobs/maintenance.py``), so that others who joined this import get the answers of the
    chunks that they still send.
    """
    async with context.database.transaction(
        Lock.job(key_of(request.import_id, Kind.JOB).number)
    ) as tx:
        job = await job_of(tx, access, request.import_id, JOB)
        if job.kind != KIND:
            raise missing(Kind.JOB, request.import_id)
        await tx.execute("jobs.finish", no=job.no, now=context.clock())
    found = await removal_by_key(context.database, access, request.import_id)
    if found is None:
        return ReplacedRecord()
    return ReplacedRecord(
        annotations=found.annotations,
        shapes=found.shapes,
        removal_id=found.id if found.restorable else None,
    )


# --- one chunk -------------------------------------------------------------------------------------------


async def _prepare(
    context: Context, scope: VersionScope, items: list[ImportItem]
) -> list[PreparedAnnotation]:
    assets = _assets(scope, items)
    masked = [asset for asset, item in zip(assets, items, strict=True) if has_masks(item)]
    sizes = await _sizes(context, scope, masked)
    labels = await _labels(context, scope)
    return await in_thread(prepare_annotations, items, assets, labels, sizes)


async def _prepare_packed(
    context: Context, scope: VersionScope, request: ImportPacked
) -> list[PreparedAnnotation]:
    items = request.annotations
    assets = _assets(scope, items)
    known = await _labels(context, scope)
    unknown = next((each for each in request.labels.values() if each not in known), None)
    if unknown is not None:
        raise NotFoundError(f"the version has no label {unknown}", hint="nothing was written")
    labels = {index: known[label] for index, label in request.labels.items()}
    received = await in_thread(receive_packed, items, labels)
    masked = [
        asset for asset, each in zip(assets, received, strict=True) if shapes_with_masks(each)
    ]
    sizes = await _sizes(context, scope, masked)
    return await in_thread(prepare_received, items, received, assets, sizes)


async def _labels(context: Context, scope: VersionScope) -> dict[str, int]:
    ids = scope.ids(Kind.LABEL)
    rows = await context.database.fetch("labels.keys", version=scope.no)
    return {ids.text(key): key for key, _ in rows}


async def _sizes(
    context: Context, scope: VersionScope, masked: list[int]
) -> dict[int, tuple[int, int]]:
    """Return the sizes of assets with masks; raises NotFoundError where one does not exist."""
    sizes = dict(await sizes_of(context.database, scope, masked)) if masked else {}
    unknown = set(masked) - sizes.keys()
    if unknown:
        raise _unknown_asset(scope, scope.ids(Kind.ASSET).text(min(unknown)))
    return sizes


async def _apply(
    context: Context,
    access: Access,
    request: _Request,
    scope: VersionScope,
    items: list[PreparedAnnotation],
) -> ImportedShapes:
    default = None if request.status is None else str(request.status)
    account = await worker_account(context.database, access, request.worker_id)
    writer = ChunkWriter(
        scope,
        account or access.account,
        request.import_type,
        default,
        items,
        _recorder(context, access, request),
        beside=request.beside is True,
    )
    await writer.read_ahead(context.database)
    alone = scope.no in context.replacing
    try:
        return await _write(context, access, request, scope, items, writer, alone=alone)
    except ReplacesError:
        _note_replacing(context, scope)
        return await _write(context, access, request, scope, items, writer, alone=True)


async def _write(
    context: Context,
    access: Access,
    request: _Request,
    scope: VersionScope,
    items: list[PreparedAnnotation],
    writer: ChunkWriter,
    *,
    alone: bool,
) -> ImportedShapes:
    """Write a chunk in one transaction, with ``alone`` under the lock of the whole version.

    Raises:
        ReplacesError: It replaces annotations, and the version is not locked alone.
    """
    locks = _locks(request, scope, [item.asset for item in items], alone=alone)
    async with context.database.transaction(*locks) as tx:
        # Checked again inside the transaction: the version may be locked or deleted, the chunk sent twice at once.
        scope = await version_scope(tx, access, request.version_id, change=True)
        job, known = await _ledger(tx, access, scope, request)
        if known is not None:
            return known
        await _check_labels(tx, scope, items)
        result, change = await writer.write(
            context.database, tx, scope, context.clock(), alone=alone
        )
        if job is not None:
            _record_shard(tx, job, request, result, context.clock())
    fold_if_due(context, scope, change)
    return result


def _locks(
    request: _Request, scope: VersionScope, assets: list[int], *, alone: bool
) -> tuple[Lock, ...]:
    """Chunks of other assets of the version are written at the same time, unless this one replaces annotations."""
    locks = beside_locks(scope.dataset, scope.no, assets, alone=alone)
    if request.import_id is UNSET:
        return locks
    return *locks, Lock.job(key_of(request.import_id, Kind.JOB).number, shared=True)


def _note_replacing(context: Context, scope: VersionScope) -> None:
    if len(context.replacing) >= context.REMEMBERED:
        context.replacing.clear()
    context.replacing.add(scope.no)


def _recorder(context: Context, access: Access, request: _Request) -> RemovalRecorder:
    key = None if request.import_id is UNSET else request.import_id
    choice = RemovalChoice(request.undo, key)
    return RemovalRecorder(context, access, RemovalKind.IMPORT, choice)


async def _check_labels(
    tx: Transaction, scope: VersionScope, items: list[PreparedAnnotation]
) -> None:
    """Raise NotFoundError where a label was deleted since the items were prepared."""
    known = {key for key, _ in await tx.fetch("labels.keys", version=scope.no)}
    if not known.issuperset(set().union(*[item.counts for item in items])):
        raise NotFoundError(
            f"a label of {scope.full_name} was deleted meanwhile", hint="nothing was imported"
        )


def _assets(scope: VersionScope, items: list[ImportItem] | list[PackedItem]) -> list[int]:
    ids = scope.ids(Kind.ASSET)
    seqs: dict[int, None] = {}
    for item in items:
        seq = ids.seq(item.asset_id)
        if seq is None:
            raise _unknown_asset(scope, item.asset_id)
        if seq in seqs:
            raise BadRequestError(
                f"asset {item.asset_id} is given twice in one call",
                hint="send all its shapes in one item; nothing was imported",
            )
        seqs[seq] = None
    return list(seqs)


def _unknown_asset(scope: VersionScope, asset: str) -> NotFoundError:
    return NotFoundError(
        f"there is no asset {asset} in {scope.full_name}", hint="nothing was imported"
    )


# --- the ledger ------------------------------------------------------------------------------------------


async def _ledger(
    statements: Statements, access: Access, scope: VersionScope, request: _Request
) -> tuple[Job | None, ImportedShapes | None]:
    """Return the import of a chunk, and the result of the chunk if it was written."""
    if request.import_id is UNSET:
        return None, None
    if request.chunk is UNSET or request.chunk < 0:
        raise BadRequestError("a chunk of an import needs its number", hint="chunk counts from 0")
    job, result = await job_of_chunk(statements, access, request.import_id, JOB, request.chunk)
    if job.kind != KIND or job.subject != scope.no:
        raise missing(Kind.JOB, request.import_id)
    answered = job.state == JobStatus.SUCCESS and result is not None
    if job.state != JobStatus.RUNNING and not answered:
        raise ConflictError(f"import {request.import_id} is closed", hint="start a new import")
    return job, None if result is None else msgspec.json.decode(result, type=ImportedShapes)


def _record_shard(
    tx: Transaction, job: Job, request: _Request, result: ImportedShapes, now: int
) -> None:
    # At the end, so that the chunks of an import wait for each other only then.
    tx.execute_at_commit("jobs.add_shard", job=job.no, no=request.chunk, result=json_text(result))
    tx.execute_at_commit("jobs.count_shard", no=job.no, now=now)
