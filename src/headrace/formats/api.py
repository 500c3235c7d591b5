"""Reading and writing as plain iterators, for scripts: the same readers and writers without the engine."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Self, Unpack

from headrace.formats.findings.collect import Findings, OnError
from headrace.formats.options import (
    ReadKeywords,
    ReadOptions,
    WriteKeywords,
    read_options,
    write_options,
)
from headrace.formats.registry import detect, get
from headrace.model.sample import LabelInfo, Sample
from headrace.model.shapes import Attributes


class Samples:
    """The samples of one source: a context manager and an iterable, as often as wanted.

    ``findings`` tells what was odd or bad, during and after a walk; a walk ends with its check, so what ``collect``
    gathered is raised there. Not for use from several threads at once.
    """

    def __init__(self, path: Path, format: str, options: ReadOptions, findings: Findings) -> None:
        self.format = get(format)
        self.findings = findings
        self._reader = self.format.open(path, options=options, findings=findings)

    def __enter__(self) -> Self:
        self._reader.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._reader.__exit__(kind, error, trace)

    @property
    def labels(self) -> list[LabelInfo]:
        """All labels that the source declares, in its order."""
        return self._reader.labels()

    @property
    def about(self) -> Attributes:
        """What the source says of itself (COCO's info and licences)."""
        return self._reader.about()

    def batches(self) -> Iterator[list[Sample]]:
        """The samples in batches, as they are read."""
        yield from self._reader.batches()
        self.findings.check()

    def __iter__(self) -> Iterator[Sample]:
        for batch in self.batches():
            yield from batch


def read(
    path: str | Path,
    format: str | None = None,
    *,
    on_error: OnError = "raise",
    strict: bool = False,
    **options: Unpack[ReadKeywords],
) -> Samples:
    """Samples of an annotation file or folder: enter what comes back, then iterate over it.

    ``format`` is found by looking where it is not given. ``options`` are the fields of
    :class:`~headrace.formats.options.ReadOptions`. Raises :class:`~headrace.errors.UnknownFormatError` at once, and
    :class:`~headrace.errors.ParseError` on entering and on reading.
    """
    path = Path(path)
    name = format or detect(path).format
    return Samples(path, name, read_options(options), Findings(on_error, strict=strict))


def write(
    samples: Iterable[Sample],
    target: str | Path,
    format: str,
    *,
    labels: Sequence[LabelInfo] = (),
    on_error: OnError = "raise",
    strict: bool = False,
    **options: Unpack[WriteKeywords],
) -> Findings:
    """Write samples to a file or folder that appears complete or not at all; returns what was lost or odd.

    ``labels`` fixes numbers and order; labels met only in shapes follow. ``options`` are the fields of
    :class:`~headrace.formats.options.WriteOptions`. Raises :class:`~headrace.errors.FormatError`; with ``strict`` also
    :class:`~headrace.errors.LossyWriteError` at the first thing that the format cannot say.
    """
    chosen = write_options(options)
    findings = Findings(on_error, strict=strict)
    with get(format).create(Path(target), labels, options=chosen, findings=findings) as writer:
        iterator = iter(samples)
        while batch := list(islice(iterator, 256)):
            writer.write(batch)
    return findings
