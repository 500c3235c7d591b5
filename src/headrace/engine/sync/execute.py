"""Execute the plan of a synchronization: transfer what differs, and delete what is to go."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID, uuid4

from headrace.engine.download.pull import pull_files
from headrace.engine.paging import KeyListing, batched
from headrace.engine.sync.plan import Action
from headrace.engine.sync.report import SyncReport
from headrace.engine.sync.sides import Sides
from headrace.engine.sync.state import delete_unchanged, is_unchanged, stat_file
from headrace.engine.undo.foreign.save import save_removal
from headrace.engine.undo.remove import check_room, removal_fields
from headrace.engine.undo.run import list_removals
from headrace.engine.upload.file import UploadFile, measure
from headrace.engine.upload.reuse import find_in_lake
from headrace.engine.upload.run import upload_batch
from headrace.engine.upload.target import UploadTarget
from headrace.engine.versions.jobs import add_data, wait_for
from headrace.errors import NotFoundError, PartialTransferError
from headrace.model.records import DataRecord
from headrace.protocol.operations.assets import (
    DELETE_ASSETS,
    LIST_ASSETS_BY_KEY,
    DeleteAssets,
    ListAssetsByKey,
)
from headrace.protocol.operations.listing import IDS_PER_CALL
from headrace.tasks import map_bounded
from headrace.threads import in_thread
from headrace.transfer.progress import OnProgress, Progress
from headrace.transfer.report import MAX_FAILURES, MAX_NAMES, TransferReport

BATCH_FILES = 1_000


class Execution:
    """The execution of one plan; with ``undo``, what leaves the version is recorded."""

    def __init__(
        self,
        sides: Sides,
        target: UploadTarget,
        *,
        undo: bool,
        max_workers: int | None = None,
        progress: OnProgress | None = None,
    ) -> None:
        self._backend = sides.backend
        self._folder = sides.folder
        self._state = sides.state
        self._sides = sides
        self._target = target
        self._undo = undo
        self._workers = max_workers
        self._progress = progress
        self._removal = uuid4()
        self._removed = 0

    async def check_undo(self, report: SyncReport) -> None:
        """Raise RemovalNotRecordedError unless all assets that leave the version can be recorded."""
        names = [step.name for step in report.of(Action.DELETE_REMOTE, Action.REPLACE)]
        ids = [self._sides.remote[name].id for name in names if name in self._sides.remote]
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

    async def run(self, report: SyncReport) -> None:
        """Transfer and delete the files of a plan; the state is saved after each stage."""
        await self._delete_retired()
        await self._download([step.name for step in report.of(Action.DOWNLOAD)], report.transfer)
        uploads = [step.name for step in report.of(Action.UPLOAD, Action.REPLACE)]
        await self._upload(uploads, report.transfer)
        deleted = [step.name for step in report.of(Action.DELETE_REMOTE)]
        await self._delete_assets([self._sides.remote[name].id for name in deleted])
        for name in deleted:
            del self._state.files[name]
        for step in report.of(Action.DELETE_LOCAL):
            known = self._sides.local[step.name]
            if await in_thread(delete_unchanged, self._folder, step.name, known):
                self._state.files.pop(step.name, None)
        await self._sides.save()

    async def _download(self, names: Sequence[str], transfer: TransferReport) -> None:
        if not names:
            return
        old = [name for name in names if name in self._sides.local]
        changed = await in_thread(self._changed, old)
        for name in changed:
            transfer.keep(name)
        await self._fetch([name for name in names if name not in self._sides.local], transfer)
        await self._fetch([name for name in old if name not in changed], transfer, replace=True)
        await self._sides.save()

    def _changed(self, names: Sequence[str]) -> set[str]:
        """Return the files that have changed since the folder was scanned. Blocks."""
        local, folder = self._sides.local, self._folder
        return {name for name in names if not is_unchanged(folder, name, local[name])}

    async def _fetch(
        self, names: Sequence[str], transfer: TransferReport, *, replace: bool = False
    ) -> None:
        if not names:
            return
        files = [self._sides.remote[name] for name in names]
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
                self._sides.enter(one.name, one.id, one.data, file)

    async def _upload(self, names: Sequence[str], transfer: TransferReport) -> None:
        if not names:
            return
        with Progress("push", "files", self._progress, total=len(names), phase="move") as counting:
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
            asset, old = assets[data.id], self._sides.remote.get(name)
            if old is not None and old.id != asset.id:
                self._state.retired.append(old.id)
            file = await in_thread(stat_file, self._folder / name, data.sha256)
            self._sides.enter(name, asset.id, asset.data, file)
        # Saved before they are deleted: after a crash in between, the next run deletes them.
        await self._sides.save()
        await self._delete_retired()

    async def _delete_retired(self) -> None:
        if self._state.retired:
            await self._delete_assets(self._state.retired)
            self._state.retired = []
            await self._sides.save()

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
