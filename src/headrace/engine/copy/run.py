"""Copy a version from one lake, server or platform to another.

Both sides are listed into a journal first. Then the assets go through three stages at once, oldest first: their files are
fetched into a spool, sent and added to the version, and their annotations are written. At the end the target is read
once more and compared. What a run has done is in the journal, so the same call continues after a crash, and follows what
was changed at the source since.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from msgspec import Struct
from msgspec.structs import replace

from headrace.engine.copy.annotations import PIECE_ASSETS, AnnotationCopier
from headrace.engine.copy.files import FileCopier
from headrace.engine.copy.fit import Fitting
from headrace.engine.copy.journal import Journal, key_of
from headrace.engine.copy.journal_rows import Row
from headrace.engine.copy.labels import copy_labels, count_new, labels_of
from headrace.engine.copy.report import CopyReport, Losses
from headrace.engine.copy.sides import CopySide, Owners, place_of, same_place
from headrace.engine.copy.source import list_source, list_target, listing_of
from headrace.engine.copy.spool import Spool, SpooledBatch
from headrace.engine.copy.tags import copy_tags
from headrace.engine.copy.verify import source_digest, verify
from headrace.engine.copy.versions import description_of, ensure_target, find_target
from headrace.engine.copy.writers import writer_of
from headrace.engine.digest.run import check_unchanged, expect_digest
from headrace.engine.name_filter import NameFilter
from headrace.engine.paging import batched
from headrace.errors import ConfigurationError, PartialTransferError
from headrace.formats.label_map import LabelMap
from headrace.model.records import OrganizationRecord
from headrace.protocol.operations.labels import LIST_LABELS, ListLabels
from headrace.tasks import first_error, map_bounded
from headrace.threads import in_thread
from headrace.transfer.progress import OnProgress, Progress

SPOOL_BYTES = 768 << 20
"""Most bytes of files that are on this machine at a time, unless one file alone is larger."""
BATCH_ASSETS = 1_000
_PIECES = 4
_BATCHES_AT_ONCE = 3
FOLDER = "copies"

Confirm = Callable[[CopyReport], Awaitable[bool]]


class CopyOptions(Struct, frozen=True, kw_only=True):
    """What to copy, and how.

    Attributes:
        q: Only assets that match this query.
        chosen: Only assets whose file names this chooses.
        label_map: New names of labels, or labels to leave out.
        expected_digest: The digest that the source must have.
        verify: Compare the target with the source at the end.
        dry_run: Write nothing; the report says what a copy would do.
        spool_bytes: Most bytes of files on this machine at a time.
        max_workers: Number of files that are moved at a time.
    """

    q: str | None = None
    chosen: NameFilter = NameFilter()
    label_map: LabelMap | None = None
    expected_digest: str | None = None
    verify: bool = True
    dry_run: bool = False
    spool_bytes: int = SPOOL_BYTES
    max_workers: int | None = None

    @property
    def is_whole(self) -> bool:
        """Whether all assets are copied, under their own labels."""
        return self.q is None and not self.chosen and self.label_map is None


async def copy(
    source: CopySide,
    target: CopySide,
    organization: OrganizationRecord,
    dataset: str,
    version: str,
    state: Path,
    options: CopyOptions,
    *,
    confirm: Confirm | None = None,
    progress: OnProgress | None = None,
) -> CopyReport:
    """Copy a version.

    Args:
        source: The version to copy.
        target: The place to copy it to; its version is not set yet.
        organization: Organization of the target.
        dataset: Name of the dataset at the target.
        version: Name of the version there.
        state: Folder for the journal and the spool.
        options: What to copy, and how.
        confirm: Called before anything is written, with the report as of a dry run; if it returns False, nothing is.
            Annotations are counted in it only if the target may not hold all of them.
        progress: Called with a progress event from time to time.

    Returns:
        What was copied.

    Raises:
        ConfigurationError: Source and target are the same version.
        ConflictError: The same copy is running in another process.
        DigestMismatchError: The source has another digest than the expected one, or changed during the copy.
        LockedError: The version of the target is locked.
        PartialTransferError: Something could not be copied, or differs at the end; its report has the rest.
    """
    with Progress("copy", "assets", progress, phase="list") as counting:
        report = CopyReport(source=source.name, target=f"{dataset}/{version}")
        before = await expect_digest(
            source.backend, source.version, options.expected_digest, progress=progress
        )
        planned = None
        if options.dry_run or confirm is not None:
            counting.enter("plan")
            planned = await _plan(source, target, organization, dataset, version, state, options)
            planned.seconds = counting.seconds
            if options.dry_run or (confirm is not None and not await confirm(planned)):
                return planned
        description = await description_of(source.backend, source.version)
        record = await ensure_target(
            target.backend, organization, dataset, version, source.version, description, report
        )
        target = replace(target, version=record)
        _check_apart(source, target)
        key = _key(source, target, organization, report.target)
        journal = await in_thread(Journal, state / FOLDER, key)
        await in_thread(journal.__enter__)
        try:
            run = _VersionCopy(source, target, journal, options, report, counting, progress)
            await run.run()
        finally:
            with anyio.CancelScope(shield=True):
                await in_thread(journal.__exit__, None, None, None)
        if before is not None:
            await check_unchanged(source.backend, source.version, before)
        report.seconds = counting.seconds
    _check_complete(report)
    return report


def _key(source: CopySide, target: CopySide, organization: OrganizationRecord, name: str) -> str:
    return key_of(
        place_of(source),
        str(source.organization_id),
        source.name,
        place_of(target),
        str(organization.id),
        name,
    )


def _check_apart(source: CopySide, target: CopySide) -> None:
    if same_place(source, target) and source.version.id == target.version.id:
        raise ConfigurationError(
            f"{source.name} cannot be copied onto itself", hint="give the copy another name"
        )


def _check_complete(report: CopyReport) -> None:
    if not report.missing:
        return
    parts = [
        f"{count:,} {what}"
        for count, what in (
            (report.failed, "files failed"),
            (report.left_out_count, "assets have no readable file at the source"),
            (report.conflict_count, "annotations were changed at the target"),
            (report.different_count, "assets are missing or different at the target"),
        )
        if count
    ]
    names = [*(f.name for f in report.failures), *report.left_out, *report.conflicts]
    first = next(iter([*names, *report.different]), "")
    raise PartialTransferError(
        f"{report.target} is not a complete copy of {report.source}: {', '.join(parts)}; first {first}",
        report=report,
        hint="run it again; everything else is there",
    )


# --- before ----------------------------------------------------------------------------------------------


async def _plan(
    source: CopySide,
    target: CopySide,
    organization: OrganizationRecord,
    dataset: str,
    version: str,
    state: Path,
    options: CopyOptions,
) -> CopyReport:
    """Return the report of a dry run: what is to be copied, and what the target cannot hold."""
    report = CopyReport(source=source.name, target=f"{dataset}/{version}", dry_run=True)
    found, there = await find_target(target.backend, organization, dataset, version)
    report.created_dataset, report.created_version = found is None, there is None
    if there is not None:
        target = replace(target, version=there)
        _check_apart(source, target)
    key = _key(source, target, organization, report.target)
    with Progress("copy", "assets", None) as counting:
        journal = await in_thread(lambda: Journal(state / FOLDER, key, scratch=True))
        await in_thread(journal.__enter__)
        try:
            run = _VersionCopy(source, target, journal, options, report, counting, None)
            await run.plan(exists=there is not None)
        finally:
            with anyio.CancelScope(shield=True):
                await in_thread(journal.__exit__, None, None, None)
    return report


# --- the copy --------------------------------------------------------------------------------------------


class _Batch(Struct):
    """Assets on their way through the stages: ``new`` have no asset at the target yet, the others have one."""

    rows: list[Row]
    new: list[Row]
    spooled: list[SpooledBatch]


class _VersionCopy:
    """One run of a copy."""

    def __init__(
        self,
        source: CopySide,
        target: CopySide,
        journal: Journal,
        options: CopyOptions,
        report: CopyReport,
        counting: Progress,
        progress: OnProgress | None,
    ) -> None:
        self._source = source
        self._target = target
        self._journal = journal
        self._options = options
        self._report = report
        self._counting = counting
        self._progress = progress
        self._losses = Losses()
        names = {} if options.label_map is None else dict(options.label_map.names)
        self._names: dict[str, str | None] = names
        self._spool = Spool(
            source.backend,
            journal,
            max(1, options.spool_bytes // _BATCHES_AT_ONCE),
            options.max_workers,
        )
        self._files = FileCopier(
            source,
            target,
            journal,
            self._spool,
            report,
            self._losses,
            counting,
            options.max_workers,
        )

    async def plan(self, *, exists: bool) -> None:
        """Count what is to be copied, and what the target cannot hold."""
        report = self._report
        infos = await labels_of(self._source, self._options.label_map)
        versions = self._source.version.id, self._target.version.id
        await in_thread(self._journal.belongs_to, *versions)
        if exists:
            await list_target(self._target, self._journal)
            report.labels = await count_new(self._target, infos)
        else:
            report.labels = len(infos)
        await self._list_source(follow=False)
        _, report.there = await in_thread(self._journal.totals)
        fitting = await self._fitting()
        # A headrace target holds everything, so what there is need not be read only to be counted.
        reads = self._options.dry_run or not fitting.is_lossless
        copier = AnnotationCopier(
            self._source, self._target, self._journal, fitting, None, report, self._losses
        )
        after = -1
        while rows := await in_thread(self._journal.rows, BATCH_ASSETS, after):
            after = rows[-1].no
            new = [row for row in rows if row.target is None]
            report.copied += len(new)
            if not self._files.shared:
                report.files += len(new)
                report.bytes += sum(row.size or 0 for row in new)
            if reads:
                pieces = list(batched(rows, PIECE_ASSETS))
                await map_bounded(copier.count, pieces, concurrency=_PIECES)
        report.losses = self._losses.list()

    async def run(self) -> None:
        """Copy everything."""
        journal, report, options = self._journal, self._report, self._options
        self._counting.enter("list")
        await in_thread(journal.belongs_to, self._source.version.id, self._target.version.id)
        infos = await labels_of(self._source, options.label_map)
        ids = await copy_labels(self._source, self._target, infos, self._names, report)
        if not report.created_version:
            lost = await list_target(self._target, journal)
            if lost:
                report.notes.append(
                    f"{lost:,} assets were removed from the target and are copied again"
                )
        await self._list_source(follow=True)
        _, report.there = await in_thread(journal.totals)
        await in_thread(self._spool.tidy)
        fitting = await self._fitting()
        writer = writer_of(self._target.backend, self._target.version.id, ids)
        copier = AnnotationCopier(
            self._source, self._target, journal, fitting, writer, report, self._losses
        )
        self._counting.enter("move")
        await self._stages(copier)
        await in_thread(self._spool.clear)
        self._counting.enter("tag")
        shared = self._files.shared
        await copy_tags(self._source, self._target, journal, report, shared=shared)
        report.losses = self._losses.list()
        if options.is_whole:
            listed = ListLabels(version_id=self._source.version.id)
            names = (await self._source.backend.call(LIST_LABELS, listed)).items
            report.source_digest = await source_digest(journal, [label.name for label in names])
        if options.verify:
            self._counting.enter("verify")
            await verify(self._target, journal, fitting, report, self._progress, fetch=not shared)
        await self._add_notes()

    async def _list_source(self, *, follow: bool) -> None:
        listing = listing_of(self._source, self._options.q, self._options.chosen)
        await list_source(
            self._source,
            self._target,
            self._journal,
            listing,
            self._report,
            self._counting,
            follow=follow,
        )
        self._options.chosen.check_any(self._report.assets, self._report.source)
        self._counting.total = self._report.assets

    async def _fitting(self) -> Fitting:
        owners = await Owners.read(self._source, self._target)
        return Fitting(self._target.backend.limits, owners, self._names)

    # --- stages -------------------------------------------------------------------------------------------

    async def _stages(self, copier: AnnotationCopier) -> None:
        to_send, sending = anyio.create_memory_object_stream[_Batch](0)
        to_write, writing = anyio.create_memory_object_stream[_Batch](0)
        try:
            async with anyio.create_task_group() as group:
                group.start_soon(self._fetch, to_send)
                group.start_soon(self._send, sending, to_write)
                group.start_soon(self._write, writing, copier)
        except BaseExceptionGroup as errors:
            raise first_error(errors) from None

    async def _fetch(self, out: MemoryObjectSendStream[_Batch]) -> None:
        """Find the files that the target lacks, and fetch them."""
        async with out:
            after = -1
            while rows := await in_thread(self._journal.rows, BATCH_ASSETS, after):
                after = rows[-1].no
                new = [row for row in rows if row.target is None]
                new = await self._files.without_lost(new)
                waiting = []
                if wanted := [row for row in new if row.target_data is None]:
                    by_id = {row.source: row for row in wanted}
                    assets = await self._files.look_up(wanted)
                    waiting = await self._files.find(by_id, assets)
                # The last part of the batch takes the annotations of all.
                while waiting:
                    count = self._spool.take(waiting)
                    now, waiting = waiting[:count], waiting[count:]
                    spooled = await self._spool.fetch(by_id, now, self._report)
                    waiting = spooled.later + waiting
                    last = not waiting
                    await out.send(_Batch(rows if last else [], new if last else [], [spooled]))
                    if last:
                        break
                else:
                    await out.send(_Batch(rows, new, []))

    async def _send(
        self, batches: MemoryObjectReceiveStream[_Batch], out: MemoryObjectSendStream[_Batch]
    ) -> None:
        """Send files, and add them to the version."""
        async with batches, out:
            async for batch in batches:
                for spooled in batch.spooled:
                    await self._files.send(spooled)
                    await in_thread(self._spool.drop, spooled.folder)
                if batch.rows:
                    self._report.copied += await self._files.add(batch.new)
                    await out.send(batch)

    async def _write(
        self, batches: MemoryObjectReceiveStream[_Batch], copier: AnnotationCopier
    ) -> None:
        """Write annotations."""
        async with batches:
            async for batch in batches:
                new = {row.no for row in batch.new}
                rows = await in_thread(self._journal.rows_of, [row.source for row in batch.rows])
                for fresh in (True, False):
                    some = [
                        row
                        for row in rows
                        if (row.no in new and self._report.created_version) == fresh
                    ]

                    async def copy_piece(piece: Sequence[Row], fresh: bool = fresh) -> None:
                        await copier.copy(piece, fresh=fresh)
                        self._counting.add(len(piece))

                    pieces = list(batched(some, PIECE_ASSETS))
                    if pieces:
                        await map_bounded(copy_piece, pieces, concurrency=_PIECES)

    # --- the end ------------------------------------------------------------------------------------------

    async def _add_notes(self) -> None:
        notes, version = self._report.notes, self._source.version
        if version.annotation_campaign_id is not None:
            notes.append("the campaign of the source is not copied, only what was annotated in it")
        if self._report.gone:
            notes.append(
                f"{self._report.gone:,} annotations were deleted at the source; the target keeps them"
            )
        if self._options.is_whole:
            vanished = await in_thread(self._journal.vanished)
            if vanished:
                notes.append(
                    f"{vanished:,} assets were removed from the source; the target keeps them"
                )
        note = self._options.chosen.note()
        if note is not None:
            notes.append(note)
