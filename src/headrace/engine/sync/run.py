"""Synchronize a folder and a version: read both, plan, and transfer the differences."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import UUID, uuid4

import anyio
from msgspec.structs import replace

from headrace.backend.base import Backend
from headrace.engine.download.names import NamedFile, name_pages
from headrace.engine.download.pull import pull_files
from headrace.engine.paging import CursorListing, KeyListing, batched
from headrace.engine.sync.losses import DeleteLimit, count_shapes, find_refusal
from headrace.engine.sync.plan import Action, Decision, RemoteFile, Side, SyncOptions, decide
from headrace.engine.sync.report import SyncReport, SyncStep
from headrace.engine.sync.state import (
    LocalFile,
    SyncedFile,
    SyncState,
    delete_unchanged,
    is_unchanged,
    read_state,
    scan,
    settle_state,
    stat_file,
    write_state,
)
from headrace.engine.undo.foreign.save import save_removal
from headrace.engine.undo.remove import check_room, removal_fields
from headrace.engine.undo.run import list_removals
from headrace.engine.upload.file import UploadFile, is_media, measure
from headrace.engine.upload.reuse import find_in_lake
from headrace.engine.upload.run import upload_batch
from headrace.engine.upload.target import UploadTarget
from headrace.engine.versions.jobs import add_data, wait_for
from headrace.errors import DeleteLimitError, NotFoundError, PartialTransferError
from headrace.folders.lakes import check_no_lake
from headrace.model.names import STATE_FOLDER, with_id
from headrace.model.records import DatalakeRecord, DataRecord
from headrace.protocol.operations.annotating import LIST_ASSET_ANNOTATIONS
from headrace.protocol.operations.assets import (
    DELETE_ASSETS,
    LIST_ASSETS,
    LIST_ASSETS_BY_KEY,
    AssetId,
    DeleteAssets,
    ListAssets,
    ListAssetsByKey,
)
from headrace.protocol.operations.listing import IDS_PER_CALL
from headrace.tasks import map_bounded
from headrace.threads import in_thread
from headrace.transfer.progress import OnProgress, Progress
from headrace.transfer.report import MAX_FAILURES, MAX_NAMES, TransferReport
from headrace.transfer.state.folder_lock import FileLock, wait_for_lock
from headrace.transfer.state.workspace import SYNC_LOCK

BATCH_FILES = 1_000
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
        max_workers: Number of concurrent transfers. Default: the backend's limit.
        progress: Called with a progress event from time to time.

    Returns:
        What was done with each file that differs; nothing if ``confirm`` returned False, as after a dry run.

    Raises:
        NotADirectoryError: ``folder`` is not a directory.
        LakeError: The folder is a lake, contains one, or lies in one.
        DeleteLimitError: Too much would be deleted. Nothing was changed.
        RemovalNotRecordedError: With ``options.undo``, assets would leave that cannot be recorded. Nothing was changed.
        PartialTransferError: Some files failed. The others are done; the same call again continues.
    """
    await in_thread(_check_folder, folder)
    target = UploadTarget(organization_id=organization_id, lake=lake, tag_ids=[])
    async with _alone(folder, writes=not dry_run):
        state = await read_state(folder, version_id)
        run = _Synchronizer(backend, target, folder, state, max_workers, progress)
        await run.read_both_sides()
        report = await run.plan(options, limit)
        if dry_run or not await _is_allowed(report, confirm):
            report.dry_run = True
            return report
        if options.undo:
            await run.check_undo(report)
        await run.execute(report, undo=options.undo)
        report.removal = await run.removal(organization_id)
        report.transfer.check("synchronized")
        if not await in_thread(settle_state, folder):
            report.transfer.notes.append(_NO_STATE)
    return report


def _check_folder(folder: Path) -> None:
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


