"""Write a COCO folder: one file for each split."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import ClassVar, Literal

from msgspec.structs import replace

from headrace.errors import FormatError
from headrace.formats.base import Writer
from headrace.formats.class_order import ClassNumbers
from headrace.formats.coco import INFO
from headrace.formats.coco.image_numbers import kept_numbers
from headrace.formats.coco.writer import CocoWriter
from headrace.formats.findings.collect import Findings, Severity
from headrace.formats.findings.losses import FieldLosses
from headrace.formats.info import FormatInfo
from headrace.formats.io.file_tree import FileTree
from headrace.formats.options import WriteOptions
from headrace.model.sample import LabelInfo, Sample


def create_writer(
    target: Path, labels: Sequence[LabelInfo], *, options: WriteOptions, findings: Findings
) -> Writer:
    """Return a writer of one file where the target ends in ``.json`` or ``.json.gz``, else of a folder."""
    one_file = target.name.lower().endswith(INFO.suffixes)
    writer = CocoWriter if one_file else CocoFolderWriter
    return writer(target, labels, options=options, findings=findings)


class CocoFolderWriter(Writer):
    """Writes ``annotations/instances_SPLIT.json``, or ``instances.json`` for images without a split.

    All files have the same categories. The images belong into a folder called as their split, or into ``images``; their
    names in the files are relative to it.
    """

    info: ClassVar[FormatInfo] = INFO

    @property
    def layout(self) -> Literal["file", "folder"]:
        """A folder."""
        return "folder"

    def _start(self, temp: Path) -> None:
        self._tree = FileTree(temp)
        self._temp = temp
        (temp / "annotations").mkdir()
        kept = kept_numbers([*self.labels.values()], keep_zero=self.options.about is not None)
        self.categories = ClassNumbers(self.labels, self.options.class_order, first=1, kept=kept)
        self._files: dict[str | None, _SplitFile] = {}

    def add_label(self, label: LabelInfo) -> None:
        """Declare a label; after the start it gets its number in the requested order, or the next free one."""
        super().add_label(label)
        if hasattr(self, "categories"):
            self.categories.number(label.name)

    def _write(self, samples: Sequence[Sample]) -> None:
        for split, run in groupby(samples, attrgetter("split")):
            named = list(run)
            try:
                file = self._file_of(split)
            except FormatError as error:
                self._leave_out(named, error)
                continue
            if self.image_paths is not None:
                named = [self._placed(sample, file.image_folder) for sample in named]
            file.write_samples(named)

    def _file_of(self, split: str | None) -> _SplitFile:
        file = self._files.get(split)
        if file is None:
            name = "instances.json" if split is None else f"instances_{split}.json"
            # Checked as a folder and as a file: "a/b" is not a name of a file, "a." none of a folder.
            folder, _ = self._tree.folder_and_stem(f"{split or 'images'}/x")
            if folder.count("/") > 1 or folder == "annotations/":
                raise FormatError(f"the split {split!r} is not a valid folder name")
            file = self._files[split] = _SplitFile(self, self._temp / "annotations" / name, folder)
        return file

    def _placed(self, sample: Sample, image_folder: str) -> Sample:
        """Reserve the place of an image; a second one of the same name gets another name."""
        assert self.image_paths is not None
        folder, stem, suffix = self._tree.folder_stem_suffix(sample.filename)
        used = self._tree.create(f"{image_folder}{folder}", stem, suffix, b"")
        self.image_paths.append(f"{image_folder}{folder}{used}{suffix}")
        return sample if used == stem else replace(sample, filename=f"{folder}{used}{suffix}")

    def _leave_out(self, samples: Sequence[Sample], error: FormatError) -> None:
        for sample in samples:
            self._place(None)
            self.found.add(
                "S01",
                f"image left out: {error.message}",
                severity=Severity.ERROR,
                path=sample.filename,
                dropped=self._left_out(sample.shapes),
                dropped_images=1,
            )

    def _finish(self) -> None:
        self.categories.note_missing(self.found)
        if not self._files:
            self._file_of(None)
        for file in self._files.values():
            file.end()

    def _abandon(self) -> None:
        for file in getattr(self, "_files", {}).values():
            file.close()


class _SplitFile(CocoWriter):
    """One file of a folder, which counts for its whole."""

    def __init__(self, owner: CocoFolderWriter, path: Path, image_folder: str) -> None:
        self.target, self.options, self.findings = path, owner.options, owner.findings
        self.labels, self.found, self.shapes_lost = owner.labels, owner.found, owner.shapes_lost
        self.image_paths = None
        self.image_folder = image_folder
        self._start(path)
        self._losses = FieldLosses(INFO.capability(folder=True))
        self._categories = owner.categories

    def write_samples(self, samples: Sequence[Sample]) -> None:
        """Write images that were counted already."""
        self._write(samples)

    def end(self) -> None:
        """Complete the file."""
        self._end_file()

    def close(self) -> None:
        """Close the file without completing it."""
        self._abandon()
