"""Exporting: assets and annotations, page by page -> samples -> a writer in a thread -> a target that appears whole.

While a page is written the next one is on its way.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any
from uuid import UUID

import anyio
from anyio import to_thread
from anyio.streams.memory import MemoryObjectSendStream
from msgspec import Struct, field

from headrace import formats
from headrace.backend.base import Backend
from headrace.engine.paging import CursorListing, KeyListing, PageSource
from headrace.engine.threads import in_own_task
from headrace.engine.versions.labels import label_infos
from headrace.engine.versions.load import load_page
from headrace.formats.findings.collect import Finding, Findings
from headrace.formats.options import write_options
from headrace.model.enums import AnnotationExportKey, AnnotationStatus
from headrace.model.names import id_name
from headrace.model.records import AssetRecord, DatasetVersionRecord
from headrace.model.sample import LabelInfo, Sample
from headrace.platform.annotations.exports.names import ExportNames
from headrace.platform.annotations.samples import to_sample
from headrace.protocol.operations.annotations import LoadedAnnotation
from headrace.protocol.operations.assets import (
    LIST_ASSETS,
    LIST_ASSETS_BY_KEY,
    ListAssets,
    ListAssetsByKey,
)
from headrace.tasks import first_error
from headrace.transfer.progress import OnProgress, Progress

AHEAD = 1

AssetPage = list[tuple[AssetRecord, LoadedAnnotation | None]]


class ExportReport(Struct, kw_only=True):
    """What came of an export: ``images`` and ``shapes`` written to ``target``, and what the format could not say."""

    version: str
    target: str
    format: str
    images: int = 0
    shapes: int = 0
    shapes_dropped: int = 0
    labels: dict[str, int] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    seconds: float = 0.0


async def export(
    backend: Backend,
    version: DatasetVersionRecord,
    target: Path,
    format: str,
    *,
    status: AnnotationStatus | None = None,
    worker_id: UUID | None = None,
    asset_ids: Sequence[UUID] | None = None,
    key: AnnotationExportKey = AnnotationExportKey.FILENAME,
    annotated_only: bool = False,
    labels: Sequence[LabelInfo] | None = None,
    strict: bool = False,
    write: dict[str, Any] | None = None,
    progress: OnProgress | None = None,
) -> ExportReport:
    """Write a version's annotations; each asset comes once, with the newest annotation it has.

    ``key`` is what the file calls assets. With ``annotated_only`` assets without annotation are left aside. ``labels``
    are the version's own unless they are given, as with other numbers or in another order.

    Raises FormatError where the target is taken, LossyWriteError where ``strict`` and something cannot be said.
    """
    chosen = formats.get(format)
    options = write_options(write or {})
    findings = Findings(strict=strict)
    report = ExportReport(
        version=f"{version.origin_name}/{version.version}",
        target=str(target),
        format=chosen.info.name,
    )
    if labels is None:
        labels = await label_infos(backend, version.id)
    report.labels = dict.fromkeys([label.name for label in labels], 0)
    listed = _listed(backend, version.id, asset_ids)
    writer = chosen.create(target, labels, options=options, findings=findings)
    names = ExportNames(writer)
    with Progress("export", "images", progress, total=await listed.count()) as counting:

        async def carry() -> None:
            async with _ThreadedWriter(names):
                pages = _PageReader(
                    backend, version.id, listed, status, worker_id, key, annotated_only, names
                )
                await _write_all(pages, counting, report)

        await in_own_task(carry)
        report.seconds = counting.seconds
    written = writer.found
    report.images, report.shapes = written.images_out, written.shapes_out
    report.shapes_dropped = written.shapes_dropped
    report.findings = list(findings)
    return report


class _PageReader(Struct, frozen=True):
    """What is written, by the page of assets."""

    backend: Backend
    version_id: UUID
    listed: PageSource[AssetRecord]
    status: AnnotationStatus | None
    worker_id: UUID | None
    key: AnnotationExportKey
    annotated_only: bool
    names: ExportNames

    async def read(self, send: MemoryObjectSendStream[AssetPage]) -> None:
        """Read one page after the other."""
        async with send:
            async for assets in self.listed.pages():
                ids = [asset.id for asset in assets]
                loaded = await load_page(
                    self.backend, self.version_id, ids, self.status, self.worker_id
                )
                newest: dict[str, LoadedAnnotation] = {}
                for annotation in loaded:
                    newest.setdefault(annotation.asset_id, annotation)
                await send.send([(asset, newest.get(str(asset.id))) for asset in assets])

    def samples(self, page: AssetPage) -> list[Sample]:
        """The samples of a page."""
        return [
            to_sample(self._name(asset), asset.data.meta, annotation)
            for asset, annotation in page
            if annotation is not None or not self.annotated_only
        ]

    def _name(self, asset: AssetRecord) -> str:
        match self.key:
            case AnnotationExportKey.ASSET_ID:
                return id_name(asset.id, asset.data.filename)
            case AnnotationExportKey.DATA_ID:
                return id_name(asset.data.id, asset.data.filename)
            case AnnotationExportKey.OBJECT_NAME:
                return self.names.name(asset.id, asset.data.object_name)
            case AnnotationExportKey.FILENAME:
                return self.names.name(asset.id, asset.data.filename)


async def _write_all(pages: _PageReader, progress: Progress, report: ExportReport) -> None:
    send, receive = anyio.create_memory_object_stream[AssetPage](AHEAD)

    def write(page: AssetPage) -> None:
        samples = pages.samples(page)
        for sample in samples:
            for shape in sample.shapes:
                report.labels[shape.label] = report.labels.get(shape.label, 0) + 1
        pages.names.write(samples)

    try:
        async with anyio.create_task_group() as group, receive:
            group.start_soon(pages.read, send)
            async for page in receive:
                await to_thread.run_sync(write, page)
                progress.add(len(page))
    except BaseExceptionGroup as errors:
        raise first_error(errors) from None


def _listed(
    backend: Backend, version_id: UUID, asset_ids: Sequence[UUID] | None
) -> PageSource[AssetRecord]:
    if asset_ids is None:
        return CursorListing(backend, LIST_ASSETS, ListAssets(version_id=version_id))
    query = ListAssetsByKey(version_id=version_id)
    return KeyListing(backend, LIST_ASSETS_BY_KEY, query, "ids", asset_ids)


class _ThreadedWriter:
    """A writer that is entered and left in a worker thread; cancelled work is discarded before it is left."""

    def __init__(self, writer: ExportNames) -> None:
        self._writer = writer

    async def __aenter__(self) -> None:
        # Cancelled here, a writer that was entered would never be left; outside, the cancellation waits its turn.
        with anyio.CancelScope(shield=True):
            await to_thread.run_sync(self._writer.__enter__)

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with anyio.CancelScope(shield=True):
            await to_thread.run_sync(self._writer.__exit__, kind, error, trace)
