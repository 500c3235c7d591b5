"""Send the chunks of an import: match the assets, build the items, call the platform, count the results."""

from __future__ import annotations

from collections import Counter
from uuid import UUID

from msgspec import UNSET

from headrace.backend.base import Backend
from headrace.engine.imports.chunks import ImportChunk, halved
from headrace.engine.imports.items import ItemBuilder
from headrace.engine.imports.match import SHOWN, AssetMatcher
from headrace.engine.imports.report import ImportOptions, ImportReport
from headrace.engine.versions.load import annotations_of_ids
from headrace.errors import ConservationError, ParseError, RequestTooLargeError
from headrace.model.enums import ImportAnnotationMode
from headrace.model.records import DatasetVersionRecord
from headrace.model.sample import Sample
from headrace.protocol.operations.annotations import (
    IMPORT_ANNOTATIONS,
    ImportAnnotations,
    ImportItem,
    ImportRecord,
)
from headrace.threads import in_thread


class ChunkSender:
    """Sends the chunks of one import and fills its report. Chunks may be sent concurrently."""

    def __init__(
        self,
        backend: Backend,
        version: DatasetVersionRecord,
        options: ImportOptions,
        matcher: AssetMatcher,
        labels: dict[str, str],
        ledger: ImportRecord | None,
        report: ImportReport,
        counts: dict[str, int] | None,
    ) -> None:
        self._backend = backend
        self._version_id = version.id
        self._options = options
        self._matcher = matcher
        self._labels = labels
        self._ledger = ledger
        self._done = frozenset(ledger.done) if ledger else frozenset()
        self._halved = halved(self._done)
        self._report = report
        self._counts = counts

    async def send(self, chunk: ImportChunk) -> None:
        """Import one chunk, or fetch its result if an earlier run imported it.

        A chunk that is too large for the server, or for a proxy before it, is sent in halves, down to single images.
        """
        if chunk.number not in self._halved:
            try:
                await self._send_whole(chunk)
                return
            except RequestTooLargeError:
                if len(chunk.samples) < 2:
                    raise
        for half in chunk.halves():
            await self.send(half)

    async def _send_whole(self, chunk: ImportChunk) -> None:
        found = await self._matcher.match([sample.filename for sample in chunk.samples])
        matched = [sample for sample in chunk.samples if sample.filename in found]
        wanted = [sample for sample in matched if self._is_wanted(sample)]
        known = chunk.number in self._done
        items = [] if known else await self._items(wanted, found)
        counts = await self._call(chunk.number, items)
        self._report.resumed += known
        self._count_unmatched(chunk, found)
        await self._count(matched, wanted, found, counts)

    def _is_wanted(self, sample: Sample) -> bool:
        # An annotation without shapes says that an annotator found the image empty. It replaces an earlier annotation,
        # but has no effect in the other modes.
        replaces = self._options.mode == ImportAnnotationMode.REPLACE
        return bool(sample.shapes) or (replaces and sample.annotated)

    async def _items(self, samples: list[Sample], found: dict[str, UUID]) -> list[ImportItem]:
        def make() -> list[ImportItem]:
            maker = ItemBuilder(self._label_id, whole_pixels=self._backend.limits.whole_pixels)
            items = []
            for sample in samples:
                item = maker.item(sample)
                item.asset_id = str(found[sample.filename])
                items.append(item)
            return items

        return await in_thread(make)

    def _label_id(self, name: str) -> str:
        try:
            return self._labels[name]
        except KeyError:
            message = f"the label {name!r} was not in the file when it was first read"
            raise ParseError(message, hint="do not change the file during the import") from None

    async def _call(self, number: int, items: list[ImportItem]) -> dict[str, int]:
        request = ImportAnnotations(
            version_id=self._version_id,
            import_type=self._options.mode,
            annotations=items,
            status=self._options.status,
            worker_id=self._options.worker_id,
            import_id=self._ledger.id if self._ledger else UNSET,
            chunk=number if self._ledger else UNSET,
        )
        if not items and not self._ledger:
            return {}
        return await self._backend.call(IMPORT_ANNOTATIONS, request)

    def _count_unmatched(self, chunk: ImportChunk, found: dict[str, UUID]) -> None:
        report = self._report
        for sample in chunk.samples:
            if sample.filename not in found:
                report.images_not_found += 1
                report.shapes_not_found += len(sample.shapes)
                if len(report.not_found) < SHOWN:
                    report.not_found.append(sample.filename)

    async def _count(
        self,
        matched: list[Sample],
        wanted: list[Sample],
        found: dict[str, UUID],
        counts: dict[str, int],
    ) -> None:
        """Add a chunk's result, the number of shapes written by annotation id, to the report."""
        report = self._report
        kept = await self._kept(counts)
        busy = await self._in_campaign(wanted, found, counts)
        matched = [s for s in matched if str(found[s.filename]) not in busy]
        report.images_in_campaign += len(busy)
        report.shapes_in_campaign += sum(
            [len(s.shapes) for s in wanted if str(found[s.filename]) in busy]
        )
        imported = [s for s in matched if str(found[s.filename]) not in kept]
        report.images_imported += len(imported)
        report.images_kept += len(matched) - len(imported)
        shapes = sum([len(sample.shapes) for sample in imported])
        report.shapes_imported += shapes
        report.shapes_kept += sum([len(sample.shapes) for sample in matched]) - shapes
        labels = Counter(shape.label for sample in imported for shape in sample.shapes)
        for name, count in labels.items():
            report.labels[name] = report.labels.get(name, 0) + count
        report.annotations += len(counts) - len(kept)
        self._check(imported, counts)
        if self._counts is not None:
            self._counts.update(counts)

    async def _kept(self, counts: dict[str, int]) -> set[str]:
        """Return the assets whose annotation was not changed."""
        if self._options.mode != ImportAnnotationMode.KEEP:
            return set()
        return await self._assets([UUID(key) for key, count in counts.items() if count == 0])

    async def _in_campaign(
        self, wanted: list[Sample], found: dict[str, UUID], counts: dict[str, int]
    ) -> set[str]:
        """Return the assets that were left out because they are in an annotation campaign: they have no count."""
        if len(counts) == len(wanted):
            return set()
        written = await self._assets([UUID(key) for key in counts])
        return {str(found[sample.filename]) for sample in wanted} - written

    async def _assets(self, annotations: list[UUID]) -> set[str]:
        pages = annotations_of_ids(self._backend, self._version_id, annotations)
        return {annotation.asset_id async for page in pages for annotation in page}

    def _check(self, imported: list[Sample], counts: dict[str, int]) -> None:
        sent = sum([_wire_shapes(sample) for sample in imported])
        written = sum(counts.values())
        if sent != written:
            raise ConservationError(f"{sent} shapes were sent, but {written} were written")


def _wire_shapes(sample: Sample) -> int:
    """Return the number of shapes as the platform counts them: each ring of a polygon is one."""
    return sum([len(getattr(shape, "rings", "-")) for shape in sample.shapes])
