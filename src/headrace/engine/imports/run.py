"""Import a source into a version: a reader in worker threads, chunks, and several bulk calls at a time.

The source is read once and packed, before anything is written, so that bad records, images without an asset and unknown
labels are found first. On a headrace lake or server, the transaction that writes a chunk also enters it in a ledger. An import
that was killed therefore resumes where it stopped, with the same result as an undisturbed one.
"""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path

from msgspec import structs

from headrace import formats
from headrace.backend.base import Backend
from headrace.engine.imports.chunks import (
    CHUNK_BYTES,
    HEADRACE,
    PLATFORM,
    packed,
    weight_json,
    weight_packed,
)
from headrace.engine.imports.findings_report import findings_report
from headrace.engine.imports.match import AssetMatcher
from headrace.engine.imports.packing import SamplePacker
from headrace.engine.imports.pipeline import send_all
from headrace.engine.imports.plan import ChunkPlanner
from headrace.engine.imports.report import ImportOptions, ImportReport
from headrace.engine.imports.send import ChunkSender, WrittenNow
from headrace.engine.imports.source import (
    AssetSizes,
    ImportSource,
    ThreadedReader,
    check_not_empty,
    inspect_source,
    source_digest,
)
from headrace.engine.imports.splits import SplitTagger, split_of_file
from headrace.engine.imports.spool import RUN_BYTES, RUN_IMAGES, ChunkSpool
from headrace.engine.imports.version_type import change_for, for_type
from headrace.engine.undo.foreign.save import note_written, save_removal
from headrace.engine.undo.foreign.store import LocalRemoval
from headrace.engine.undo.remove import check_room
from headrace.engine.versions.labels import missing_labels, resolve_labels, set_skeletons
from headrace.folders.usable import check_source
from headrace.formats.base import Reader
from headrace.formats.findings.collect import Findings, Pass, Severity
from headrace.formats.info import Guess
from headrace.formats.options import ReadOptions, read_options
from headrace.formats.registry import Format, report_others
from headrace.memory import give_back_memory
from headrace.model.enums import ImportAnnotationMode
from headrace.model.records import DatasetVersionRecord, VersionStats
from headrace.protocol.operations.annotations import (
    FINISH_IMPORT,
    START_IMPORT,
    FinishImport,
    ImportRecord,
    StartImport,
)
from headrace.protocol.operations.datasets import GET_STATS, GET_VERSION, VersionId
from headrace.threads import in_thread
from headrace.transfer.progress import OnProgress, Progress


async def import_file(
    backend: Backend,
    version: DatasetVersionRecord,
    path: Path,
    format: str | None,
    options: ImportOptions,
    *,
    dry_run: bool = False,
    counts: dict[str, int] | None = None,
    progress: OnProgress | None = None,
    findings_file: Path | None = None,
) -> ImportReport:
    """Import a file or folder into a version.

    Args:
        backend: Backend of the version.
        version: Version to import into.
        path: File or folder of annotations.
        format: Name of the format. Default: detected automatically.
        options: Options of the import.
        dry_run: Write nothing; the report tells what would be imported.
        counts: Filled with the number of shapes written, by annotation id.
        progress: Called with a progress event from time to time.
        findings_file: File of JSON lines to write, one for each single finding.

    Returns:
        What was imported, and why the rest was not.

    Raises:
        ParseError: The source is not valid in its format.
        NotFoundError: An image has no asset, or a label does not exist and may not be created.
        ConflictError: An image matches several assets, or several images match one.
        NoDataError: The source has images or shapes, and none of them can be imported.
    """
    chosen, guess = await in_thread(_choose, path, format)

    def open_reader(reading: ReadOptions, findings: Findings) -> Reader:
        if guess is not None:
            report_others(guess, path, findings)
        return chosen.open(path, options=reading, findings=findings)

    source = ImportSource(
        path=path,
        format=chosen.info.name,
        open=open_reader,
        digest=lambda cut: source_digest(path, chosen.info.suffixes, cut),
    )
    return await import_source(
        backend,
        version,
        source,
        options,
        dry_run=dry_run,
        counts=counts,
        progress=progress,
        findings_file=findings_file,
    )


async def import_source(
    backend: Backend,
    version: DatasetVersionRecord,
    source: ImportSource,
    options: ImportOptions,
    *,
    dry_run: bool = False,
    counts: dict[str, int] | None = None,
    progress: OnProgress | None = None,
    findings_file: Path | None = None,
) -> ImportReport:
    """Import the samples of a reader; see :func:`import_file`."""
    version = await backend.call(GET_VERSION, VersionId(version_id=version.id))
    options = for_type(options, version.type, source.format)
    # Polygons stay text until they are packed.
    reading = await in_thread(read_options, {"geometry": "raw", **options.read})
    # Its content instead of its path: it is part of the digest that an interrupted import is found by.
    options = structs.replace(options, read={**options.read, "labels_map": reading.labels_map})
    findings = Findings(options.on_error, keep_all=True)
    findings.suggests_report = findings_file is None
    async with findings_report(findings_file, findings, source.path):
        return await _import_samples(
            backend,
            version,
            source,
            options,
            reading,
            findings,
            dry_run=dry_run,
            counts=counts,
            progress=progress,
        )


