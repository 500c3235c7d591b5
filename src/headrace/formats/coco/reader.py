"""Read COCO: one file, or a folder with a file for each split, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import ClassVar

from msgspec.structs import replace

from headrace.formats.base import Reader
from headrace.formats.coco import INFO
from headrace.formats.coco.file_reader import CocoFileReader, without_annotations
from headrace.formats.coco.parts import CocoPart, Parts, find_parts, of_split
from headrace.formats.coco.unordered import UnorderedAnnotations
from headrace.formats.findings.collect import Findings, Pass, Severity
from headrace.formats.info import FormatInfo
from headrace.formats.io.seen_names import SeenNames
from headrace.garbage import collect_young, collector_paused
from headrace.model.sample import LabelInfo, Sample
from headrace.model.shapes import Attributes

COLLECT_EVERY = 1024


class CocoReader(Reader):
    """Reads one COCO file, or the files of a folder that make up one data set, one after the other.

    Which files these are, and which split each has, :func:`.find_parts` decides. Labels are merged by name. The first
    call of most methods reads each whole file once.
    """

    info: ClassVar[FormatInfo] = INFO

    def _open(self) -> None:
        self._files: list[CocoFileReader] = []
        self._index_pass: Pass | None = None
        self._done = self._emitted = 0
        root = self.path
        is_folder = root.is_dir()
        if is_folder:
            parts = find_parts(root)
            if self.options.split is not None:
                parts = of_split(parts, self.options.split, root)
            self._report_left(parts)
        else:
            root = self.path.parent
            parts = Parts([CocoPart(self.path)], [])
        for part in parts.files:
            self._files.append(
                CocoFileReader(part, root, self.options, self._begin_index, is_folder=is_folder)
            )
        if len(self._files) == 1:
            self.path = parts.files[0].path

    def _close(self) -> None:
        for file in getattr(self, "_files", ()):
            file.close()

    def _begin_index(self) -> Pass:
        # One pass for all files: beginning it again would forget the findings of the file before.
        if self._index_pass is None:
            self._index_pass = self.findings.begin("index")
        return self._index_pass

    def _report_left(self, parts: Parts) -> None:
        found = self.findings.begin("files")
        for left in parts.left:
            found.add(
                "C31",
                "a COCO file of the folder is not read; name the file to read it",
                severity=Severity.WARNING if left.is_odd else Severity.NOTE,
                path=left.path,
                detail=left.why,
                hint="name the file to read instead of the folder",
            )

    def about(self) -> Attributes:
        """Return ``info``, ``licenses`` and other top-level keys, those of the first file."""
        return self._files[0].about(self.findings.begin("about"))

    def progress(self) -> float:
        """Return the progress, 0 to 1, by the size of the files."""
        total = sum(file.size for file in self._files) or 1
        reached = 0.0
        for number, file in enumerate(self._files):
            share = 1.0 if number < self._done else file.progress(self._emitted_of(number))
            reached += share * file.size / total
        return reached

    def _emitted_of(self, number: int) -> int:
        return self._emitted if number == self._done else 0

    def _labels(self, found: Pass) -> list[LabelInfo]:
        if len(self._files) == 1:
            return self._files[0].categories.labels
        return _merged_labels([file.categories.labels for file in self._files])

    def _filenames(self) -> Iterator[list[str]]:
        # Bad images raise here too, but only reading the images counts them.
        policy = self.findings
        found = Findings(policy.on_error, strict=policy.strict).begin("filenames")
        names = self._merged_names(found)
        for file in self._files:
            for batch in self._batched(without_annotations(file.images(found))):
                yield [sample.filename for sample in self._kept(batch, names)]

    def _batches(self, found: Pass) -> Iterator[list[Sample]]:
        names = self._merged_names(found)
        with collector_paused():
            for number, file in enumerate(self._files):
                self._done, self._emitted = number, 0
                for step, batch in enumerate(self._batched(file.samples(found))):
                    yield self._kept(batch, names)
                    self._emitted += len(batch)
                    if step % COLLECT_EVERY == 0:
                        collect_young()

    def _merged_names(self, found: Pass) -> _MergedNames | None:
        return _MergedNames(self._files, found) if len(self._files) > 1 else None

    @staticmethod
    def _kept(batch: list[Sample], names: _MergedNames | None) -> list[Sample]:
        return batch if names is None else names.kept(batch)

    def _batched(self, groups: Iterator[list[Sample]]) -> Iterator[list[Sample]]:
        """Split groups, which fit into the processor's cache, where they are larger than the batch size."""
        size = self.options.batch
        for group in groups:
            for start in range(0, len(group), size):
                yield group[start : start + size]

    def unordered(self, found: Pass) -> UnorderedAnnotations | None:
        """Return the images, and the annotations in the order of the file.

        For writers that do not need annotations grouped by image. Returns None where there are several files, or where
        the file has no annotations, or image ids that are not small numbers.
        """
        return self._files[0].unordered(found) if len(self._files) == 1 else None


