"""Synchronizing a folder and a version: look at both, plan, and move what differs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

from msgspec import Struct, field

from headrace.backend.base import Backend
from headrace.engine.download.names import NamedFile, name_pages
from headrace.engine.download.pull import pull_files
from headrace.engine.paging import CursorListing, KeyListing, batched
from headrace.engine.sync.plan import Action, Decision, RemoteFile, Side, SyncOptions, decide
from headrace.engine.sync.state import (
    LocalFile,
    SyncedFile,
    SyncState,
    delete_unchanged,
    read_state,
    scan,
    stat_file,
    write_state,
)
from headrace.engine.upload.file import UploadFile, content_type, measure
from headrace.engine.upload.reuse import known
from headrace.engine.upload.run import upload_batch
from headrace.engine.upload.target import UploadTarget
from headrace.engine.versions.jobs import add_data, wait_for
from headrace.errors import NotFoundError, PartialTransferError
from headrace.model.names import with_id
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
from headrace.transfer.report import MAX_FAILURES, TransferReport

BATCH = 1_000


class SyncStep(Struct, frozen=True):
    """What is done about a file, ``why`` where nothing is."""

    name: str
    action: Action
    why: str = ""


class SyncReport(Struct, kw_only=True):
    """What is done, or would be (``dry_run``): a step for each file that is not the ``same`` on both sides already.

    ``transfer`` tells of the files that were moved.
    """

    steps: list[SyncStep] = field(default_factory=list)
    same: int = 0
    dry_run: bool = False
    transfer: TransferReport = field(default_factory=TransferReport)

    def of(self, *actions: Action) -> list[SyncStep]:
        """The steps of some kinds."""
        return [step for step in self.steps if step.action in actions]

    @property
    def conflicts(self) -> list[SyncStep]:
        """What both sides changed: neither was touched."""
        return self.of(Action.CONFLICT)


async def synchronize(
    backend: Backend,
    organization_id: UUID,
    lake: DatalakeRecord,
    version_id: UUID,
    folder: Path,
    wish: SyncOptions,
    *,
    dry_run: bool = False,
    max_workers: int | None = None,
    progress: OnProgress | None = None,
) -> SyncReport:
    """Make a folder and a version hold the same files, as far as ``wish`` goes.

    Raises NotADirectoryError where there is no such folder, PartialTransferError where files could not be moved; the
    rest is done, and the same call goes on.
    """
    target = UploadTarget(organization_id=organization_id, lake=lake, tag_ids=[])
    state = await in_thread(read_state, folder, version_id)
    run = _Synchronizer(backend, target, folder, state, max_workers, progress)
    await run.look()
    report = await run.plan(wish)
    report.dry_run = dry_run
    if not dry_run:
        await run.carry_out(report)
        report.transfer.check("synchronized")
    return report


class _Synchronizer:
    """One run. The files of both sides are held by name."""

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
        self._remote: dict[str, NamedFile] = {}
        self._local: dict[str, LocalFile] = {}

    # --- looking and planning -----------------------------------------------------------------------------

    async def look(self) -> None:
        """Learn what there is on both sides."""
        self._remote = await self._version()
        sizes = {name: one.data.size for name, one in self._remote.items()}
        found = await in_thread(scan, self._folder, self._state, sizes)
        self._local = {
            name: file
            for name, file in found.items()
            if name in sizes or name in self._state.files or _is_media(name)
        }

    async def plan(self, wish: SyncOptions) -> SyncReport:
        """Decide about every file; the state learns what is the same already."""
        report = SyncReport()
        for name in sorted(self._local.keys() | self._remote.keys() | self._state.files.keys()):
            entry = self._state.files.get(name)
            file, one = self._local.get(name), self._remote.get(name)
            verdict = decide(
                None if entry is None else entry.base,
                None if file is None else file.sha256,
                None if one is None else RemoteFile(_content(one.data), one.data.sha256),
                wish,
            )
            if verdict.action is Action.REPLACE and one and wish.prefer is not Side.LOCAL:
                verdict = await self._unless_annotated(one, verdict)
            if verdict.action is Action.SAME and file and one:
                report.same += 1
                self._enter(name, one.id, one.data, file)
            elif verdict.action is Action.GONE:
                self._state.files.pop(name, None)
            else:
                report.steps.append(SyncStep(name, verdict.action, verdict.why))
        return report

    async def _unless_annotated(self, one: NamedFile, verdict: Decision) -> Decision:
        request = AssetId(asset_id=one.id)
        if (await self._backend.call(LIST_ASSET_ANNOTATIONS, request)).items:
            return Decision(
                Action.CONFLICT, "changed in the folder; its annotations in the version would go"
            )
        return verdict

    async def _version(self) -> dict[str, NamedFile]:
        """The version's files under the names that they have here, or would get."""
        names = {entry.asset: name for name, entry in self._state.files.items()}
        retired = set(self._state.retired)
        listing = ListAssets(version_id=self._state.version)
        listed = CursorListing(self._backend, LIST_ASSETS, listing)
        found: dict[str, NamedFile] = {}
        fresh: list[NamedFile] = []
        async for page in name_pages(self._backend, listing.version_id, listed, use_id=False):
            for one in page:
                if one.id in names:
                    name = names[one.id]
                    found[name] = NamedFile(id=one.id, data=one.data, name=name)
                elif one.id not in retired:
                    fresh.append(one)
        for one in fresh:
            name = one.name if one.name not in found else with_id(one.name, one.id)
            found[name] = NamedFile(id=one.id, data=one.data, name=name)
        return found

    # --- doing --------------------------------------------------------------------------------------------

    async def carry_out(self, report: SyncReport) -> None:
        """Move and delete; the state is kept after each kind of it."""
        await self._retire()
        await self._download([step.name for step in report.of(Action.DOWNLOAD)], report.transfer)
        uploads = [step.name for step in report.of(Action.UPLOAD, Action.REPLACE)]
        await self._upload(uploads, report.transfer)
        doomed = [step.name for step in report.of(Action.DELETE_REMOTE)]
        await self._delete_assets([self._remote[name].id for name in doomed])
        for name in doomed:
            del self._state.files[name]
        for step in report.of(Action.DELETE_LOCAL):
            known = self._local[step.name]
            if await in_thread(delete_unchanged, self._folder, step.name, known):
                self._state.files.pop(step.name, None)
        await self._keep()

    async def _download(self, names: Sequence[str], transfer: TransferReport) -> None:
        if not names:
            return
        files = [self._remote[name] for name in names]
        try:
            moved = await pull_files(
                self._backend,
                files,
                self._folder,
                max_workers=self._workers,
                progress=self._progress,
            )
        except PartialTransferError as error:
            moved = error.report
        _add_up(transfer, moved)
        failed = {failure.id for failure in moved.failures}
        if moved.failed <= len(moved.failures):
            for one in files:
                if str(one.id) not in failed:
                    path = self._folder / one.name
                    self._enter(
                        one.name,
                        one.id,
                        one.data,
                        await in_thread(stat_file, path, one.data.sha256),
                    )
        await self._keep()

    async def _upload(self, names: Sequence[str], transfer: TransferReport) -> None:
        if not names:
            return
        with Progress("push", "files", self._progress, total=len(names)) as counting:
            for batch in batched(names, BATCH):
                files = [UploadFile(path=self._folder / name, filename=name) for name in batch]
                await in_thread(measure, files)
                have = await known(self._backend, self._target.lake.id, files)
                missing = [file for file in files if str(file.path) not in have]
                counting.add(len(have))
                transfer.skipped += len(have)
                made = await upload_batch(
                    self._backend,
                    self._target,
                    missing,
                    transfer,
                    counting,
                    max_workers=self._workers,
                )
                there = {file.filename: have.get(str(file.path)) for file in files}
                there |= {file.filename: data for file, data in zip(missing, made, strict=True)}
                await self._take_in({name: data for name, data in there.items() if data})
        transfer.seconds += counting.seconds

    async def _take_in(self, files: dict[str, DataRecord]) -> None:
        """Make data assets in the place of those that the names had."""
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
        # First known, then deleted: a crash in between must not leave two assets of one name for ever.
        await self._keep()
        await self._retire()

    async def _retire(self) -> None:
        if self._state.retired:
            await self._delete_assets(self._state.retired)
            self._state.retired = []
            await self._keep()

    async def _delete_assets(self, ids: Sequence[UUID]) -> None:
        async def delete(piece: list[UUID]) -> None:
            try:
                request = DeleteAssets(version_id=self._state.version, ids=piece)
                await self._backend.call(DELETE_ASSETS, request)
            except NotFoundError:
                # Some were taken out by somebody else; which ones is not told.
                if len(piece) > 1:
                    for each in piece:
                        await delete([each])

        listed = list(batched(ids, IDS_PER_CALL))
        await map_bounded(delete, listed, concurrency=self._backend.limits.concurrency)

    def _enter(self, name: str, asset: UUID, data: DataRecord, file: LocalFile) -> None:
        self._state.files[name] = SyncedFile(
            asset, file.sha256 or data.sha256 or "", _content(data), file.size, file.changed
        )

    async def _keep(self) -> None:
        await in_thread(write_state, self._folder, self._state)


def _content(data: DataRecord) -> str:
    """A text that is another one where the file is."""
    return data.sha256 or str(data.id)


def _is_media(name: str) -> bool:
    return content_type(name).partition("/")[0] in ("image", "video")


def _add_up(into: TransferReport, other: TransferReport) -> None:
    into.moved += other.moved
    into.skipped += other.skipped
    into.failed += other.failed
    into.bytes += other.bytes
    into.seconds += other.seconds
    into.failures += other.failures[: MAX_FAILURES - len(into.failures)]
    into.renamed |= other.renamed
    into.notes += other.notes
