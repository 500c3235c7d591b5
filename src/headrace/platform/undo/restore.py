"""Put back the assets and annotations of a removal, frame by frame, each in one transaction.

A frame that was put back before finds its rows present and changes nothing, so an undo that was killed is run again.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from uuid import UUID

from headrace.errors import ConflictError
from headrace.model.blob.counts import unpack_counts
from headrace.model.enums import JobStatus
from headrace.model.ids import MAX_SEQ, Kind, encode
from headrace.model.records import UndoConflict, UndoRecord
from headrace.platform.campaigns.sync import add_new_assets
from headrace.platform.context import Context
from headrace.platform.core.access import Access
from headrace.platform.core.counters import CounterDelta
from headrace.platform.core.identifiers import key_of
from headrace.platform.core.listing import json_text
from headrace.platform.core.locking import locks_of_version
from headrace.platform.core.scopes import (
    VersionScope,
    check_unlocked,
    touch,
    version_from_row,
)
from headrace.platform.core.shape_storage import drop_contents, store_blobs
from headrace.platform.jobs.maintenance import fold_if_due
from headrace.platform.jobs.records import JOB, end_job, job_of
from headrace.platform.removals.frames import (
    Frame,
    Replacement,
    SavedAnnotation,
    digest_of,
)
from headrace.platform.removals.kinds import RemovalKind
from headrace.platform.removals.parts import last_frame
from headrace.platform.removals.recorder import RemovalChoice, RemovalRecorder
from headrace.platform.removals.rows import Removal
from headrace.platform.undo.plan import FramePlan, plan_frame
from headrace.platform.versions.copy_rows import relabel_blobs, relabel_counts
from headrace.protocol.operations.undo import UndoRemoval
from headrace.storage.database.base import Statements, Transaction
from headrace.storage.database.locks import Lock
from headrace.threads import in_thread

SECONDS = 1.0
"""How long one call puts frames back; the next call continues."""

CONFLICTS = 100
"""Maximum number of conflicts that one call lists; all are counted."""


async def restore_content(
    context: Context, access: Access, removal: Removal, request: UndoRemoval
) -> UndoRecord:
    """Put back the next frames of a removal.

    Raises:
        ConflictError: The version was deleted.
        LockedError: The version is locked.
        RemovalNotRecordedError: What gives way cannot be recorded.
    """
    scope = await _scope(context.database, access, removal)
    restorer = _Restorer(context, access, removal, request)
    if request.cursor is None and not request.dry_run:
        await _end_import(context, access, removal)
    # The newest first: what one call removed, an earlier one may have written.
    end = removal.bytes if request.cursor is None else request.cursor
    until = time.monotonic() + SECONDS
    while True:
        found = await last_frame(context, removal.no, end)
        if found is None:
            break
        frame, end = found
        await restorer.restore(frame)
        if time.monotonic() > until:
            return await restorer.record(scope, end)
    if not request.dry_run:
        await context.database.execute("removals.mark_undone", no=removal.no, now=context.clock())
    return await restorer.record(scope, None)


class _Restorer:
    """Puts frames back for one call, and counts."""

    def __init__(
        self, context: Context, access: Access, removal: Removal, request: UndoRemoval
    ) -> None:
        self._context = context
        self._access = access
        self._removal = removal
        self._request = request
        choice = RemovalChoice(request.undo is not False, source=removal.no)
        self._recorder = RemovalRecorder(context, access, RemovalKind.UNDO, choice)
        self._assets = self._annotations = self._shapes = self._present = self._replaced = 0
        self._conflicts: list[UndoConflict] = []
        self._notes: dict[str, None] = {}

    async def restore(self, frame: Frame) -> None:
        """Put one frame back, or only count it in a dry run."""
        database = self._context.database
        if self._request.dry_run:
            scope = await _scope(database, self._access, self._removal)
            self._count(await plan_frame(database, self._access, scope, frame))
            return
        version = self._removal.version
        locks = () if version is None else await locks_of_version(self._context, version)
        async with database.transaction(*locks) as tx:
            scope = await _scope(tx, self._access, self._removal)
            plan = await plan_frame(tx, self._access, scope, frame)
            if plan.is_empty:
                self._count(plan)
                return
            change = await touch(tx, scope)
            await self._apply(tx, scope, plan, change.annotation)
        self._count(plan)
        fold_if_due(self._context, scope, change)

    async def record(self, scope: VersionScope, cursor: int | None) -> UndoRecord:
        """Return what this call did."""
        row = await self._context.database.fetch_one(
            "removals.of_source",
            version=scope.no,
            organization=self._access.organization,
            source=self._removal.no,
        )
        return UndoRecord(
            version=scope.full_name,
            assets=self._assets,
            annotations=self._annotations,
            shapes=self._shapes,
            present=self._present,
            replaced=self._replaced,
            removal_id=None if row is None else encode(Kind.REMOVAL, row[2], 0, row[0]),
            conflicts=self._conflicts[:CONFLICTS],
            conflict_count=len(self._conflicts),
            notes=list(self._notes),
            cursor=cursor,
        )

    def _count(self, plan: FramePlan) -> None:
        self._assets += len(plan.assets)
        self._annotations += len(plan.annotations)
        self._shapes += sum(sum(unpack_counts(each.counts).values()) for each in plan.annotations)
        self._present += plan.present
        self._replaced += len(plan.gives_way)
        self._conflicts += plan.conflicts
        self._notes |= plan.notes

    async def _apply(
        self, tx: Transaction, scope: VersionScope, plan: FramePlan, horizon: int
    ) -> None:
        version = (scope.bucket, scope.no)
        delta = CounterDelta(assets=len(plan.assets))
        annotations = await in_thread(_relabelled, plan)
        await self._give_way(tx, scope, plan.gives_way, annotations, horizon, delta)
        await tx.insert_many(
            "assets.add",
            [(*version, a.seq, a.lake_bucket, a.data, a.filename) for a in plan.assets],
        )
        await tx.insert_many("assets.add_tag", [(*version, *pair) for pair in plan.tags])
        stored = await store_blobs(
            self._context.database, tx, scope, [each.blob for each in annotations]
        )
        await tx.insert_many(
            "copy.add_annotation",
            [
                (
                    *version,
                    each.asset,
                    each.no,
                    each.account,
                    each.status,
                    each.created,
                    each.duration,
                    each.shapes_n,
                    each.counts,
                    *blob,
                    each.attributes,
                )
                for each, blob in zip(annotations, stored, strict=True)
            ],
        )
        for each in annotations:
            delta.add(unpack_counts(each.counts), each.asset)
        await delta.write(tx, *version)
        seqs = [asset.seq for asset in plan.assets]
        await add_new_assets(tx, self._access.organization, scope.campaign, seqs)

    async def _give_way(
        self,
        tx: Transaction,
        scope: VersionScope,
        numbers: Sequence[int],
        restored: Sequence[SavedAnnotation],
        horizon: int,
        delta: CounterDelta,
    ) -> None:
        """Remove the replacements of what comes back, and record them, so that the undo can be undone."""
        if not numbers:
            return
        await self._recorder.check_room(scope, "removals.size_of_numbers", numbers)
        rows = await tx.fetch(
            "single_annotations.range_of_numbers",
            keys=json_text(numbers),
            bucket=scope.bucket,
            version=scope.no,
            before=MAX_SEQ + 1,
            limit=len(numbers),
        )
        replacements = [Replacement(each.asset, each.no, _digest(each)) for each in restored]
        await self._recorder.save_annotations(
            tx,
            scope,
            [row[1] for row in rows],
            [row[2] for row in rows],
            horizon=horizon,
            replacements=replacements,
        )
        await tx.insert_many(
            "annotations.drop", [(scope.bucket, scope.no, asset, no) for asset, no, *_ in rows]
        )
        await drop_contents(tx, scope, [row[3] for row in rows])
        for row in rows:
            delta.remove(unpack_counts(row[2]), row[0])


def _relabelled(plan: FramePlan) -> list[SavedAnnotation]:
    """Return the annotations of a plan with the current keys of their labels."""
    moved = {old for old, new in plan.labels.items() if old != new}
    if not moved:
        return plan.annotations
    found = []
    for each in plan.annotations:
        if moved & unpack_counts(each.counts).keys():
            (each.blob,) = relabel_blobs([each.blob], plan.labels)
            each.counts = relabel_counts(each.counts, plan.labels)
        found.append(each)
    return found


def _digest(each: SavedAnnotation) -> bytes:
    return digest_of(
        each.account, each.status, each.duration, each.counts, each.blob, each.attributes
    )


async def _scope(statements: Statements, access: Access, removal: Removal) -> VersionScope:
    row = await statements.fetch_one(
        "versions.by_no", no=removal.version, organization=access.organization
    )
    if row is None:
        raise ConflictError(
            f"version {removal.name} was deleted", hint="undo its deletion first, if it is listed"
        )
    return check_unlocked(version_from_row(row))


async def _end_import(context: Context, access: Access, removal: Removal) -> None:
    """End the import whose annotations are taken back, so that importing the file again starts from its beginning."""
    if removal.kind != RemovalKind.IMPORT or removal.key is None:
        return
    import_id = UUID(removal.key)
    lock = Lock.job(key_of(import_id, Kind.JOB).number)
    async with context.database.transaction(lock) as tx:
        job = await job_of(tx, access, import_id, JOB)
        if job.state == JobStatus.RUNNING:
            await end_job(tx, job.no, JobStatus.TERMINATED, context.clock())
