"""Convert between formats: any reader into any writer, in one worker thread.

The counts are checked at the end, before the target appears.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from itertools import chain
from pathlib import Path
from typing import Unpack

from msgspec import structs

from headrace import formats
from headrace.engine.convert.options import known_task, source_format_of, split_options, takes_text
from headrace.engine.convert.report import (
    ConversionReport,
    check_not_empty,
    fill_counts,
    shapes_written,
)
from headrace.engine.convert.workers.distribute import distribute
from headrace.engine.name_filter import NameFilter
from headrace.engine.threads import Stop, run_stoppable
from headrace.errors import FormatError, HeadraceError
from headrace.event_loop import running_loop
from headrace.formats.base import ConversionStep, Reader, Writer
from headrace.formats.findings.collect import Findings, OnError, OnFinding
from headrace.formats.findings.jsonl import check_apart, findings_file
from headrace.formats.geometry.box_table import labels_in
from headrace.formats.info import FormatName, losses
from headrace.formats.options import (
    ConvertKeywords,
)
from headrace.formats.registry import report_others
from headrace.transfer.progress import OnProgress, Progress


async def convert(
    src: str | Path,
    dst: str | Path,
    *,
    to: FormatName,
    from_: FormatName | None = None,
    on_error: OnError = "raise",
    strict: bool = False,
    dry_run: bool = False,
    progress: OnProgress | None = "auto",
    on_finding: OnFinding | None = None,
    report: str | Path | None = None,
    workers: int | None = None,
    allow_empty: bool = False,
    include: str | Iterable[str] | NameFilter = (),
    exclude: str | Iterable[str] = (),
    names: Iterable[str] | None = None,
    **options: Unpack[ConvertKeywords],
) -> ConversionReport:
    """Convert a dataset's annotations from one format to another.

    The target appears complete or not at all. The work runs in a thread, so the event loop stays free.

    Args:
        src: File or folder to read.
        dst: File or folder to write.
        to: Name of the target's format.
        from_: Name of the source's format. Default: detected automatically.
        on_error: On a bad record: stop (``raise``), skip it (``skip``), or report every one and then fail
            (``collect``).
        strict: Fail at the first oddity, and at the first thing that the target cannot represent.
        dry_run: Do everything except write the target.
        progress: Called with progress events; ``"auto"`` shows a line on a terminal, ``"none"`` nothing.
        on_finding: Called with every single finding, in a worker thread.
        report: File of JSON lines to write, one for each single finding; the counts add up to those of
            ``ConversionReport.findings``. It replaces the report of an earlier run, also after a dry run and when the
            conversion fails because of bad records. When it fails for another reason, the earlier report stays.
            :class:`~headrace.formats.findings.jsonl.FindingRecord` lists the keys.
        workers: Number of processes that parse a source of many files. Default: one per processor for large sources.
            If the source is a single file and the target a folder, more than 1 means that another process creates the
            target's files (the default only for many small files, such as YOLO boxes). The output and the report do
            not depend on it.
        allow_empty: Write the target also if it has none of the source's shapes, or none of its images.
        include: Convert only images whose names match these globs; see :class:`~headrace.engine.name_filter.NameFilter`.
        exclude: Leave out images whose names match these globs.
        names: Convert only images with these names.
        **options: Fields of :class:`~headrace.formats.options.ReadOptions` and
            :class:`~headrace.formats.options.WriteOptions`.

    Returns:
        The counts of what was read and written, and the findings.

    Raises:
        ParseError: The source is not valid in its format.
        LossyWriteError: ``strict``, and the target cannot represent something.
        FormatError: The target exists and must not be replaced, or the formats do not fit together.
        LakeError: The target is a lake, or lies in one or contains one.
        UnknownFormatError: There is no such format, or none was detected.
        ConfigurationError: The options contradict each other or do not exist.
        NoDataError: None of the source's shapes can be written, or none of its images, and ``allow_empty`` is off;
            or the names choose no image.
        ConservationError: Records are unaccounted for, which is a bug.
    """
    running_loop()
    chosen = NameFilter.of(include, exclude, names)

    def work(stop: Stop) -> ConversionReport:
        return convert_blocking(
            src,
            dst,
            to=to,
            from_=from_,
            on_error=on_error,
            strict=strict,
            dry_run=dry_run,
            progress=progress,
            on_finding=on_finding,
            report=report,
            workers=workers,
            allow_empty=allow_empty,
            chosen=chosen,
            stop=stop,
            **options,
        )

    return await run_stoppable(work)


@contextmanager
def _hints_for_convert() -> Iterator[None]:
    """Name the argument ``from_=`` in hints that name it ``format=``, as all other functions call it."""
    try:
        yield
    except FormatError as error:
        if error.hint is not None:
            error.hint = re.sub(r"\bformat=", "from_=", error.hint)
        raise


@_hints_for_convert()
def convert_blocking(
    src: str | Path,
    dst: str | Path,
    *,
    to: FormatName,
    from_: FormatName | None = None,
    on_error: OnError = "raise",
    strict: bool = False,
    dry_run: bool = False,
    progress: OnProgress | None = None,
    on_finding: OnFinding | None = None,
    report: str | Path | None = None,
    workers: int | None = None,
    allow_empty: bool = False,
    chosen: NameFilter | None = None,
    stop: Stop | None = None,
    **options: Unpack[ConvertKeywords],
) -> ConversionReport:
    """Convert like :func:`convert`, without an event loop; ``stop`` ends the work between two batches.

    ``chosen`` are the images to convert.
    """
    chosen = chosen or NameFilter()
    source_format, why, guess = source_format_of(Path(src), from_)
    target_format = formats.get(to)
    report_path = None if report is None else Path(report)
    if report_path is not None:
        check_apart(report_path, Path(src), Path(dst))
    reading, writing = split_options(source_format, options)
    if takes_text(target_format, writing) and "geometry" not in options:
        reading = structs.replace(reading, geometry="raw")
    outcome = ConversionReport(
        source=str(src),
        target=str(dst),
        source_format=source_format.info.name,
        target_format=target_format.info.name,
        why=why,
        dry_run=dry_run,
    )
    passes_through = (
        source_format == target_format
        and reading.geometry == "raw"
        and reading.labels_map is None
        and not chosen
    )
    reading = structs.replace(reading, gather=not passes_through)
    findings = Findings(on_error, strict=strict, on_finding=on_finding)
    findings.suggests_report = report_path is None
    reader = source_format.open(Path(src), options=reading, findings=findings)
    if chosen:
        reader.chooses = chosen.chooses_sample
    with (
        findings_file(report_path, findings) as publish_findings,
        Progress("convert", "images", progress, phase="read") as counting,
        reader,
    ):
        if guess is not None:
            report_others(guess, Path(src), findings)
        if source_format.info.name == target_format.info.name:
            writing = structs.replace(writing, about=reader.about())
        early = reader.labels() if reader.labels_first or writing.class_order == "name" else []
        writer = target_format.create(Path(dst), early, options=writing, findings=findings)
        stop = stop or Stop()
        distribute(reader, writer, source_format.info.name, workers, stop)
        with suppress(_DryRunEnd), writer:
            steps = source_format.pass_through(reader, writer) if passes_through else None
            _run(reader, writer, steps or _by_samples(reader, writer), outcome, counting, stop)
            writer.finish()
            # Before the target: a run that is killed between the two can be repeated with the same result. In the
            # other order there would be a target, which a second run does not replace, without a report.
            publish_findings()
            chosen.check_any(writer.found.images_in, str(src))
            if not allow_empty:
                check_not_empty(str(src), findings)
            outcome.task = writer.task
            outcome.labels = shapes_written(outcome.labels, writer.shapes_lost)
            outcome.declared = losses(
                source_format.info,
                target_format.info,
                task=known_task(target_format, writer.task),
                folder=writer.layout == "folder",
            )
            if dry_run:
                writer.check_target()
                raise _DryRunEnd
        outcome.replaced = None if writer.replaced is None else str(writer.replaced)
        outcome.seconds = counting.seconds
    fill_counts(outcome, findings)
    return outcome


class _DryRunEnd(Exception):  # noqa: N818  not an error: it ends a dry run
    """Leaves a writer without publishing what it wrote."""


def _run(
    reader: Reader,
    writer: Writer,
    steps: Generator[ConversionStep, None, None],
    report: ConversionReport,
    progress: Progress,
    stop: Stop,
) -> None:
    labels = Counter[str]()
    with closing(steps), _flushed(writer):
        for done in steps:
            stop.check()
            labels.update(done.labels)
            progress.add(done.images)
    for label in reader.labels():
        writer.add_label(label)
    writer.flush()
    report.labels = {label.name: labels.get(label.name, 0) for label in reader.labels()} | labels


def _by_samples(reader: Reader, writer: Writer) -> Generator[ConversionStep, None, None]:
    with closing(reader.batches()) as batches:
        for batch in batches:
            writer.write(batch)
            yield ConversionStep(len(batch), Counter(chain.from_iterable(labels_in(batch))))


@contextmanager
def _flushed(writer: Writer) -> Iterator[None]:
    """When reading fails, raise the failure of an earlier write first, as with a single process."""
    try:
        yield
    except (HeadraceError, OSError):
        writer.flush()
        raise
