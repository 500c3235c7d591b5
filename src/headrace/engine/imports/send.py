"""Send the chunks of an import: call the platform, count the results."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from msgspec import UNSET, Struct

from headrace.backend.base import Backend
from headrace.engine.imports.chunks import ImportChunk, halved
from headrace.engine.imports.count import MatchedChunk, count_chunk, matched_chunk
from headrace.engine.imports.items import ItemBuilder
from headrace.engine.imports.packing import PackedImage
from headrace.engine.imports.report import ImportOptions, ImportReport
from headrace.engine.imports.splits import SplitTagger
from headrace.engine.undo.remove import undo_choice
from headrace.engine.versions.bulk_import import bulk_import
from headrace.engine.versions.load import annotations_of_ids, as_loaded
from headrace.errors import ConservationError, RequestTooLargeError
from headrace.model.enums import ImportAnnotationMode
from headrace.model.records import DatasetVersionRecord
from headrace.protocol.operations.annotations import (
    IMPORT_PACKED,
    ImportAnnotations,
    ImportPacked,
    ImportRecord,
    PackedItem,
)
from headrace.threads import in_thread


class WrittenNow(Struct):
    """What this run of an import has written: chunks of an interrupted run do not count. Shapes as the platform counts."""

    annotations: int = 0
    shapes: int = 0


class ChunkSender:
    """Sends the chunks of one import and fills its report. Chunks may be sent concurrently.

    ``labels`` are the ids of the labels by name, in the order of their indices.
    """

    def __init__(
        self,
        backend: Backend,
        version: DatasetVersionRecord,
        options: ImportOptions,
        tagger: SplitTagger | None,
        labels: Mapping[str, str],
        ledger: ImportRecord | None,
        report: ImportReport,
        counts: dict[str, int] | None,
    ) -> None:
        self._backend = backend
        self._version_id = version.id
        self._in_campaign = version.annotation_campaign_id is not None
        self._keeps = options.mode == ImportAnnotationMode.KEEP
        self._options = options
        self._tagger = tagger
        self._names = list(labels)
        self._labels = list(labels.values())
        self._ledger = ledger
        self._done = frozenset(ledger.done) if ledger else frozenset()
        self._halved = halved(self._done)
        self._report = report
        self._counts = counts
        self.written = WrittenNow()

    async def send(self, chunk: ImportChunk) -> None:
        """Import one chunk, or fetch its result if an earlier run imported it.

        A chunk that is too large for the server, or for a proxy before it, is sent in halves, down to single images.
        """
        if chunk.number not in self._halved:
            try:
                await self._send_whole(chunk)
                return
            except RequestTooLargeError:
                if len(chunk.images) < 2:
                    raise
        for half in chunk.halves():
            await self.send(half)

    async def _send_whole(self, chunk: ImportChunk) -> None:
        matched = matched_chunk(chunk, self._options.mode)
        # Before the annotations: a chunk that is recorded in the ledger has its tags.
        if self._tagger is not None:
            await self._tagger.tag(matched.matched)
        known = chunk.number in self._done
        images = [] if known else [image for image, _ in matched.wanted]
        counts = await self._call(chunk.number, images)
        self._report.resumed += known
        await self._count(matched, counts, known=known)

    async def _call(self, number: int, images: list[PackedImage]) -> dict[str, int]:
        if not images and not self._ledger:
            return {}
        options = self._options
        head: dict[str, Any] = {
            "version_id": self._version_id,
            "import_type": options.mode,
            "status": options.status,
            "worker_id": options.worker_id,
            "import_id": self._ledger.id if self._ledger else UNSET,
            "chunk": number if self._ledger else UNSET,
            "undo": undo_choice(self._backend, options.undo),
        }
        if self._ledger is not None and self._ledger.packed:
            used = sorted({index for image in images for index in image.labels})
            labels = {index: self._labels[index] for index in used}
            items = await in_thread(_packed_items, images)
            packed = ImportPacked(**head, labels=labels, annotations=items)
            return await self._backend.call(IMPORT_PACKED, packed)
        limits = self._backend.limits
        builder = ItemBuilder(
            self._labels, whole_pixels=limits.whole_pixels, extensions=limits.extensions
        )
        request = ImportAnnotations(**head, annotations=await in_thread(builder.items, images))
        return await bulk_import(self._backend, request)

    async def _count(self, chunk: MatchedChunk, counts: dict[str, int], *, known: bool) -> None:
        """Add a chunk's result, the number of shapes written by annotation id, to the report."""
        unchanged = [UUID(key) for key, count in counts.items() if self._keeps and count == 0]
        kept = await self._assets(unchanged) if unchanged else set()
        left_out = await self._left_out(chunk, counts)
        # Platforms need not answer anything for an asset that keeps its annotation.
        busy = left_out if self._in_campaign or not self._keeps else set()
        imported = count_chunk(
            self._report, chunk, self._names, kept=kept | (left_out - busy), busy=busy
        )
        self._report.annotations += len(counts) - len(kept)
        _check(imported, counts)
        if not known:
            self.written.annotations += len(counts) - len(kept)
            self.written.shapes += sum(counts.values())
        if self._counts is not None:
            self._counts.update(counts)

    async def _left_out(self, chunk: MatchedChunk, counts: dict[str, int]) -> set[UUID]:
        """Return the assets without a count; most of them are in an annotation campaign."""
        if len(counts) == len(chunk.wanted):
            return set()
        written = await self._assets([UUID(key) for key in counts])
        return {asset for _, asset in chunk.wanted} - written

    async def _assets(self, annotations: list[UUID]) -> set[UUID]:
        pages = annotations_of_ids(self._backend, self._version_id, annotations, as_loaded)
        return {UUID(annotation.asset_id) async for page in pages for annotation in page}


def _check(imported: list[PackedImage], counts: dict[str, int]) -> None:
    written = sum(counts.values())
    sent = sum([image.shapes for image in imported])
    # Platforms count each ring of a polygon as a shape.
    if written not in (sent, sum([image.rings for image in imported])):
        raise ConservationError(f"{sent} shapes were sent, but {written} were written")


def _packed_items(images: list[PackedImage]) -> list[PackedItem]:
    return [
        PackedItem(
            asset_id=str(image.asset),
            shapes=image.blob,
            attributes=image.decoded_attributes(),
        )
        for image in images
    ]
