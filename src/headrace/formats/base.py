"""The base classes of all formats: a Reader turns a path into samples, a Writer turns samples into a path.

Both are synchronous context managers (the engine runs them in a worker thread). They hold a bounded number of samples
in memory and report findings through :mod:`headrace.formats.findings.collect`. A format implements the methods whose
names begin with an underscore; counting, caching and atomic publishing are implemented here.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Literal, NamedTuple, Self

from headrace.folders.usable import check_source
from headrace.formats.blame import blamed
from headrace.formats.findings.collect import Findings, Pass
from headrace.formats.info import FormatInfo
from headrace.formats.io.atomic import AtomicTarget
from headrace.formats.io.deferred_writes import FileSink
from headrace.formats.label_map import LabelMapping
from headrace.formats.options import ReadOptions, WriteOptions
from headrace.model.sample import LabelInfo, Sample
from headrace.model.shapes import AnyShape, Attributes


class ConversionStep(NamedTuple):
    """What a step of a conversion did: the number of images finished, and the number of shapes by label."""

    images: int
    labels: Mapping[str, int]


SizeLookup = Callable[[Sequence[Sample]], Sequence[tuple[int, int] | None]]
"""Returns width and height in pixels for each of some images, None where it knows none.

The images are samples without shapes: their ``filename`` and ``path`` (either may lack the suffix, where the source has
only label files) and ``split`` say which image is meant. A reader calls it on the thread that reads, with at most as many
images as a batch holds. What it raises ends the reading.
"""


class Reader(ABC):
    """Reads one source in batches of samples; repeated passes yield the same order.

    Enter the reader before use. It records the passes ``labels`` and ``read`` in ``findings``.

    Args:
        path: The annotation file or the dataset's folder.
        options: How to read.
        findings: Collects findings and decides whether they raise.

    Raises:
        ParseError: The source does not conform to the format.
        SourceNotFoundError: The path does not exist (on entering).
        OSError: The source cannot be read.
    """

    info: ClassVar[FormatInfo]
    labels_first: bool = True
    """Whether :meth:`labels` is cheap before :meth:`batches`; otherwise call it afterwards."""
    size_lookup: SizeLookup | None = None
    """Knows sizes of images that the source neither states nor holds, for formats that cannot be read without (YOLO).

    Set it before reading. Without it, and for images that it does not know, such annotations are left out with the
    finding Y07.
    """
    chooses: Callable[[Sample], bool] | None = None
    """Decides which images are read; set it before reading. Images left out are not counted, as with another split."""

    package: str = ""
    """Name and version of the package that added the format, which its unexpected errors are said to come from."""

    def __init__(self, path: Path, *, options: ReadOptions, findings: Findings) -> None:
        self.path = path
        self.options = options
        self.findings = findings
        self._known_labels: list[LabelInfo] | None = None
        self._source_labels: list[str] = []

    def __enter__(self) -> Self:
        check_source(self.path)
        try:
            with blamed(self.package, f"open {self.path}"):
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
        """Return all declared labels in the source's order; where it declares none, those found in use.

        They have the names that the option ``labels_map`` gives them.
        """
        if self._known_labels is None:
            with blamed(self.package, f"read the labels of {self.path}"):
                labels = self._labels(self.findings.begin("labels"))
                self._source_labels = [label.name for label in labels]
            label_map = self.options.labels_map
            self._known_labels = labels if label_map is None else label_map.labels(labels)
        return self._known_labels

    def filenames(self) -> Iterator[list[str]]:
        """Yield the file names of all assets in batches, without decoding shapes."""
        with blamed(self.package, f"list the images of {self.path}"):
            yield from self._filenames()

    def batches(self) -> Generator[list[Sample], None, None]:
        """Yield all samples in batches: each asset once, with all of its shapes, in the source's order."""
        found = self.findings.begin("read")
        label_map = self.options.labels_map
        mapping = None if label_map is None else LabelMapping(label_map)
        with blamed(self.package, f"read {self.path}"):
            for batch in self._batches(found):
                if self.chooses is not None:
                    batch = self._chosen(batch, self.chooses, found)
                if mapping is not None:
                    mapping.apply(batch, found)
                found.images_out += len(batch)
                found.shapes_out += sum([len(sample.shapes) for sample in batch])
                yield batch
        if label_map is not None and mapping is not None:
            self.labels()
            label_map.check_known([*self._source_labels, *mapping.seen], found)

    @staticmethod
    def _chosen(
        batch: list[Sample], chooses: Callable[[Sample], bool], found: Pass
    ) -> list[Sample]:
        chosen = [sample for sample in batch if chooses(sample)]
        found.images_in -= len(batch) - len(chosen)
        found.shapes_in -= sum([len(sample.shapes) for sample in batch])
        found.shapes_in += sum([len(sample.shapes) for sample in chosen])
        return chosen

    def about(self) -> Attributes:
        """Return file-level metadata (COCO's info and licences, unknown keys of a YOLO yaml)."""
        return {}

    def progress(self) -> float:
        """Return the progress of the current pass, 0 to 1. Thread-safe."""
        return 0.0

    def _open(self) -> None:  # noqa: B027  not every reader opens files
        """Open files. ``_close`` runs even when this raises."""

    def _close(self) -> None:  # noqa: B027
        """Release all resources. Called once, also after a failed ``_open``."""

    @abstractmethod
    def _labels(self, found: Pass) -> list[LabelInfo]: ...

    @abstractmethod
    def _filenames(self) -> Iterator[list[str]]: ...

    @abstractmethod
    def _batches(self, found: Pass) -> Iterator[list[Sample]]:
        """Yield batches and increase ``images_in`` and ``shapes_in``; the base class counts the ``out`` side."""


