"""Delete annotations with their shapes, in ranges, so that other calls can write in between."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

from headrace.errors import BadRequestError
from headrace.model.blob.counts import unpack_counts
from headrace.model.ids import Kind
from headrace.platform.accounts.users import account_of
from headrace.platform.assets.selectors import asset_seqs
from headrace.platform.campaigns.transitions import check_without_tasks, claim_for_edit
from headrace.platform.context import Context
from headrace.platform.core.access import Access
from headrace.platform.core.counters import CounterDelta
from headrace.platform.core.identifiers import missing
from headrace.platform.core.label_marks import BLOCK
from headrace.platform.core.listing import json_text
from headrace.platform.core.locking import version_locks
from headrace.platform.core.scopes import VersionScope, scope_of_part, touch, version_scope
from headrace.platform.core.shape_storage import drop_contents
from headrace.platform.dispatch import handles
from headrace.platform.jobs.maintenance import fold_if_due
from headrace.platform.removals.kinds import RemovalKind
from headrace.platform.removals.recorder import RemovalChoice, RemovalRecorder
from headrace.protocol.operations.annotating import (
    ALL_ASSETS,
    DELETE_ANNOTATION,
    DELETE_ANNOTATIONS,
    AnnotationId,
    DeleteAnnotations,
)
from headrace.storage.database.base import Row, Transaction

RANGE = BLOCK
"""Annotations that one transaction deletes: where each asset has one, the assets that share marks of labels."""

RECORDED_RANGE = 1000
"""Annotations that one transaction deletes and records: a lake's writer is held while their shapes are written."""


@handles(DELETE_ANNOTATIONS)
async def delete_annotations(context: Context, access: Access, request: DeleteAnnotations) -> None:
    """Delete annotations of a version. Ids of deleted annotations are ignored.

    Annotations that are created while this runs are kept.

    Raises:
        NotFoundError: An id is not one of this version.
        RemovalNotRecordedError: The caller demands that it can be undone, and it cannot be recorded.
    """
    locks = await version_locks(context, request.version_id)
    async with context.database.transaction(*locks) as tx:
        scope = await version_scope(tx, access, request.version_id, change=True)
        assets = _assets(scope, request.asset_ids)
        ids = request.annotation_ids
        numbers = None if ids is None else scope.row_numbers(Kind.ANNOTATION, ids)
        accounts = await _accounts(tx, access, request.worker_ids)
        await _refuse_tasks(tx, scope, assets, numbers)
        before = (await touch(tx, scope)).annotation
    choice = RemovalChoice(request.undo, request.removal)
    recorder = RemovalRecorder(context, access, RemovalKind.ANNOTATIONS, choice)
    if numbers is None and assets is None:
        await recorder.check_room(scope, "removals.size_of_version")
        await _delete_all(context, access, request.version_id, before, accounts, recorder)
        return
    measured = "removals.size_of_assets" if numbers is None else "removals.size_of_numbers"
    await recorder.check_room(scope, measured, assets if numbers is None else numbers)
    statement = (
        "single_annotations.range_of_assets"
        if numbers is None
        else "single_annotations.range_of_numbers"
    )
    keys = assets if numbers is None else numbers
    only = None if numbers is None or assets is None else frozenset(assets)
    size = _range(recorder)
    for start in range(0, len(keys or ()), size):
        batch = _Batch(statement, (keys or [])[start : start + size], accounts)
        await _delete_batch(context, access, request.version_id, batch, before, only, recorder)


@handles(DELETE_ANNOTATION)
async def delete_annotation(context: Context, access: Access, request: AnnotationId) -> None:
    """Delete one annotation; raises NotFoundError where it does not exist."""
    recorder = RemovalRecorder(context, access, RemovalKind.ANNOTATIONS, RemovalChoice())
    scope, no = await scope_of_part(
        context.database, access, request.annotation_id, Kind.ANNOTATION
    )
    await recorder.check_room(scope, "removals.size_of_numbers", [no])
    locks = await version_locks(context, request.annotation_id, Kind.ANNOTATION)
    async with context.database.transaction(*locks) as tx:
        scope, no = await scope_of_part(
            tx, access, request.annotation_id, Kind.ANNOTATION, change=True
        )
        before = (await touch(tx, scope)).annotation
        rows = await _rows(
            tx, scope, _Batch("single_annotations.range_of_numbers", [no], None), before, 1
        )
        if not rows:
            raise missing(Kind.ANNOTATION, request.annotation_id)
        await claim_for_edit(tx, access, scope, rows[0][0])
        await _drop_rows(tx, scope, rows, before, recorder)


async def _refuse_tasks(
    tx: Transaction, scope: VersionScope, assets: list[int] | None, numbers: list[int] | None
) -> None:
    if scope.campaign is None or numbers is None:
        await check_without_tasks(tx, scope, assets)
        return
    for start in range(0, len(numbers), RANGE):
        rows = await tx.fetch(
            "assignments.of_annotations",
            bucket=scope.bucket,
            version=scope.no,
            keys=json_text(numbers[start : start + RANGE]),
        )
        await check_without_tasks(tx, scope, [asset for (asset,) in rows])


