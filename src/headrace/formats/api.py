"""Reading and writing with plain iterators, for scripts: the readers and writers without the engine."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Self, Unpack

from headrace.formats.base import Reader
from headrace.formats.findings.collect import Findings, OnError
from headrace.formats.info import FormatName
from headrace.formats.options import (
    ReadKeywords,
    ReadOptions,
    WriteKeywords,
    read_options,
    write_options,
)
from headrace.formats.registry import detect, get, report_others
from headrace.model.sample import LabelInfo, Sample
from headrace.model.shapes import Attributes


class Samples:
    """The samples of one source, which can be iterated over repeatedly.

    As a context manager it keeps the source open for the labels and for several passes. Without one, each iteration and
    each look at ``labels`` or ``about`` opens the source, and closes it at its end. An iteration that is left early
    (``break``) closes it when its iterator is garbage, which CPython notices at once.

    ``findings`` holds the findings during and after a pass. A pass ends with a check, which raises the errors that the
    policy ``collect`` gathered. Not thread-safe.

    Raises:
        SourceNotFoundError: The path does not exist (on entering, or the first look without entering).
        ParseError: The source does not conform to the format (on entering or reading).
    """

    def __init__(
        self, path: Path, format: FormatName, options: ReadOptions, findings: Findings
    ) -> None:
        self.format = get(format)
        self.findings = findings
        self._path = path
        self._options = options
        self._entered: Reader | None = None
        self._labels: list[LabelInfo] | None = None

    def _new_reader(self) -> Reader:
        return self.format.open(self._path, options=self._options, findings=self.findings)

    @contextmanager
    def _opened(self) -> Iterator[Reader]:
        """Give the reader that the ``with`` statement opened, or open one for a single use."""
        if self._entered is not None:
            yield self._entered
        else:
            with self._new_reader() as reader:
                yield reader

    def __enter__(self) -> Self:
        self._entered = self._new_reader().__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        reader, self._entered = self._entered, None
        if reader is not None:
            reader.__exit__(kind, error, trace)

    @property
    def labels(self) -> list[LabelInfo]:
        """All declared labels in the source's order; where it declares none, those found in use."""
        if self._labels is None:
            with self._opened() as reader:
                self._labels = reader.labels()
        return self._labels

    @property
    def about(self) -> Attributes:
        """File-level metadata (COCO's info and licences)."""
        with self._opened() as reader:
            return reader.about()

    def batches(self) -> Iterator[list[Sample]]:
        """Yield the samples in batches, as they are read."""
        with self._opened() as reader, closing(reader.batches()) as batches:
            yield from batches
            if reader is not self._entered:
                # Now they cost nothing; later the source would have to be read again.
                self._labels = reader.labels()
        self.findings.check()

    def __iter__(self) -> Iterator[Sample]:
        for batch in self.batches():
            yield from batch


def read(
    path: str | Path,
    format: FormatName | None = None,
    *,
    on_error: OnError = "raise",
    strict: bool = False,
    **options: Unpack[ReadKeywords],
) -> Samples:
    """Read an annotation file or folder: iterate over the result, in a ``with`` statement or without one.

    Args:
        path: The annotation file or the dataset's folder.
        format: Format of the files. Default: detected automatically.
        on_error: On a bad record: stop (``raise``), skip it (``skip``), or report every one and then fail
            (``collect``).
        strict: Fail on warnings too.
        **options: Fields of :class:`~headrace.formats.options.ReadOptions`.

    Returns:
        The samples, an iterable and a context manager.

    Raises:
        UnknownFormatError: The format is unknown or cannot be detected.
        ConfigurationError: An option does not exist.
    """
    path = Path(path)
    findings = Findings(on_error, strict=strict)
    name = format
    if name is None:
        guess = detect(path)
        report_others(guess, path, findings)
        name = guess.format
    return Samples(path, name, read_options(options), findings)


def write(
    samples: Iterable[Sample],
    target: str | Path,
    format: FormatName,
    *,
    labels: Sequence[LabelInfo] = (),
    on_error: OnError = "raise",
    strict: bool = False,
    **options: Unpack[WriteKeywords],
) -> Findings:
    """Write samples to a file or folder, which appears complete or not at all.

    Args:
        samples: The samples to write, each asset once.
        target: The file or folder to create.
        format: Name of the format.
        labels: Labels in order, which decides their numbers; labels found only in shapes follow.
        on_error: As in :func:`read`, for records that cannot be written.
        strict: Fail on the first loss.
        **options: Fields of :class:`~headrace.formats.options.WriteOptions`.

    Returns:
        The findings, with everything that the format could not represent.

    Raises:
        UnknownFormatError: The format is unknown.
        ConfigurationError: An option does not exist.
        FormatError: The target exists and ``overwrite`` is not set, or a record cannot be written.
        LossyWriteError: With ``strict``: the format cannot represent something.
    """
    chosen = write_options(options)
    findings = Findings(on_error, strict=strict)
    with get(format).create(Path(target), labels, options=chosen, findings=findings) as writer:
        iterator = iter(samples)
        while batch := list(islice(iterator, 256)):
            writer.write(batch)
    return findings
