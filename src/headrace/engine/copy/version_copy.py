"""One run of a copy: both sides are listed into the journal, then assets go through three stages at once.

Oldest first, their files are fetched into a spool, sent and added to the version, and their annotations are written. At
the end the target is read once more and compared.
"""

from __future__ import annotations

from collections.abc import Sequence

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from msgspec import Struct

from headrace.engine.copy.annotations import PIECE_ASSETS, AnnotationCopier
from headrace.engine.copy.files import FileCopier
from headrace.engine.copy.fit import Fitting
from headrace.engine.copy.journal import Journal
from headrace.engine.copy.journal_rows import Row
from headrace.engine.copy.labels import copy_labels, count_new, labels_of
from headrace.engine.copy.report import CopyReport, Losses
from headrace.engine.copy.sides import CopySide, Owners
from headrace.engine.copy.source import list_source, list_target, listing_of
from headrace.engine.copy.spool import Spool, SpooledBatch
from headrace.engine.copy.tags import copy_tags
from headrace.engine.copy.verify import source_digest, verify
from headrace.engine.copy.writers import writer_of
from headrace.engine.name_filter import NameFilter
from headrace.engine.paging import batched
from headrace.formats.label_map import LabelMap
from headrace.protocol.operations.labels import LIST_LABELS, ListLabels
from headrace.tasks import first_error, map_bounded
from headrace.threads import in_thread
from headrace.transfer.progress import OnProgress, Progress

SPOOL_BYTES = 768 << 20
"""Most bytes of files that are on this machine at a time, unless one file alone is larger."""
BATCH_ASSETS = 1_000
_PIECES = 4
_BATCHES_AT_ONCE = 3


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


class _Batch(Struct):
    """Assets on their way through the stages: ``new`` have no asset at the target yet, the others have one."""

    rows: list[Row]
    new: list[Row]
    spooled: list[SpooledBatch]


class VersionCopy:
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
