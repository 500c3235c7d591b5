"""A dry run of an import: count what would be written, without writing anything."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from headrace.backend.base import Backend
from headrace.engine.imports.chunks import ImportChunk
from headrace.engine.imports.count import count_chunk, matched_chunk
from headrace.engine.imports.report import ImportOptions, ImportReport
from headrace.engine.imports.splits import SplitTagger
from headrace.engine.versions.load import Loaded, annotations_of_assets
from headrace.model.enums import ImportAnnotationMode
from headrace.model.records import DatasetVersionRecord
from headrace.platform.annotations.samples import to_sample


class ChunkPlanner:
    """Counts the chunks of a dry run in its report, in place of a sender.

    Args:
        backend: Backend of the version.
        version: The version.
        options: Options of the import.
        names: The names of the labels, by their indices.
        tagger: Counts the splits; None to leave them out.
        report: The report.
        annotated: Whether the version has annotations, which must be loaded to count those that would go or stay.
    """

    def __init__(
        self,
        backend: Backend,
        version: DatasetVersionRecord,
        options: ImportOptions,
        names: Sequence[str],
        tagger: SplitTagger | None,
        report: ImportReport,
        *,
        annotated: bool,
    ) -> None:
        self._backend = backend
        self._version_id = version.id
        self._options = options
        self._names = names
        self._tagger = tagger
        self._report = report
        self._annotated = annotated

    async def send(self, chunk: ImportChunk) -> None:
        """Count one chunk."""
        mode = self._options.mode
        planned = matched_chunk(chunk, mode)
        if self._tagger is not None:
            await self._tagger.tag(planned.matched)
        present = await self._present([asset for _, asset in planned.wanted])
        kept: set[UUID] = set()
        if mode == ImportAnnotationMode.KEEP:
            kept = {UUID(annotation.asset_id) for annotation in present}
        elif mode == ImportAnnotationMode.REPLACE:
            self._report.annotations_replaced += len(present)
            self._report.shapes_replaced += sum(
                len(to_sample("", None, annotation).shapes) for annotation in present
            )
        count_chunk(self._report, planned, self._names, kept=kept)
        self._report.annotations += sum(asset not in kept for _, asset in planned.wanted)

    async def _present(self, assets: list[UUID]) -> Loaded:
        """Return the annotations that the import would replace or keep."""
        if not self._annotated or self._options.mode == ImportAnnotationMode.CONCATENATE:
            return []
        replaces = self._options.mode == ImportAnnotationMode.REPLACE
        worker = self._options.worker_id if replaces else None
        pages = annotations_of_assets(
            self._backend, self._version_id, worker_id=worker, asset_ids=assets
        )
        return [annotation async for page in pages for annotation in page]
