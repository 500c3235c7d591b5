"""Reads lists of images, one path a line, with the label file of each."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from headrace.errors import ParseError
from headrace.formats.findings.collect import Pass, Severity
from headrace.formats.io.walk import stem_of
from headrace.formats.yolo.description import DatasetDescription
from headrace.formats.yolo.layout.clashes import SplitClashes
from headrace.formats.yolo.layout.folders import ImageFinder, LabelFolders, label_folder
from headrace.formats.yolo.layout.source import SplitSource, YoloImage
from headrace.formats.yolo.layout.sources import below_images, listed_paths

_MAX_LINE: Final = 4096
_FOLDERS: Final = 1000


class ImageLists:
    """The lists of one dataset.

    Args:
        dataset: The description.
        clashes: Tells names that occur in several splits.
        labels_of: Maps folders of images to folders of labels.
        media: A folder of images, for label files whose images are missing.
        found: Receives findings; None for a walk that only lists names.
    """

    def __init__(
        self,
        dataset: DatasetDescription,
        clashes: SplitClashes,
        labels_of: LabelFolders,
        media: Path | None,
        found: Pass | None,
    ) -> None:
        self._dataset = dataset
        self._base = os.path.abspath(dataset.base).replace(os.sep, "/")
        self._clashes = clashes
        self._labels_of = labels_of
        self._media = None if media is None else ImageFinder([media])
        self._found = found

    def items(self, source: SplitSource) -> Iterator[YoloImage]:
        """Yield the images of a list, or the one image that a source is, in the order of the list."""
        if source.kind == "image":
            yield from self._listed([source.path.name], source)
            return
        with source.path.open("rb") as file:
            lines = iter(lambda: file.readline(_MAX_LINE), b"")
            yield from self._listed(_lines(lines, source), source)

    def _listed(self, lines: Iterable[str], source: SplitSource) -> Iterator[YoloImage]:
        base, labels = 0, {"": ""}
        for line in lines:
            paths = list(listed_paths(line, source, self._dataset))
            # The base that matched the previous line is tried first.
            bases = [base, *(number for number in range(len(paths)) if number != base)]
            fits = next((n for n in bases if n < len(paths) and os.path.isfile(paths[n])), None)
            if fits is None:
                if (only := self._label_only(paths, source)) is not None:
                    yield only
                else:
                    self._missing(line, source)
                continue
            if fits != base:
                self._note_base(paths[fits])
                base = fits
            path = os.path.abspath(paths[base]).replace(os.sep, "/")
            folder, _, name = path.rpartition("/")
            if folder not in labels:
                if len(labels) >= _FOLDERS:
                    labels.clear()
                labels[folder] = self._labels_of.of(folder, "")
            label = f"{labels[folder]}/{stem_of(name)}.txt"
            yield YoloImage(self._name(path, source), source.split, path, label, self._below(path))

    def _label_only(self, paths: list[str], source: SplitSource) -> YoloImage | None:
        """Return the item of a line whose image is missing but whose label file is there."""
        for each in paths:
            path = os.path.abspath(each).replace(os.sep, "/")
            folder, _, name = path.rpartition("/")
            label = f"{label_folder(folder)}/{stem_of(name)}.txt"
            if os.path.isfile(label):
                image = self._in_media(path)
                full = self._name(path, source)
                return YoloImage(full, source.split, image, label, self._below(path))
        return None

    def _in_media(self, path: str) -> str | None:
        """Find an image in the folder of images, by its path in the dataset or by its name."""
        if self._media is None:
            return None
        names = (self._below(path) or "", path.rpartition("/")[2])
        return next((at for name in names if (at := self._media.find(stem_of(name)))), None)

    def _below(self, path: str) -> str | None:
        return path[len(self._base) + 1 :] if path.startswith(f"{self._base}/") else None

    def _name(self, path: str, source: SplitSource) -> str:
        below = self._below(path)
        if below is None:
            _, found, tail = path.rpartition("/images/")
            return below_images(tail, source.split) if found else path.rpartition("/")[2]
        name = below_images(below, source.split)
        folder, _, last = below.rpartition("/")
        if name != below and self._clashes.in_lists(source, self._base, folder, last):
            return f"{source.split}/{name}"
        return name

    def _note_base(self, path: str) -> None:
        if self._found is not None:
            self._found.add(
                "Y06",
                "paths of an image list are relative to another folder",
                severity=Severity.NOTE,
                path=path,
            )

    def _missing(self, line: str, source: SplitSource) -> None:
        if self._found is not None:
            self._found.images_in += 1
            self._found.add(
                "Y06",
                "an image of the list does not exist",
                severity=Severity.ERROR,
                path=source.path,
                detail=line,
                dropped_images=1,
            )


def _lines(raw: Iterable[bytes], source: SplitSource) -> Iterator[str]:
    for number, line in enumerate(raw, 1):
        try:
            text = line.decode().removeprefix("\ufeff").strip()
        except UnicodeDecodeError:
            raise ParseError("the file is not UTF-8", path=source.path, line=number) from None
        if len(line) >= _MAX_LINE or "\0" in text:
            raise ParseError(
                "the file is not a list of images", path=source.path, line=number, finding="Y06"
            )
        if text:
            yield text
