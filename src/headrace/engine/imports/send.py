"""Sending the chunks of an import: match, convert, call, account."""

from __future__ import annotations

from collections import Counter
from uuid import UUID

from anyio import to_thread
from msgspec import UNSET

from headrace.backend.base import Backend
from headrace.engine.imports.chunks import Chunk, halved
from headrace.engine.imports.items import ItemMaker
from headrace.engine.imports.match import SHOWN, Matcher
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


class Sender:
    """Sends chunks, several at a time, and keeps the accounts of one import."""

    def __init__(
        self,
        backend: Backend,
        version: DatasetVersionRecord,
        options: ImportOptions,
        matcher: Matcher,
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

    async def send(self, chunk: Chunk) -> None:
        """Import one chunk, or learn what became of it where an earlier run imported it.

        What is too large for the server, or for a proxy before it, goes in halves, down to single images.
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

    async def _send_whole(self, chunk: Chunk) -> None:
        found = await self._matcher.match([sample.filename for sample in chunk.samples])
        matched = [sample for sample in chunk.samples if sample.filename in found]
        wanted = [sample for sample in matched if self._is_wanted(sample)]
        known = chunk.number in self._done
        items = [] if known else await self._items(wanted, found)
        answer = await self._call(chunk.number, items)
        self._report.resumed += known
        self._account_lost(chunk, found)
        await self._account(matched, wanted, found, answer)

    def _is_wanted(self, sample: Sample) -> bool:
        # An image that somebody looked at and found empty says so by an annotation without shapes; where what is there
        # is kept or added to, it has nothing to say.
        replaces = self._options.mode == ImportAnnotationMode.REPLACE
        return bool(sample.shapes) or (replaces and sample.annotated)

    async def _items(self, samples: list[Sample], found: dict[str, UUID]) -> list[ImportItem]:
        def make() -> list[ImportItem]:
            maker = ItemMaker(self._label_id, whole_pixels=self._backend.limits.whole_pixels)
            items = []
            for sample in samples:
                item = maker.item(sample)
                item.asset_id = str(found[sample.filename])
                items.append(item)
            return items

        return await to_thread.run_sync(make)

    def _label_id(self, name: str) -> str:
        try:
            return self._labels[name]
        except KeyError:
            message = f"the label {name!r} was not there when the file was first read"
            raise ParseError(message, hint="leave the file alone during the import") from None

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

    def _account_lost(self, chunk: Chunk, found: dict[str, UUID]) -> None:
        report = self._report
        for sample in chunk.samples:
            if sample.filename not in found:
                report.images_not_found += 1
                report.shapes_not_found += len(sample.shapes)
                if len(report.not_found) < SHOWN:
                    report.not_found.append(sample.filename)

    async def _account(
        self,
        matched: list[Sample],
        wanted: list[Sample],
        found: dict[str, UUID],
        answer: dict[str, int],
    ) -> None:
        report = self._report
        kept = await self._kept(answer)
        busy = await self._in_campaign(wanted, found, answer)
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
        report.annotations += len(answer) - len(kept)
        self._check(imported, answer)
        if self._counts is not None:
            self._counts.update(answer)

    async def _kept(self, answer: dict[str, int]) -> set[str]:
        """The assets whose annotation stayed as it was."""
        if self._options.mode != ImportAnnotationMode.KEEP:
            return set()
        return await self._assets([UUID(key) for key, count in answer.items() if count == 0])

    async def _in_campaign(
        self, wanted: list[Sample], found: dict[str, UUID], answer: dict[str, int]
    ) -> set[str]:
        """The assets that were passed over because they are in an annotation campaign: no answer speaks of them."""
        if len(answer) == len(wanted):
            return set()
        written = await self._assets([UUID(key) for key in answer])
        return {str(found[sample.filename]) for sample in wanted} - written

    async def _assets(self, annotations: list[UUID]) -> set[str]:
        pages = annotations_of_ids(self._backend, self._version_id, annotations)
        return {annotation.asset_id async for page in pages for annotation in page}

    def _check(self, imported: list[Sample], answer: dict[str, int]) -> None:
        sent = sum([_wire_shapes(sample) for sample in imported])
        written = sum(answer.values())
        if sent != written:
            raise ConservationError(f"{sent} shapes were sent, but {written} were written")


def _wire_shapes(sample: Sample) -> int:
    """Shapes as the platform counts them: each ring of a polygon is one."""
    return sum([len(getattr(shape, "rings", "-")) for shape in sample.shapes])
