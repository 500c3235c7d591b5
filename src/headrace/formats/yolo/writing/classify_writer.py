"""Writes classification datasets: links or copies every image into the folder of its class."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from headrace.errors import FormatError
from headrace.formats.findings.collect import Pass, Severity
from headrace.formats.findings.losses import LossCounter
from headrace.formats.io.file_tree import FileTree
from headrace.model.sample import Sample
from headrace.model.shapes import Classification


class ClassFolders:
    """Writes ``SPLIT/CLASS/IMAGE`` below a tree.

    Args:
        tree: Creates the files.
        images: The folder of the image files.
        found: Receives findings and counts.
        counter: Receives losses.
        lost: Receives the labels of shapes that are left out.
        placed: Whether the caller places the images: an empty file holds the name of each.

    Raises:
        FormatError: ``images`` is None and the caller does not place the images; the format consists of image files only.
    """

    def __init__(
        self,
        tree: FileTree,
        images: Path | None,
        found: Pass,
        counter: LossCounter,
        lost: Counter[str],
        *,
        placed: bool = False,
    ) -> None:
        if images is None and not placed:
            raise FormatError(
                "a classification dataset contains the images themselves",
                hint="pass their folder as images=, or export a version with media='copy'",
            )
        self._tree = tree
        self._images = images
        self._found = found
        self._counter = counter
        self._lost = lost

    def write(self, sample: Sample, split_folder: str) -> str | None:
        """Link one image into ``split_folder``, which ends in ``/``; return its path, None where it is left out."""
        classes = [shape for shape in sample.shapes if isinstance(shape, Classification)]
        for shape in sample.shapes:
            if not isinstance(shape, Classification):
                kind = type(shape).__name__.lower()
                self._lost[shape.label] += 1
                self._note_loss(
                    sample, f"a {kind} is left out: classification has only labels", shapes=1
                )
        if not classes:
            self._note_loss(sample, "an image without a class is left out", images=1)
            return None
        if len(classes) > 1:
            more = len(classes) - 1
            self._lost.update([shape.label for shape in classes[1:]])
            self._note_loss(sample, "additional classes of an image are left out", shapes=more)
        return self._link(sample, classes[0].label, split_folder)

    def finish(self, labels: Iterable[str], split_folders: Sequence[str]) -> None:
        """Create the folders of classes without images, since the sorted folders are the classes."""
        for label in labels:
            for split_folder in split_folders or ["train/"]:
                try:
                    self._tree.make_folder(f"{split_folder}{self._folder(label)}")
                except FormatError as error:
                    self._found.add("S01", error.message, severity=Severity.ERROR)

    def _link(self, sample: Sample, label: str, split_folder: str) -> str | None:
        try:
            folder = f"{split_folder}{self._folder(label)}"
        except FormatError as error:
            self._leave_out(sample, label, "S01", error.message)
            return None
        name = sample.filename.replace("\\", "/").rpartition("/")[2]
        _, stem, suffix = self._tree.folder_stem_suffix(name)
        if self._images is None:
            used = self._tree.create(folder, stem, suffix, b"")
        else:
            source = self._find(self._images, sample.filename, split_folder)
            if source is None:
                self._leave_out(sample, label, "Y20", "the image file does not exist")
                return None
            used = self._tree.link(folder, stem, suffix, source)
        if used != stem:
            self._counter.add(
                "Y20",
                "several images have the same name; later ones get a number",
                Severity.NOTE,
                name,
            )
        self._found.images_out += 1
        self._found.shapes_out += 1
        return f"{folder}{used}{suffix}"

    def _folder(self, label: str) -> str:
        above, _ = self._tree.folder_and_stem(f"{label}/x")
        if above.count("/") != 1:
            raise FormatError(f"the label {label[:80]!r} is not a valid folder name")
        return above

    @staticmethod
    def _find(images: Path, filename: str, split_folder: str) -> str | None:
        names = (filename, f"{split_folder}{filename}", filename.rpartition("/")[2])
        paths = (os.path.join(images, name) for name in names)
        return next((path for path in paths if os.path.isfile(path)), None)

    def _note_loss(self, sample: Sample, why: str, *, shapes: int = 0, images: int = 0) -> None:
        self._counter.add(
            "LOSS",
            why,
            Severity.LOSS,
            sample.filename,
            count=shapes or 1,
            dropped=shapes,
            dropped_images=images,
        )

    def _leave_out(self, sample: Sample, label: str, code: str, why: str) -> None:
        self._lost[label] += 1
        self._counter.add(
            code,
            f"image left out: {why}",
            Severity.ERROR,
            sample.filename,
            dropped=1,
            dropped_images=1,
        )
