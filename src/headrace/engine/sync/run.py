"""Synchronize a folder and a version: read both, plan, and transfer the differences."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import UUID

import anyio

from headrace.backend.base import Backend
from headrace.engine.sync.execute import Execution
from headrace.engine.sync.losses import DeleteLimit
from headrace.engine.sync.plan import SyncOptions
from headrace.engine.sync.plan_file import listing_digest, read_plan, write_plan
from headrace.engine.sync.planning import make_plan, refuse
from headrace.engine.sync.report import SyncReport
from headrace.engine.sync.sides import Sides
from headrace.engine.sync.state import (
    read_state,
    settle_state,
)
from headrace.engine.upload.target import UploadTarget
from headrace.errors import DeleteLimitError, SourceNotFoundError
from headrace.folders.lakes import check_no_lake
from headrace.model.names import STATE_FOLDER
from headrace.model.records import DatalakeRecord
from headrace.threads import in_thread
from headrace.transfer.progress import OnProgress
from headrace.transfer.state.folder_lock import FileLock, wait_for_lock
from headrace.transfer.state.workspace import SYNC_LOCK

_NO_STATE = (
    "the state folder cannot be written: the state of the synchronization stays in .headrace"
)


Confirm = Callable[[SyncReport], bool | Awaitable[bool]]
"""Is asked before anything is deleted; returns whether to do what the report says."""


async def synchronize(
    backend: Backend,
    organization_id: UUID,
    lake: DatalakeRecord,
    version_id: UUID,
    folder: Path,
    options: SyncOptions,
    *,
    limit: DeleteLimit,
    confirm: Confirm | None = None,
    dry_run: bool = False,
    plan: Path | None = None,
    apply: Path | None = None,
    max_workers: int | None = None,
    progress: OnProgress | None = None,
) -> SyncReport:
    """Make a folder and a version hold the same files.

    Args:
        backend: Backend of the version.
        organization_id: Organization of the version.
        lake: Datalake for new files.
        version_id: The version.
        folder: The folder.
        options: Which side may change, whether files are deleted, and which side wins a conflict.
        limit: The most that may be deleted on each side.
        confirm: Is asked before anything is deleted.
        dry_run: Only plan.
        plan: Only plan, and write the plan to this file.
        apply: Do what the plan in this file says, with its options instead of those given.
        max_workers: Number of concurrent transfers. Default: the backend's limit.
        progress: Called with a progress event from time to time.

    Returns:
        What was done with each file that differs; nothing if ``confirm`` returned False, as after a dry run.

    Raises:
        SourceNotFoundError: ``folder`` does not exist.
        NotADirectoryError: ``folder`` is not a directory.
        LakeError: The folder is a lake, contains one, or lies in one.
        ConflictError: The folder or the version has changed since the plan to apply was made. Nothing was changed.
        DeleteLimitError: Too much would be deleted. Nothing was changed.
        RemovalNotRecordedError: With ``options.undo``, assets would leave that cannot be recorded. Nothing was changed.
        PartialTransferError: Some files failed. The others are done; the same call again continues.
    """
    await in_thread(_check_folder, folder)
    applied = None if apply is None else await in_thread(read_plan, apply)
    if applied is not None:
        options = applied.options(options)
    target = UploadTarget(organization_id=organization_id, lake=lake, tag_ids=[])
    async with _alone(folder, writes=not (dry_run or plan)):
        state = await read_state(folder, version_id)
        sides = Sides(backend, folder, state)
        await sides.read()
        # Before the plan, which enters equal files into the state.
        listing = await in_thread(listing_digest, sides) if plan or apply else ""
        if applied is not None:
            applied.check(sides, listing)
        report = await make_plan(sides, options, limit)
        if applied is not None:
            applied.select(report)
            refuse(report, sides, limit)
        if plan is not None:
            await in_thread(write_plan, plan, sides, listing, options, report)
        if plan or dry_run or not await _is_allowed(report, confirm):
            report.dry_run = True
            return report
        execution = Execution(
            sides, target, undo=options.undo, max_workers=max_workers, progress=progress
        )
        if options.undo:
            await execution.check_undo(report)
        await execution.run(report)
        report.removal = await execution.removal(organization_id)
        report.transfer.check("synchronized")
        if not await in_thread(settle_state, folder):
            report.transfer.notes.append(_NO_STATE)
    return report


def _check_folder(folder: Path) -> None:
    if not folder.exists():
        # It may be the mount point of a disk that is missing, so it is not made here.
        raise SourceNotFoundError(
            "no such folder", path=folder, hint="create it if it is meant to be new"
        )
    if not folder.is_dir():
        raise NotADirectoryError(20, "not a folder", str(folder))
    check_no_lake(folder)


@asynccontextmanager
async def _alone(folder: Path, *, writes: bool) -> AsyncIterator[None]:
    """Exclude other synchronizations of the folder, unless nothing is going to be written."""
    if not writes:
        yield
        return
    lock = FileLock(folder / STATE_FOLDER / SYNC_LOCK)
    await wait_for_lock(lock.acquire, folder, "synchronization")
    try:
        yield
    finally:
        with anyio.CancelScope(shield=True):
            await in_thread(lock.release)


async def _is_allowed(report: SyncReport, confirm: Confirm | None) -> bool:
    if report.refusal:
        raise DeleteLimitError(report.refusal, report=report, hint=report.cure)
    if confirm is None or not (report.removed_assets or report.deleted_files):
        return True
    answer = confirm(report)
    return answer if isinstance(answer, bool) else await answer