class Writer(ABC):
    """Writes samples to a target that appears complete or not at all.

    Leaving the context without an error publishes the target; after an error (Ctrl-C included) nothing remains. The
    writer records the pass ``write`` in ``findings``.

    Args:
        target: The file or folder to create.
        labels: Labels in order. The list may be incomplete: :meth:`add_label` declares more, and a shape with a new
            label declares it too.
        options: How to write.
        findings: Collects findings and decides whether they raise.

    Raises:
        FormatError: The target exists and must not be replaced, or another process is writing it.
        LakeError: The target is a lake, or lies in one or contains one.
    """

    info: ClassVar[FormatInfo]
    takes_numbers: ClassVar[bool] = False
    """Whether tables of boxes should hold the rings of polygons as numbers, which this writer would make of the text."""
    keeps: ClassVar[bool] = False
    """Whether what it writes stays in memory, where the garbage collector would visit it again and again."""
    package: str = ""
    """As in :class:`Reader`."""

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
        """Creates the files of a folder instead of this writer, with the same result."""
        self.image_paths: list[str | None] | None = None
        """Set a list before entering to place the image files yourself. For each image written, in order, the writer
        appends the path below the target where its file belongs, or None for an image left out; it never writes to
        that path itself, except for an empty file that may hold the name."""
        self.shapes_lost = Counter[str]()
        """The number of shapes left out, by label."""
        self._atomic = AtomicTarget(target, overwrite=options.overwrite, force=options.force)
        self._finished = False
        for label in labels:
            self.add_label(label)

    def __enter__(self) -> Self:
        temp = self._atomic.begin(folder=self.layout == "folder")
        try:
            if self.layout == "folder":
                temp.mkdir()
            if self.file_sink is not None:
                self.file_sink.start(temp, self._atomic.lock)
            with blamed(self.package, f"begin {self.target}"):
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
        """Complete the files and check the findings, but do not publish yet. Idempotent.

        Leaving the context calls this first. Do not write afterwards.
        """
        if not self._finished:
            with blamed(self.package, f"finish {self.target}"):
                self._finish()
            if self.file_sink is not None:
                self.file_sink.end()
            self.findings.check()
            self._finished = True

    def add_label(self, label: LabelInfo) -> None:
        """Declare a label; a label already declared under this name stays unchanged."""
        if label.name not in self.labels:
            self.labels[label.name] = label

    def write(self, samples: Sequence[Sample]) -> None:
        """Write a batch; pass each asset with all of its shapes in one call."""
        self.found.images_in += len(samples)
        self.found.shapes_in += sum([len(sample.shapes) for sample in samples])
        with blamed(self.package, f"write {self.target}"):
            self._write(samples)

    @property
    def layout(self) -> Literal["file", "folder"]:
        """Whether this target is a file or a folder."""
        return self.info.layout

    @property
    def task(self) -> str | None:
        """The task of the target, where its format has tasks and it is known by now; complete after :meth:`finish`."""
        return self.options.task if self.options.task in self.info.tasks else None

    @property
    def small_files(self) -> bool:
        """Whether the files are so small that sending them to another process costs less than creating them."""
        return False

    def flush(self) -> None:
        """Wait for pending files; raises the error of a file that could not be written."""
        if self.file_sink is not None:
            self.file_sink.flush()

    def use_temporary(self) -> None:
        """Declare, before entering, that the target is in a temporary folder of headrace's own."""
        self._atomic.temporary = True

    def check_target(self) -> None:
        """Check, after :meth:`finish`, that the target may be published; raises FormatError."""
        self._atomic.check()

    @property
    def replaced(self) -> Path | None:
        """Where the folder is that was at the target before, if ``force`` renamed it."""
        return self._atomic.replaced

    @property
    def work_path(self) -> Path:
        """Path of the unpublished target. Files added below a folder are published with it."""
        return self._atomic.temp

    def _left_out(self, shapes: Sequence[AnyShape]) -> int:
        """Count shapes that are not written, by label; return their number."""
        self.shapes_lost.update([shape.label for shape in shapes])
        return len(shapes)

    def _place(self, path: str | None) -> None:
        """Report where the file of the next image belongs; None for an image that is left out."""
        if self.image_paths is not None:
            self.image_paths.append(path)

    def _discard(self) -> None:
        try:
            if self.file_sink is not None:
                self.file_sink.abandon()
            self._abandon()
        finally:
            self._atomic.discard()

    @abstractmethod
    def _start(self, temp: Path) -> None:
        """Start writing at ``temp``: the path of a file that does not exist yet, or an empty folder."""

    @abstractmethod
    def _write(self, samples: Sequence[Sample]) -> None:
        """Write a batch, increase ``images_out`` and ``shapes_out``, and add a finding for every loss."""

    @abstractmethod
    def _finish(self) -> None:
        """Complete and close the files at ``temp``."""

    def _abandon(self) -> None:  # noqa: B027  not every writer holds files open
        """Close open files; they are deleted afterwards."""