class _Synchronizer:
    """One synchronization. Holds the files of both sides by name."""

    def __init__(
        self,
        backend: Backend,
        target: UploadTarget,
        folder: Path,
        state: SyncState,
        max_workers: int | None,
        progress: OnProgress | None,
    ) -> None:
        self._backend = backend
        self._target = target
        self._folder = folder
        self._state = state
        self._workers = max_workers
        self._progress = progress
        self._removal = uuid4()
        self._removed = 0
        self._undo = True
        self._remote: dict[str, NamedFile] = {}
        self._local: dict[str, LocalFile] = {}

    # --- plan ---------------------------------------------------------------------------------------------

    async def read_both_sides(self) -> None:
        """List the files of the version and scan the folder."""
        self._remote = await self._list_version()
        sizes = {name: one.data.size for name, one in self._remote.items()}
        found = await in_thread(scan, self._folder, self._state, sizes)
        self._local = {
            name: file
            for name, file in found.items()
            if name in sizes or name in self._state.files or is_media(name)
        }

    async def plan(self, options: SyncOptions, limit: DeleteLimit) -> SyncReport:
        """Decide what to do with every file, and count what would be lost; equal files are entered in the state."""
        report = SyncReport()
        for name in sorted(self._local.keys() | self._remote.keys() | self._state.files.keys()):
            entry = self._state.files.get(name)
            local, remote = self._local.get(name), self._remote.get(name)
            decision = decide(
                None if entry is None else entry.base,
                None if local is None else local.sha256,
                None if remote is None else RemoteFile(_content(remote.data), remote.data.sha256),
                options,
            )
            if decision.action is Action.REPLACE and remote and options.prefer is not Side.LOCAL:
                decision = await self._unless_annotated(remote, decision)
            if decision.action is Action.SAME and local and remote:
                report.same += 1
                self._enter(name, remote.id, remote.data, local)
            elif decision.action is Action.GONE:
                self._state.files.pop(name, None)
            else:
                report.steps.append(SyncStep(name, decision.action, decision.why))
        await self._count_shapes(report, options)
        refusal = find_refusal(report, limit, assets=len(self._remote), files=len(self._local))
        if refusal is not None:
            report.refusal, report.cure = refusal.why, refusal.hint
        return report

    async def _count_shapes(self, report: SyncReport, options: SyncOptions) -> None:
        """Add to each step the number of shapes that the version loses."""
        actions = [Action.DELETE_REMOTE]
        if options.prefer is Side.LOCAL:
            actions.append(Action.REPLACE)  # of others the assets have none
        names = [step.name for step in report.of(*actions) if step.name in self._remote]
        lost = {name: self._remote[name].id for name in names}
        shapes = await count_shapes(self._backend, self._state.version, [*lost.values()])
        report.steps = [
            replace(step, shapes=shapes.get(lost[step.name], 0)) if step.name in lost else step
            for step in report.steps
        ]

    async def _unless_annotated(self, remote: NamedFile, decision: Decision) -> Decision:
        request = AssetId(asset_id=remote.id)
        if (await self._backend.call(LIST_ASSET_ANNOTATIONS, request)).items:
            return Decision(
                Action.CONFLICT,
                "changed in the folder; its annotations in the version would be lost",
            )
        return decision

    async def _list_version(self) -> dict[str, NamedFile]:
        """Return the version's files by the names that they have in the folder, or would get."""
        names = {entry.asset: name for name, entry in self._state.files.items()}
        retired = set(self._state.retired)
        listing = ListAssets(version_id=self._state.version)
        listed = CursorListing(self._backend, LIST_ASSETS, listing)
        found: dict[str, NamedFile] = {}
        new: list[NamedFile] = []
        async for page in name_pages(self._backend, listing.version_id, listed, use_id=False):
            for file in page:
                if file.id in names:
                    name = names[file.id]
                    found[name] = NamedFile(id=file.id, data=file.data, name=name)
                elif file.id not in retired:
                    new.append(file)
        for file in new:
            name = file.name if file.name not in found else with_id(file.name, file.id)
            found[name] = NamedFile(id=file.id, data=file.data, name=name)
        return found

    # --- execute ------------------------------------------------------------------------------------------

    async def check_undo(self, report: SyncReport) -> None:
        """Raise RemovalNotRecordedError unless all assets that leave the version can be recorded."""
        names = [step.name for step in report.of(Action.DELETE_REMOTE, Action.REPLACE)]
        ids = [self._remote[name].id for name in names if name in self._remote]
        ids += self._state.retired
        if not self._backend.limits.extensions:
            await save_removal(
                self._backend,
                self._state.version,
                "assets",
                ids,
                removed=True,
                removal_id=self._removal,
            )
        elif ids:
            await check_room(self._backend, self._state.version, ids)

    async def removal(self, organization_id: UUID) -> UUID | None:
        """Return the id of the removal that brings back what left the version."""
        if not self._removed:
            return None
        found = await list_removals(self._backend, organization_id, removal=self._removal)
        return found[0].id if found else None

    async def execute(self, report: SyncReport, *, undo: bool) -> None:
        """Transfer and delete the files of a plan; the state is saved after each stage."""
        self._undo = undo
        await self._delete_retired()
        await self._download([step.name for step in report.of(Action.DOWNLOAD)], report.transfer)
        uploads = [step.name for step in report.of(Action.UPLOAD, Action.REPLACE)]
        await self._upload(uploads, report.transfer)
        deleted = [step.name for step in report.of(Action.DELETE_REMOTE)]
        await self._delete_assets([self._remote[name].id for name in deleted])
        for name in deleted:
            del self._state.files[name]
        for step in report.of(Action.DELETE_LOCAL):
            known = self._local[step.name]
            if await in_thread(delete_unchanged, self._folder, step.name, known):
                self._state.files.pop(step.name, None)
        await self._save()

    async def _download(self, names: Sequence[str], transfer: TransferReport) -> None:
        if not names:
            return
        old = [name for name in names if name in self._local]
        changed = await in_thread(self._changed, old)
        for name in changed:
            transfer.keep(name)
        await self._fetch([name for name in names if name not in self._local], transfer)
        await self._fetch([name for name in old if name not in changed], transfer, replace=True)
        await self._save()

    def _changed(self, names: Sequence[str]) -> set[str]:
        """Return the files that have changed since the folder was scanned. Blocks."""
        local, folder = self._local, self._folder
        return {name for name in names if not is_unchanged(folder, name, local[name])}

    async def _fetch(
        self, names: Sequence[str], transfer: TransferReport, *, replace: bool = False
    ) -> None:
        if not names:
            return
        files = [self._remote[name] for name in names]
        try:
            moved = await pull_files(
                self._backend,
                files,
                self._folder,
                force_replace=replace,
                max_workers=self._workers,
                progress=self._progress,
            )
        except PartialTransferError as error:
            moved = error.report
        _add_up(transfer, moved)
        if moved.failed > len(moved.failures) or moved.kept > len(moved.kept_files):
            return  # not all of them are listed: the next run looks at the files
        missing = {failure.name for failure in moved.failures} | {*moved.kept_files}
        for one in files:
            if one.name not in missing:
                path = self._folder / one.name
                file = await in_thread(stat_file, path, one.data.sha256)
                self._enter(one.name, one.id, one.data, file)

    async def _upload(self, names: Sequence[str], transfer: TransferReport) -> None:
        if not names:
            return
        with Progress("push", "files", self._progress, total=len(names)) as counting:
            for batch in batched(names, BATCH_FILES):
                files = [UploadFile(path=self._folder / name, filename=name) for name in batch]
                await in_thread(measure, files)
                have = await find_in_lake(self._backend, self._target.lake.id, files)
                missing = [file for file in files if str(file.path) not in have]
                counting.add(len(have))
                transfer.skipped += len(have)
                uploaded = await upload_batch(
                    self._backend,
                    self._target,
                    missing,
                    transfer,
                    counting,
                    max_workers=self._workers,
                )
                in_lake = {file.filename: have.get(str(file.path)) for file in files}
                in_lake |= {
                    file.filename: data for file, data in zip(missing, uploaded, strict=True)
                }
                await self._add_assets({name: data for name, data in in_lake.items() if data})
        transfer.seconds += counting.seconds

    async def _add_assets(self, files: dict[str, DataRecord]) -> None:
        """Add data to the version and replace the assets that had these names."""
        ids = list({data.id: None for data in files.values()})
        for job in await add_data(self._backend, self._state.version, ids):
            await wait_for(self._backend, job)
        query = ListAssetsByKey(version_id=self._state.version)
        listed = KeyListing(self._backend, LIST_ASSETS_BY_KEY, query, "data_ids", ids)
        assets = {asset.data.id: asset async for page in listed.pages() for asset in page}
        for name, data in files.items():
            asset, old = assets[data.id], self._remote.get(name)
            if old is not None and old.id != asset.id:
                self._state.retired.append(old.id)
            file = await in_thread(stat_file, self._folder / name, data.sha256)
            self._enter(name, asset.id, asset.data, file)
        # Saved before they are deleted: after a crash in between, the next run deletes them.
        await self._save()
        await self._delete_retired()

    async def _delete_retired(self) -> None:
        if self._state.retired:
            await self._delete_assets(self._state.retired)
            self._state.retired = []
            await self._save()

    async def _delete_assets(self, ids: Sequence[UUID]) -> None:
        async def delete(piece: list[UUID]) -> None:
            try:
                fields = removal_fields(self._backend, self._undo, self._removal)
                request = DeleteAssets(version_id=self._state.version, ids=piece, **fields)
                await self._backend.call(DELETE_ASSETS, request)
            except NotFoundError:
                # Another client deleted some of them; the error does not say which.
                if len(piece) > 1:
                    for each in piece:
                        await delete([each])

        self._removed += len(ids)
        listed = list(batched(ids, IDS_PER_CALL))
        await map_bounded(delete, listed, concurrency=self._backend.limits.concurrency)

    def _enter(self, name: str, asset: UUID, data: DataRecord, file: LocalFile) -> None:
        self._state.files[name] = SyncedFile(
            asset, file.sha256 or data.sha256 or "", _content(data), file.size, file.changed
        )

    async def _save(self) -> None:
        await in_thread(write_state, self._folder, self._state)


def _content(data: DataRecord) -> str:
    """Return a text that identifies the content of a file."""
    return data.sha256 or str(data.id)


def _add_up(into: TransferReport, other: TransferReport) -> None:
    into.moved += other.moved
    into.skipped += other.skipped
    into.failed += other.failed
    into.kept += other.kept
    into.bytes += other.bytes
    into.seconds += other.seconds
    into.failures += other.failures[: MAX_FAILURES - len(into.failures)]
    into.kept_files += other.kept_files[: MAX_NAMES - len(into.kept_files)]
    into.renamed |= other.renamed
    into.notes += other.notes