async def _import_samples(
    backend: Backend,
    version: DatasetVersionRecord,
    source: ImportSource,
    options: ImportOptions,
    reading: ReadOptions,
    findings: Findings,
    *,
    dry_run: bool,
    counts: dict[str, int] | None,
    progress: OnProgress | None,
) -> ImportReport:
    report = ImportReport(
        version=f"{version.origin_name}/{version.version}",
        source=str(source.path),
        format=source.format,
        mode=options.mode,
        dry_run=dry_run,
    )
    reader = source.open(reading, findings)
    if options.chosen:
        reader.chooses = options.chosen.chooses_sample
    packs = backend.limits.extensions
    with (
        Progress("import", "images", progress, phase="read") as counting,
        ChunkSpool(backend.limits.import_assets, weight_packed if packs else weight_json) as spool,
    ):
        matcher = AssetMatcher(backend, version, options.key)
        undo = options.undo and not dry_run and _replaces(report)
        if undo and (not packs or (await _stats(backend, version)).nb_annotations):
            matcher.keep_ids()  # a server of ours records what it replaces; only the room is checked here
        packer = SamplePacker()
        losses = findings.begin("import")
        async with ThreadedReader(reader):
            reader.size_lookup = AssetSizes(matcher, asyncio.get_running_loop())
            found = await inspect_source(
                reader,
                matcher,
                partial(
                    packed,
                    reader,
                    packer,
                    losses,
                    says=HEADRACE if packs else PLATFORM,
                    change=change_for(version.type),
                ),
                packer.labels,
                spool,
                all_must_match=options.fail_on_asset_not_found,
            )
        # Its index of images is large; what reading has freed lies on other threads than those that send.
        del reader
        await in_thread(give_back_memory)
        counting.total = found.images
        options.chosen.check_any(found.images, report.source)
        report.images_by_ending = found.matches.by_ending
        report.example_by_ending = found.matches.example
        if not options.allow_empty:
            check_not_empty(report.source, found, findings)
        default = split_of_file(source.path)
        tagger = SplitTagger(backend, version.id, report, default) if options.split_tags else None
        before = await _stats(backend, version)
        report.labels_created = await missing_labels(
            backend, version.id, found.labels, create=options.force_create_label
        )
        if dry_run:
            annotated = before.nb_annotations > 0
            planner = ChunkPlanner(
                backend, version, options, list(packer.labels), tagger, report, annotated=annotated
            )
            counting.enter("plan")
            await send_all(spool, planner, backend, counting)
        else:
            kept = None
            if undo and before.nb_annotations:
                kept = await _prepare_undo(backend, version, matcher)
            del matcher
            labels = await resolve_labels(
                backend, version.id, found.labels, create=options.force_create_label
            )
            left_out = await set_skeletons(backend, version.id, found.labels, labels)
            _count_joints(left_out, losses)
            ledger = await _open_ledger(backend, version, source, options)
            used = {name: labels[name] for name in packer.labels}
            sender = ChunkSender(backend, version, options, tagger, used, ledger, report, counts)
            counting.enter("write")
            await send_all(spool, sender, backend, counting)
            if ledger is None:
                await _count_replaced(backend, version, before, sender.written, report)
                if kept is not None:
                    await note_written(backend, kept)
                    report.removal = kept.id
            else:
                await _finish(backend, ledger, report)
        await in_thread(spool.close)
        report.seconds = counting.seconds
    _close(report, findings)
    return report


async def _stats(backend: Backend, version: DatasetVersionRecord) -> VersionStats:
    return await backend.call(GET_STATS, VersionId(version_id=version.id))


def _replaces(report: ImportReport) -> bool:
    return report.mode == ImportAnnotationMode.REPLACE


async def _prepare_undo(
    backend: Backend, version: DatasetVersionRecord, matcher: AssetMatcher
) -> LocalRemoval | None:
    """Check that what is replaced can be recorded by the platform; where it cannot, record it here and return that."""
    ids = matcher.matched_ids()
    if not backend.limits.extensions:
        return await save_removal(backend, version.id, "import", ids, removed=False)
    await check_room(backend, version.id, ids)
    return None


async def _finish(backend: Backend, ledger: ImportRecord, report: ImportReport) -> None:
    """Close the ledger, which knows what was replaced."""
    replaced = await backend.call(FINISH_IMPORT, FinishImport(import_id=ledger.id))
    report.annotations_replaced = replaced.annotations
    report.shapes_replaced = replaced.shapes
    report.removal = replaced.removal_id


async def _count_replaced(
    backend: Backend,
    version: DatasetVersionRecord,
    before: VersionStats,
    written: WrittenNow,
    report: ImportReport,
) -> None:
    """Count what is gone from the version, by its totals: a question for each asset would double the calls."""
    if not _replaces(report) or not before.nb_annotations:
        return
    after = await _stats(backend, version)
    gone = before.nb_annotations + written.annotations - after.nb_annotations
    shapes = before.nb_objects + written.shapes - after.nb_objects
    # Others may write at the same time.
    report.annotations_replaced, report.shapes_replaced = max(0, gone), max(0, shapes)


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
        message = "edges of skeletons without two keypoints, left out"
        found.add("LOSS", message, severity=Severity.LOSS, count=count)


async def _open_ledger(
    backend: Backend, version: DatasetVersionRecord, source: ImportSource, options: ImportOptions
) -> ImportRecord | None:
    if not backend.limits.extensions:
        return None
    cut = (
        source.format,
        options,
        version.type,
        backend.limits.import_assets,
        CHUNK_BYTES,
        f"by name above {RUN_IMAGES} images or {RUN_BYTES} bytes",
    )
    digest = await in_thread(source.digest, cut)
    request = StartImport(version_id=version.id, source=digest, worker_id=options.worker_id)
    return await backend.call(START_IMPORT, request)


def _choose(path: Path, format: str | None) -> tuple[Format, Guess | None]:
    check_source(path)
    if format is not None:
        return formats.get(format), None
    guess = formats.detect(path)
    return formats.get(guess.format), guess
