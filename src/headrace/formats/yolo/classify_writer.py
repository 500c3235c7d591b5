"""Writes classification: every image linked (or copied) into the folder of its class."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from headrace.errors import FormatError
from headrace.formats.findings.collect import Pass, Severity
from headrace.formats.findings.losses import LossCounter
from headrace.formats.io.file_tree import FileTree
from headrace.model.sample import Sample
from headrace.model.shapes import Classification


class ClassFolders:
    """``SPLIT/CLASS/IMAGE`` below a tree; ``images`` is where the images are.

    Raises :class:`~headrace.errors.FormatError` without images: the folders are all that the format says.
    """

    def __init__(
        self, tree: FileTree, images: Path | None, found: Pass, counter: LossCounter
    ) -> None:
        if images is None:
            raise FormatError(
                "classification folders hold the images themselves",
                hint="give the folder of the images",
            )
        self._tree = tree
        self._images = images
        self._found = found
        self._counter = counter

    def write(self, sample: Sample, split_folder: str) -> None:
        """Link one image; ``split_folder`` is its split's folder with ``/`` behind."""
        classes = [shape for shape in sample.shapes if isinstance(shape, Classification)]
        for shape in sample.shapes:
            if not isinstance(shape, Classification):
                kind = type(shape).__name__.lower()
                self._lose(
                    sample, f"a {kind} is left out: classification has labels only", shapes=1
                )
        if not classes:
            self._lose(sample, "an image without a class is left out", images=1)
            return
        if len(classes) > 1:
            more = len(classes) - 1
            self._lose(sample, "further classes of an image are left out", shapes=more)
        self._link(sample, classes[0].label, split_folder)

    def finish(self, labels: Iterable[str], homes: Sequence[str]) -> None:
        """Make the folders of classes without images: the sorted folders are the classes."""
        for label in labels:
            for split_folder in homes or ["train/"]:
                try:
                    self._tree.make_folder(f"{split_folder}{self._folder(label)}")
                except FormatError as error:
                    self._found.add("S01", error.message, severity=Severity.ERROR)

    def _link(self, sample: Sample, label: str, split_folder: str) -> None:
        try:
            folder = f"{split_folder}{self._folder(label)}"
        except FormatError as error:
            self._leave_out(sample, "S01", error.message)
            return
        source = self._find(sample.filename, split_folder)
        if source is None:
            self._leave_out(sample, "Y20", "the image is not there")
            return
        name = sample.filename.replace("\\", "/").rpartition("/")[2]
        stem, dot, suffix = name.rpartition(".")
        used = self._tree.link(folder, stem or suffix, f".{suffix}" if dot and stem else "", source)
        if used != (stem or suffix):
            self._counter.add(
                "Y20", "images of one name; the later ones get a number", Severity.NOTE, name
            )
        self._found.images_out += 1
        self._found.shapes_out += 1

    def _folder(self, label: str) -> str:
        above, _ = self._tree.folder_and_stem(f"{label}/x")
        if above.count("/") != 1:
            raise FormatError(f"the label {label[:80]!r} is no name of one folder")
        return above

    def _find(self, filename: str, split_folder: str) -> str | None:
        names = (filename, f"{split_folder}{filename}", filename.rpartition("/")[2])
        paths = (os.path.join(self._images, name) for name in names)
        return next((path for path in paths if os.path.isfile(path)), None)

    def _lose(self, sample: Sample, why: str, *, shapes: int = 0, images: int = 0) -> None:
        self._counter.add(
            "LOSS",
            why,
            Severity.LOSS,
            sample.filename,
            count=shapes or 1,
            dropped=shapes,
            dropped_images=images,
        )

    def _leave_out(self, sample: Sample, code: str, why: str) -> None:
        self._counter.add(
            code,
            f"image left out: {why}",
            Severity.ERROR,
            sample.filename,
            dropped=1,
            dropped_images=1,
        )