def _merged_labels(of_files: Sequence[Sequence[LabelInfo]]) -> list[LabelInfo]:
    """Return the labels of files, one for each name, in the order in which they appear.

    The first file that has a label decides its number; keypoints come from the first that has any. A number that two
    labels have is left out of the later one.
    """
    merged: dict[str, LabelInfo] = {}
    taken: set[int | str] = set()
    for labels in of_files:
        for label in labels:
            known = merged.get(label.name)
            if known is None:
                number = label.id if label.id not in taken else None
                merged[label.name] = label if number is not None else replace(label, id=None)
                if number is not None:
                    taken.add(number)
            elif label.keypoints and not known.keypoints:
                merged[label.name] = replace(
                    known, keypoints=label.keypoints, skeleton=label.skeleton
                )
    return list(merged.values())


class _MergedNames:
    """Keeps the images of several files apart.

    An image that an earlier file has too is an error. Where only the names of two images are equal, and their folders
    differ, the later one is named with its folder.

    Args:
        files: The files, in the order in which they are read.
        found: Receives the findings.
    """

    def __init__(self, files: Sequence[CocoFileReader], found: Pass) -> None:
        self._found = found
        self._names = SeenNames()
        self._paths = SeenNames() if _may_share_images(files) else None

    def kept(self, batch: list[Sample]) -> list[Sample]:
        """Return the samples of a batch without images of earlier files, and with names that are new."""
        kept: list[Sample] = []
        for sample in batch:
            if self._paths is not None and not self._paths.is_new(sample.path or sample.filename):
                self._found.add(
                    "C31",
                    "an image stands in two files of the folder, the first one counts",
                    severity=Severity.ERROR,
                    detail=sample.path or sample.filename,
                    hint="name the file to read, or pass on_error='skip' to read each image once",
                    dropped=len(sample.shapes),
                    dropped_images=1,
                )
                continue
            if not self._names.is_new(sample.filename):
                self._rename(sample)
            kept.append(sample)
        return kept

    def _rename(self, sample: Sample) -> None:
        name = sample.path
        if name is None or name == sample.filename:
            name = f"{sample.split}/{sample.filename}"
        self._found.add(
            "C31",
            "images of two folders have one name; the later one is named with its folder",
            severity=Severity.NOTE,
            detail=f"{sample.filename}, now {name}",
        )
        sample.filename = name
        self._names.is_new(name)


def _may_share_images(files: Sequence[CocoFileReader]) -> bool:
    """Return whether two files may describe one image: not where their images lie in folders apart."""
    places: list[str] = []
    for file in files:
        folder = file.image_folder
        # Without images on the disk they are taken to lie beside their file.
        places.append(f"{file.part.path.parent}/" if folder is None else folder.prefix)
    return any(a.startswith(b) or b.startswith(a) for a, b in combinations(places, 2))