async def _delete_all(
    context: Context,
    access: Access,
    version_id: UUID,
    before: int,
    accounts: frozenset[int] | None,
    recorder: RemovalRecorder,
) -> None:
    """Delete all annotations of a version, or only those of some accounts.

    Asset by asset, as their rows lie on the disk: neighbours share the marks of labels that each transaction rewrites. It
    takes whole blocks where it can, so that each mark is rewritten once.
    """
    asset = no = 0
    while True:
        locks = await version_locks(context, version_id)
        limit = _range(recorder)
        async with context.database.transaction(*locks) as tx:
            scope = await version_scope(tx, access, version_id, change=True)
            rows = await tx.fetch(
                "single_annotations.range",
                bucket=scope.bucket,
                version=scope.no,
                asset=asset,
                no=no,
                before=before,
                limit=limit,
            )
            if not rows:
                return
            if len(rows) == limit:
                rows = _whole_blocks(rows)
            change = await touch(tx, scope)
            if accounts is None:
                await _record(tx, scope, rows, change.annotation, recorder)
                await _drop_range(tx, scope, rows, after=(asset, no), before=before)
            else:
                wanted = [row for row in rows if row[4] in accounts]
                await _drop_rows(tx, scope, wanted, change.annotation, recorder)
            asset, no, *_ = rows[-1]
        fold_if_due(context, scope, change)


def _range(recorder: RemovalRecorder) -> int:
    return min(RANGE, RECORDED_RANGE) if recorder.saves else RANGE


def _whole_blocks(rows: list[Row]) -> list[Row]:
    """Return the rows without those of the last block of assets, which may go on after them; all if they are of one block."""
    end = rows[-1][0] // BLOCK * BLOCK
    return [row for row in rows if row[0] < end] or rows


class _Batch(NamedTuple):
    """Keys for one transaction; ``accounts`` limits the deletion to their annotations, None means all."""

    statement: str
    keys: Sequence[int]
    accounts: frozenset[int] | None


async def _delete_batch(
    context: Context,
    access: Access,
    version_id: UUID,
    batch: _Batch,
    before: int,
    assets: frozenset[int] | None,
    recorder: RemovalRecorder,
) -> None:
    while True:
        locks = await version_locks(context, version_id)
        async with context.database.transaction(*locks) as tx:
            scope = await version_scope(tx, access, version_id, change=True)
            limit = _range(recorder)
            rows = await _rows(tx, scope, batch, before, limit)
            full = len(rows) == limit
            wanted = rows if assets is None else [row for row in rows if row[0] in assets]
            if not wanted:
                return
            change = await touch(tx, scope)
            await _drop_rows(tx, scope, wanted, change.annotation, recorder)
        fold_if_due(context, scope, change)
        if not full:
            return


async def _rows(
    tx: Transaction, scope: VersionScope, batch: _Batch, before: int, limit: int
) -> list[Row]:
    accounts = sorted(batch.accounts or ())
    parameters: dict[str, Any] = {f"f{n}": account for n, account in enumerate(accounts, start=1)}
    names = ", ".join(f":{name}" for name in parameters)
    return await tx.fetch(
        batch.statement,
        filters="" if batch.accounts is None else f" and n.account in ({names or 'null'})",
        keys=json_text(batch.keys),
        bucket=scope.bucket,
        version=scope.no,
        before=before,
        limit=limit,
        **parameters,
    )


async def _record(
    tx: Transaction,
    scope: VersionScope,
    rows: list[Row],
    horizon: int,
    recorder: RemovalRecorder,
) -> None:
    numbers, counts = [row[1] for row in rows], [row[2] for row in rows]
    await recorder.save_annotations(tx, scope, numbers, counts, horizon=horizon)


async def _drop_rows(
    tx: Transaction,
    scope: VersionScope,
    rows: list[Row],
    horizon: int,
    recorder: RemovalRecorder,
) -> None:
    await _record(tx, scope, rows, horizon, recorder)
    version = (scope.bucket, scope.no)
    await tx.insert_many("annotations.drop", [(*version, asset, no) for asset, no, *_ in rows])
    await _uncount(tx, scope, rows)


async def _drop_range(
    tx: Transaction, scope: VersionScope, rows: list[Row], *, after: tuple[int, int], before: int
) -> None:
    """Delete the annotations of ``rows``: all after an asset and number up to the last row, numbered below ``before``."""
    await tx.execute(
        "single_annotations.drop_range",
        bucket=scope.bucket,
        version=scope.no,
        asset=after[0],
        no=after[1],
        last_asset=rows[-1][0],
        last_no=rows[-1][1],
        before=before,
    )
    await _uncount(tx, scope, rows)


async def _uncount(tx: Transaction, scope: VersionScope, rows: list[Row]) -> None:
    """Delete what deleted annotations held, and update the counters and marks."""
    await drop_contents(tx, scope, [row[3] for row in rows])
    delta = CounterDelta()
    for row in rows:
        delta.remove(unpack_counts(row[2]), row[0])
    await delta.write(tx, scope.bucket, scope.no)


async def _accounts(
    tx: Transaction, access: Access, worker_ids: list[UUID] | None
) -> frozenset[int] | None:
    if worker_ids is None:
        return None
    return frozenset([await account_of(tx, access, each) for each in worker_ids])


def _assets(scope: VersionScope, texts: list[str]) -> list[int] | None:
    if ALL_ASSETS in texts:
        return None
    ids = []
    for text in texts:
        try:
            ids.append(UUID(text))
        except ValueError:
            raise BadRequestError(
                f"{text!r} is not the id of an asset", hint=f"give ids, or only {ALL_ASSETS!r}"
            ) from None
    return asset_seqs(scope, ids)
