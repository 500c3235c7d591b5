"""Importing: a reader in worker threads -> chunks -> assets and labels matched -> the bulk operation, several at a time.

Nothing is written before the source was read through once: a bad record, an image that is no asset and a label that
may not be made are found first. On a headrace lake or
server each chunk is entered in a ledger by the very transaction that writes it, so an import that was killed half way
goes on where it was, and ends in exactly what an undisturbed one writes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import aclosing
from pathlib import Path
from types import TracebackType

import anyio
from anyio import to_thread
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from msgspec import Struct

from headrace import formats
from headrace.backend.base import Backend
from headrace.engine.imports.chunks import CHUNK_BYTES, Chunk, chunks
from headrace.engine.imports.digest import source_digest
from headrace.engine.imports.inspect import survey
from headrace.engine.imports.match import Matcher
from headrace.engine.imports.report import ImportOptions, ImportReport
from headrace.engine.imports.send import Sender
from headrace.engine.imports.version_type import change_for, for_type
from headrace.engine.threads import iterate_in_thread
from headrace.engine.versions.labels import resolve_labels, set_skeletons
from headrace.formats.base import Reader
from headrace.formats.findings.collect import Findings, Pass, Severity
from headrace.formats.options import ReadOptions, read_options
from headrace.formats.registry import Format
from headrace.model.enums import InferenceType
from headrace.model.records import DatasetVersionRecord
from headrace.protocol.operations.annotations import (
    FINISH_IMPORT,
    START_IMPORT,
    FinishImport,
    ImportRecord,
    StartImport,
)
from headrace.protocol.operations.datasets import GET_VERSION, VersionId
from headrace.tasks import first_error
from headrace.transfer.progress import OnProgress, Progress

WORKERS = 4
ASSETS_UNDER_WAY = 1_000
"""More in all calls at a time win nothing, for Python makes one chunk after the other, and hold tens of MiB."""


class Source(Struct, frozen=True):
    """What is imported: ``open`` makes its reader; ``digest`` tells it from others, for the ledger."""

    path: Path
    format: str
    open: Callable[[ReadOptions, Findings], Reader]
    digest: Callable[[object], str]


async def import_file(
    backend: Backend,
    version: DatasetVersionRecord,
    path: Path,
    format: str | None,
    options: ImportOptions,
    *,
    counts: dict[str, int] | None = None,
    progress: OnProgress | None = None,
) -> ImportReport:
    """Import a file or folder; ``counts`` is filled with the shapes written under each annotation id.

    Raises ParseError where the source is not what its format demands, NotFoundError and ConflictError where images
    or labels cannot be matched.
    """
    chosen = await to_thread.run_sync(_choose, path, format)
    source = Source(
        path=path,
        format=chosen.info.name,
        open=lambda reading, findings: chosen.open(path, options=reading, findings=findings),
        digest=lambda cut: source_digest(path, chosen.info.suffixes, cut),
    )
    return await import_source(backend, version, source, options, counts=counts, progress=progress)


async def import_source(
    backend: Backend,
    version: DatasetVersionRecord,
    source: Source,
    options: ImportOptions,
    *,
    counts: dict[str, int] | None = None,
    progress: OnProgress | None = None,
) -> ImportReport:
    """Import what a reader gives; see :func:`import_file`."""
    version = await backend.call(GET_VERSION, VersionId(version_id=version.id))
    options = for_type(options, version.type, source.format)
    reading = read_options(options.read)
    findings = Findings(options.on_error)
    report = ImportReport(
        version=f"{version.origin_name}/{version.version}",
        source=str(source.path),
        format=source.format,
        mode=options.mode,
    )
    reader = source.open(reading, findings)
    with Progress("import", "images", progress) as counting:
        async with _ThreadedReader(reader):
            matcher = Matcher(backend, version, options.key)
            found = await survey(reader, matcher, all_must_match=options.fail_on_asset_not_found)
            counting.total = found.images
            lost = findings.begin("import")
            labels = await resolve_labels(
                backend, version.id, found.labels, create=options.force_create_label
            )
            loose = await set_skeletons(backend, version.id, found.labels, labels)
            _count_joints(loose, lost)
            ledger = await _open_ledger(backend, version, source, options)
            sender = Sender(backend, version, options, matcher, labels, ledger, report, counts)
            cut = _Cut(reader, lost, version.type, backend.limits.import_assets)
            await _send_all(cut, sender, backend, counting)
            if ledger is not None:
                await backend.call(FINISH_IMPORT, FinishImport(import_id=ledger.id))
        report.seconds = counting.seconds
    _close(report, findings)
    return report


def _close(report: ImportReport, findings: Findings) -> None:
    read = findings.get("read")
    if read is not None:
        report.images, report.shapes = read.images_in, read.shapes_in + read.added - read.merged
        report.images_dropped, report.shapes_dropped = read.images_dropped, read.shapes_dropped
    report.findings = list(findings)
    findings.check()
    report.check()


def _count_joints(count: int, found: Pass) -> None:
    if count:
        message = "joints of skeletons that join no two keypoints, left out"
        found.add("LOSS", message, severity=Severity.LOSS, count=count)


class _Cut(Struct, frozen=True):
    """The chunks of a source, for a version of some type."""

    reader: Reader
    lost: Pass
    type: InferenceType
    images: int

    def chunks(self) -> Iterator[Chunk]:
        return chunks(self.reader, self.lost, images=self.images, change=change_for(self.type))


async def _send_all(cut: _Cut, sender: Sender, backend: Backend, progress: Progress) -> None:
    limits = backend.limits
    workers = min(WORKERS, limits.concurrency, max(2, ASSETS_UNDER_WAY // limits.import_assets))
    send, receive = anyio.create_memory_object_stream[Chunk](0)
    try:
        async with anyio.create_task_group() as group:
            group.start_soon(_read, cut, send)
            for _ in range(workers):
                group.start_soon(_work, receive.clone(), sender, progress)
            receive.close()
    except BaseExceptionGroup as errors:
        raise first_error(errors) from None


async def _read(cut: _Cut, send: MemoryObjectSendStream[Chunk]) -> None:
    async with send, aclosing(iterate_in_thread(cut.chunks)) as parts:
        async for chunk in parts:
            await send.send(chunk)


async def _work(
    receive: MemoryObjectReceiveStream[Chunk], sender: Sender, progress: Progress
) -> None:
    async with receive:
        async for chunk in receive:
            await sender.send(chunk)
            progress.add(len(chunk.samples))


async def _open_ledger(
    backend: Backend, version: DatasetVersionRecord, source: Source, options: ImportOptions
) -> ImportRecord | None:
    if not backend.limits.extensions:
        return None
    cut = (source.format, options, version.type, backend.limits.import_assets, CHUNK_BYTES)
    digest = await to_thread.run_sync(source.digest, cut)
    request = StartImport(version_id=version.id, source=digest, worker_id=options.worker_id)
    return await backend.call(START_IMPORT, request)


def _choose(path: Path, format: str | None) -> Format:
    return formats.get(format or formats.detect(path).format)


class _ThreadedReader:
    """A reader that is entered and left in a worker thread."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def __aenter__(self) -> Reader:
        return await to_thread.run_sync(self._reader.__enter__)

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with anyio.CancelScope(shield=True):
            await to_thread.run_sync(self._reader.__exit__, kind, error, trace)
