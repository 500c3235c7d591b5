"""Reading and writing with plain iterators, for scripts: the readers and writers without the engine."""

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
from headrace.formats.registry import detect, get, report_others
from headrace.model.sample import LabelInfo, Sample
from headrace.model.shapes import Attributes


class Samples:
    """The samples of one source: a context manager that can be iterated over repeatedly.

    ``findings`` holds the findings during and after a pass. A pass ends with a check, which raises the errors that the
    policy ``collect`` gathered. Not thread-safe.

    Raises:
        SourceNotFoundError: The path does not exist (on entering).
        ParseError: The source does not conform to the format (on entering or reading).
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
        """All declared labels in the source's order; where it declares none, those found in use."""
        return self._reader.labels()

    @property
    def about(self) -> Attributes:
        """File-level metadata (COCO's info and licences)."""
        return self._reader.about()

    def batches(self) -> Iterator[list[Sample]]:
        """Yield the samples in batches, as they are read."""
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
    """Open an annotation file or folder; enter the result, then iterate over its samples.

    Args:
        path: The annotation file or the dataset's folder.
        format: Format of the files. Default: detected automatically.
        on_error: On a bad record: stop (``raise``), skip it (``skip``), or report every one and then fail
            (``collect``).
        strict: Fail on warnings too.
        **options: Fields of :class:`~headrace.formats.options.ReadOptions`.

    Returns:
        The samples, a context manager.

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
    format: str,
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
