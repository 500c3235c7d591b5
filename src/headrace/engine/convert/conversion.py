"""Converting: any reader into any writer, in one worker thread, checked at the end before anything appears."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from itertools import chain
from pathlib import Path
from typing import Any

from msgspec import Struct, field, structs

from headrace import formats
from headrace.engine.convert.workers.distribute import share
from headrace.engine.threads import Stop, run_stoppable
from headrace.errors import ConfigurationError, HeadraceError
from headrace.formats.base import ConversionStep, Reader, Writer
from headrace.formats.findings.collect import Finding, Findings, OnError, OnFinding
from headrace.formats.findings.jsonl import check_apart, findings_file
from headrace.formats.geometry.box_table import labels_in
from headrace.formats.info import Loss, losses
from headrace.formats.options import ReadOptions, WriteOptions, read_options, write_options
from headrace.formats.registry import Format
from headrace.transfer.progress import OnProgress, Progress


class ConversionReport(Struct, kw_only=True):
    """What came of a conversion: what was read and what of it was written, and why the rest was not.

    ``why`` says how the source's format was known; ``declared`` what the target's format can never say; ``labels``
    how many shapes each label has; ``dry_run`` that nothing was written.
    """

    source: str
    target: str
    source_format: str
    target_format: str
    why: str
    images_in: int = 0
    images_out: int = 0
    shapes_in: int = 0
    shapes_out: int = 0
    images_dropped: int = 0
    shapes_dropped: int = 0
    shapes_merged: int = 0
    shapes_added: int = 0
    labels: dict[str, int] = field(default_factory=dict)
    declared: list[Loss] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    seconds: float = 0.0
    dry_run: bool = False


async def convert(
    src: str | Path,
    dst: str | Path,
    *,
    to: str,
    from_: str | None = None,
    on_error: OnError = "raise",
    strict: bool = False,
    dry_run: bool = False,
    progress: OnProgress | None = None,
    on_finding: OnFinding | None = None,
    report: str | Path | None = None,
    workers: int | None = None,
    **options: Any,
) -> ConversionReport:
    """Read ``src`` and write it as ``dst`` in the format ``to``; ``dst`` appears complete, or not at all.

    ``from_`` names the source's format where it cannot be seen. ``options`` are the fields of ``ReadOptions`` and
    ``WriteOptions``. ``strict`` fails at the first thing that is odd or cannot be said; ``on_error`` says what bad
    records do; ``dry_run`` does everything but write; ``on_finding`` hears of every single finding, in a worker thread.
    ``workers`` is how many processes parse a source of many files, by default one a processor; above 1 the files of a
    target that is a folder are created by another one, where the source is one file (by default only YOLO's boxes, many
    and small). However many there are, what is written and reported is the same.

    ``report`` is a file of JSON lines, one for each finding that ``on_finding`` hears, whose counts add up to those of
    ``ConversionReport.findings``. It replaces that of an earlier run, as a whole, also after a dry run and where the
    conversion fails because of its records, which stand there then; where it fails for another reason, the earlier one
    stays. See :class:`~headrace.formats.findings.jsonl.FindingRecord` for the keys.

    The event loop stays free. Raises :class:`~headrace.errors.ParseError`, ``LossyWriteError``, ``FormatError``,
    ``UnknownFormatError``, ``ConfigurationError`` for options that make no sense and, should records vanish
    unaccounted for, ``ConservationError``.
    """

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
            stop=stop,
            **options,
        )

    return await run_stoppable(work)


def convert_blocking(
    src: str | Path,
    dst: str | Path,
    *,
    to: str,
    from_: str | None = None,
    on_error: OnError = "raise",
    strict: bool = False,
    dry_run: bool = False,
    progress: OnProgress | None = None,
    on_finding: OnFinding | None = None,
    report: str | Path | None = None,
    workers: int | None = None,
    stop: Stop | None = None,
    **options: Any,
) -> ConversionReport:
    """:func:`convert` for code without an event loop; ``stop`` ends it between two batches."""
    source_format, why = _source_format(Path(src), from_)
    target_format = formats.get(to)
    place = None if report is None else Path(report)
    if place is not None:
        check_apart(place, Path(src), Path(dst))
    reading, writing = split_options(source_format, options)
    if _only_carried(target_format, writing) and "geometry" not in options:
        reading = structs.replace(reading, geometry="raw")
    declared = losses(
        source_format.info, target_format.info, task=_known_task(target_format, writing.task)
    )
    outcome = ConversionReport(
        source=str(src),
        target=str(dst),
        source_format=source_format.info.name,
        target_format=target_format.info.name,
        why=why,
        declared=declared,
        dry_run=dry_run,
    )
    passes_through = source_format is target_format and reading.geometry == "raw"
    reading = structs.replace(reading, gather=not passes_through)
    findings = Findings(on_error, strict=strict, on_finding=on_finding)
    reader = source_format.open(Path(src), options=reading, findings=findings)
    with (
        findings_file(place, findings) as publish_findings,
        Progress("convert", "images", progress) as counting,
        reader,
    ):
        if source_format.info.name == target_format.info.name:
            writing = structs.replace(writing, about=reader.about())
        early = reader.labels() if reader.labels_first or writing.class_order == "name" else []
        writer = target_format.create(Path(dst), early, options=writing, findings=findings)
        stop = stop or Stop()
        share(reader, writer, source_format.info.name, workers, stop)
        with suppress(_Rehearsed), writer:
            steps = source_format.pass_through(reader, writer) if passes_through else None
            _carry(reader, writer, steps or _by_samples(reader, writer), outcome, counting, stop)
            writer.finish()
            # Before the target: a run that is killed between the two is run again and tells the same. The other way
            # round there would be a target, which nothing replaces, whose losses nobody is told.
            publish_findings()
            if dry_run:
                raise _Rehearsed
        outcome.seconds = counting.seconds
    _fill(outcome, findings)
    return outcome


class _Rehearsed(Exception):  # noqa: N818  no error: the way out of a rehearsal
    """Leaves a writer without publishing what it wrote."""


def _carry(
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
    """Where reading fails, what was read before it and cannot be written comes first, as with one process."""
    try:
        yield
    except (HeadraceError, OSError):
        writer.flush()
        raise


def _fill(report: ConversionReport, findings: Findings) -> None:
    read, written = findings.get("read"), findings.get("write")
    assert read is not None
    assert written is not None
    report.images_in, report.shapes_in = read.images_in, read.shapes_in
    report.images_out, report.shapes_out = written.images_out, written.shapes_out
    for each in (read, written):
        report.images_dropped += each.images_dropped
        report.shapes_dropped += each.shapes_dropped
        report.shapes_merged += each.merged
        report.shapes_added += each.added
    report.findings = list(findings)


def _source_format(path: Path, name: str | None) -> tuple[Format, str]:
    if name is not None:
        return formats.get(name), "as told"
    guess = formats.detect(path)
    return formats.get(guess.format), f"{guess.reason}; {guess.confidence}"


def split_options(source: Format, given: Mapping[str, Any]) -> tuple[ReadOptions, WriteOptions]:
    """Options for the reader and for the writer, from those of a conversion.

    ``split`` chooses a split where the source has such, and names that of the target where it has not.
    Raises :class:`~headrace.errors.ConfigurationError` for an option that neither has.
    """
    reads, writes = set(ReadOptions.__struct_fields__), set(WriteOptions.__struct_fields__)
    unknown = sorted(set(given) - reads - writes)
    if unknown:
        raise ConfigurationError(
            f"no option {unknown[0]!r}", hint=f"options: {' '.join(sorted(reads | writes))}"
        )
    (writes if "split" in source.info.says.fields else reads).discard("split")
    reading = {name: value for name, value in given.items() if name in reads}
    writing = {name: value for name, value in given.items() if name in writes}
    return read_options(reading), write_options(writing)


def _only_carried(target: Format, options: WriteOptions) -> bool:
    """Whether a target takes polygons as text, or no more of them than their box."""
    if target.info.name == "coco":
        return not options.clip
    says = target.info.capability(_known_task(target, options.task))
    return says.kinds.get("polygon") == "its box"


def _known_task(format: Format, task: str | None) -> str | None:
    return task if task in format.info.tasks else None
