"""Export a version: assets and annotations page by page, as samples, to a writer in a thread.

The target appears complete or not at all. While a page is written, the next one is loaded.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from uuid import UUID

import anyio
from anyio.streams.memory import MemoryObjectSendStream
from msgspec import Struct, field

from headrace import formats
from headrace.backend.base import Backend
from headrace.engine.paging import CursorListing, KeyListing, PageSource
from headrace.engine.threads import in_own_task
from headrace.engine.versions.labels import label_infos
from headrace.engine.versions.load import load_page
from headrace.formats.findings.collect import Finding, Findings
from headrace.formats.options import WriteKeywords, write_options
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
from headrace.threads import in_thread
from headrace.transfer.progress import OnProgress, Progress

PAGES_AHEAD = 1

AssetPage = list[tuple[AssetRecord, LoadedAnnotation | None]]


class ExportReport(Struct, kw_only=True):
    """The outcome of an export.

    Attributes:
        version: The exported version, as ``dataset/version``.
        target: Path of the file or folder that was written.
        format: Name of the format.
        images: Images written.
        shapes: Shapes written.
        shapes_dropped: Shapes that the format cannot represent.
        labels: Number of shapes by label, before any were dropped.
        findings: What the format could not represent.
        seconds: Duration in seconds.
        replaced: Where the folder is that was at the target before, if ``force`` renamed it.
    """

    version: str
    target: str
    format: str
    images: int = 0
    shapes: int = 0
    shapes_dropped: int = 0
    labels: dict[str, int] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    seconds: float = 0.0
    replaced: str | None = None


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
    write: WriteKeywords | None = None,
    temporary: bool = False,
    progress: OnProgress | None = None,
) -> ExportReport:
    """Write a version's annotations to a file or folder, each asset with its newest annotation.

    Args:
        backend: Backend of the version.
        version: Version to export.
        target: File or folder to write.
        format: Name of the format.
        status: Only annotations with this status.
        worker_id: Only annotations of this user.
        asset_ids: Only these assets.
        key: Property of an asset that names it in the file.
        annotated_only: Leave out assets without an annotation.
        labels: Labels with the numbers and the order for the file. Default: the version's labels.
        strict: Raise if the format cannot represent something.
        write: Keyword options of the writer.
        temporary: The target is in a temporary folder of headrace's own.
        progress: Called with a progress event from time to time.

    Returns:
        What was written, and what the format could not represent.

    Raises:
        FormatError: The target exists and must not be replaced.
        LakeError: The target is a lake, or lies in one or contains one.
        LossyWriteError: ``strict``, and the format cannot represent something.
    """
    target_format = formats.get(format)
    options = write_options(write or {})
    findings = Findings(strict=strict)
    findings.suggests_skip = False
    report = ExportReport(
        version=f"{version.origin_name}/{version.version}",
        target=str(target),
        format=target_format.info.name,
    )
    if labels is None:
        labels = await label_infos(backend, version.id)
    report.labels = dict.fromkeys([label.name for label in labels], 0)
    assets = _assets(backend, version.id, asset_ids)
    writer = target_format.create(target, labels, options=options, findings=findings)
    if temporary:
        writer.use_temporary()
    names = ExportNames(writer)
    with Progress("export", "images", progress, total=await assets.count()) as counting:

        async def write_pages() -> None:
            async with _ThreadedWriter(names):
                pages = _PageReader(
                    backend, version.id, assets, status, worker_id, key, annotated_only, names
                )
                await _write_all(pages, counting, report)

        await in_own_task(write_pages)
        report.seconds = counting.seconds
    written = writer.found
    report.images, report.shapes = written.images_out, written.shapes_out
    report.shapes_dropped = written.shapes_dropped
    report.findings = list(findings)
    report.replaced = None if writer.replaced is None else str(writer.replaced)
    return report


class _PageReader(Struct, frozen=True):
    """Reads pages of assets with their annotations, and converts them to samples."""

    backend: Backend
    version_id: UUID
    assets: PageSource[AssetRecord]
    status: AnnotationStatus | None
    worker_id: UUID | None
    key: AnnotationExportKey
    annotated_only: bool
    names: ExportNames

    async def read(self, send: MemoryObjectSendStream[AssetPage]) -> None:
        """Read all pages and send each with its newest annotations."""
        async with send:
            async for assets in self.assets.pages():
                ids = [asset.id for asset in assets]
                loaded = await load_page(
                    self.backend, self.version_id, ids, self.status, self.worker_id
                )
                newest: dict[str, LoadedAnnotation] = {}
                for annotation in loaded:
                    newest.setdefault(annotation.asset_id, annotation)
                await send.send([(asset, newest.get(str(asset.id))) for asset in assets])

    def samples(self, page: AssetPage) -> list[Sample]:
        """Convert a page to samples."""
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
    send, receive = anyio.create_memory_object_stream[AssetPage](PAGES_AHEAD)

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
                await in_thread(write, page)
                progress.add(len(page))
    except BaseExceptionGroup as errors:
        raise first_error(errors) from None


def _assets(
    backend: Backend, version_id: UUID, asset_ids: Sequence[UUID] | None
) -> PageSource[AssetRecord]:
    if asset_ids is None:
        return CursorListing(backend, LIST_ASSETS, ListAssets(version_id=version_id))
    query = ListAssetsByKey(version_id=version_id)
    return KeyListing(backend, LIST_ASSETS_BY_KEY, query, "ids", asset_ids)


class _ThreadedWriter:
    """Enters and leaves a writer in a worker thread."""

    def __init__(self, writer: ExportNames) -> None:
        self._writer = writer

    async def __aenter__(self) -> None:
        # Shielded: a cancellation here would leave a writer entered for ever.
        with anyio.CancelScope(shield=True):
            await in_thread(self._writer.__enter__)

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with anyio.CancelScope(shield=True):
            await in_thread(self._writer.__exit__, kind, error, trace)
