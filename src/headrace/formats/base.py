"""The contract of every format: a Reader makes Samples of a path, a Writer makes a path of Samples.

Both are plain synchronous context managers (the engine runs them in a worker thread), hold a bounded number of
samples at a time, and report through :mod:`headrace.formats.findings.collect`. A format implements the methods that begin
with an underscore; counting, caching and atomic publishing are done here, once.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Generator, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import ClassVar, NamedTuple, Self

from headrace.errors import SourceNotFoundError
from headrace.formats.findings.collect import Findings, Pass
from headrace.formats.info import FormatInfo
from headrace.formats.io.atomic import AtomicTarget
from headrace.formats.io.deferred_writes import FileSink
from headrace.formats.options import ReadOptions, WriteOptions
from headrace.model.sample import LabelInfo, Sample
from headrace.model.shapes import Attributes


class ConversionStep(NamedTuple):
    """What a step of a conversion did: the number of images finished, and the number of shapes by label."""

    images: int
    labels: Mapping[str, int]


class Reader(ABC):
    """Reads one source as batches of samples, as often as asked, each time in the same order.

    Enter it before use. ``findings`` gets the passes ``labels`` and ``read``. Every method raises
    :class:`~headrace.errors.ParseError` where the source is not what its format demands, and
    :class:`OSError` where it cannot be read at all.
    """

    info: ClassVar[FormatInfo]
    labels_first: bool = True
    """Whether :meth:`labels` costs little before :meth:`batches`; else it is better asked afterwards."""

    def __init__(self, path: Path, *, options: ReadOptions, findings: Findings) -> None:
        self.path = path
        self.options = options
        self.findings = findings
        self._known_labels: list[LabelInfo] | None = None

    def __enter__(self) -> Self:
        if not self.path.exists():
            raise SourceNotFoundError(
                "no such file or folder", path=self.path, hint="check the path"
            )
        try:
            self._open()
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._close()

    def labels(self) -> list[LabelInfo]:
        """All labels that the source declares, used or not, in its order; met ones where it declares none."""
        if self._known_labels is None:
            self._known_labels = self._labels(self.findings.begin("labels"))
        return self._known_labels

    def filenames(self) -> Iterator[list[str]]:
        """The file names of all assets, by the batch: a cheap pass that decodes no shapes."""
        return self._filenames()

    def batches(self) -> Generator[list[Sample], None, None]:
        """All samples, each asset once with all of its shapes, in the source's order of assets."""
        found = self.findings.begin("read")
        for batch in self._batches(found):
            found.images_out += len(batch)
            found.shapes_out += sum([len(sample.shapes) for sample in batch])
            yield batch

    def about(self) -> Attributes:
        """What the source says of itself as a whole (COCO's info and licences, unknown keys of a YOLO yaml)."""
        return {}

    def progress(self) -> float:
        """How far the pass under way has come, 0 to 1; may be asked from another thread."""
        return 0.0

    def _open(self) -> None:  # noqa: B027  nothing to open is a valid answer
        """Acquire files; what was acquired is released by ``_close`` even when this raises."""

    def _close(self) -> None:  # noqa: B027
        """Release everything; called once, also after a failed ``_open``."""

    @abstractmethod
    def _labels(self, found: Pass) -> list[LabelInfo]: ...

    @abstractmethod
    def _filenames(self) -> Iterator[list[str]]: ...

    @abstractmethod
    def _batches(self, found: Pass) -> Iterator[list[Sample]]:
        """Samples by the batch. Raises the counts ``images_in`` and ``shapes_in``; the ``out`` ones are the base's."""


class Writer(ABC):
    """Writes samples to a path that appears complete, or not at all.

    Leaving the context without an error publishes the target; with one (Ctrl-C too) nothing is left. ``labels`` may
    be incomplete: :meth:`add_label` declares more, and a shape with a new label declares it by itself. ``findings``
    gets the pass ``write``. Raises :class:`~headrace.errors.FormatError` where the target exists and may not be
    replaced, or where another process is writing it, before anything is written.
    """

    info: ClassVar[FormatInfo]

    def __init__(
        self,
        target: Path,
        labels: Sequence[LabelInfo],
        *,
        options: WriteOptions,
        findings: Findings,
    ) -> None:
        self.target = target
        self.options = options
        self.findings = findings
        self.labels: dict[str, LabelInfo] = {}
        self.found = findings.begin("write")
        self.file_sink: FileSink | None = None
        """Creates the files of a folder in the place of this writer, with the same outcome."""
        self._atomic = AtomicTarget(target, overwrite=options.overwrite)
        self._finished = False
        for label in labels:
            self.add_label(label)

    def __enter__(self) -> Self:
        temp = self._atomic.begin()
        try:
            if self.info.layout == "folder":
                temp.mkdir()
            if self.file_sink is not None:
                self.file_sink.start(temp, self._atomic.lock)
            self._start(temp)
        except BaseException:
            self._discard()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is not None:
            self._discard()
            return
        try:
            self.finish()
            self._atomic.publish()
        except BaseException:
            self._discard()
            raise

    def finish(self) -> None:
        """Complete what is there and check what was found: all but its appearing, which is left to leaving the context.

        Leaving does it where nobody did. Nothing may be written afterwards.
        """
        if not self._finished:
            self._finish()
            if self.file_sink is not None:
                self.file_sink.end()
            self.findings.check()
            self._finished = True

    def add_label(self, label: LabelInfo) -> None:
        """Declare a label; one already declared under this name stays as it is."""
        if label.name not in self.labels:
            self.labels[label.name] = label

    def write(self, samples: Sequence[Sample]) -> None:
        """Write a batch; each asset must come whole, in one call."""
        self.found.images_in += len(samples)
        self.found.shapes_in += sum([len(sample.shapes) for sample in samples])
        self._write(samples)

    @property
    def small_files(self) -> bool:
        """Whether it writes many files so small that creating them costs more than handing them to somebody else."""
        return False

    def flush(self) -> None:
        """Wait for what is still being written, and raise what of it could not be."""
        if self.file_sink is not None:
            self.file_sink.flush()

    @property
    def work_path(self) -> Path:
        """The path of the work in progress; a file added below a folder is published with the target."""
        return self._atomic.temp

    def _discard(self) -> None:
        try:
            if self.file_sink is not None:
                self.file_sink.abandon()
            self._abandon()
        finally:
            self._atomic.discard()

    @abstractmethod
    def _start(self, temp: Path) -> None:
        """Begin to write at ``temp``: a file's path that does not exist yet, or an empty folder."""

    @abstractmethod
    def _write(self, samples: Sequence[Sample]) -> None:
        """Write a batch. Raises the counts ``images_out`` and ``shapes_out`` and adds findings for what is lost."""

    @abstractmethod
    def _finish(self) -> None:
        """Complete what is at ``temp`` and close it."""

    def _abandon(self) -> None:  # noqa: B027  a writer that holds nothing open has nothing to close
        """Close what is open; the files are removed afterwards."""
