"""Walks the images of a dataset with their label files, and finds label files without an image."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from itertools import chain, islice
from pathlib import Path
from typing import Final, NamedTuple

from headrace.errors import ParseError
from headrace.formats.findings.collect import Pass, Severity
from headrace.formats.io.image_size import IMAGE_SUFFIXES
from headrace.formats.io.walk import Folder, FolderWalk, name_order, sorted_on_disk, stem_of
from headrace.formats.yolo.description import DatasetDescription
from headrace.formats.yolo.layout import (
    ImageFinder,
    SplitSource,
    below_images,
    image_folder,
    label_folder,
    listed_paths,
    path_below,
)
from headrace.formats.yolo.tokenize import fast_rows, read_text

_TEXTS: Final = frozenset({"txt"})
_MAX_LINE: Final = 4096
# Up to this number of label files their names are kept in memory; in larger folders they are sorted like the images.
_REMEMBERED: Final = 100_000


class YoloImage(NamedTuple):
    """An image of a dataset.

    Attributes:
        name: Name of the sample.
        split: Its split; None without splits.
        image: The image file; None if it is missing.
        label: The label file; None without one.
        path: Path of the image below the folder of the dataset, without a suffix where only the label file is known;
            None outside that folder.
        size: Width and height in pixels that the rows refer to, where they are known without the image file.
    """

    name: str
    split: str | None
    image: str | None
    label: str | None
    path: str | None = None
    size: tuple[int, int] | None = None


class YoloWalk:
    """Walks the sources of a dataset.

    Args:
        dataset: The description.
        boundary: Links to folders are followed while they stay below this folder.
        media: A folder of images, for label files whose images are missing.
        found: Receives findings; None for a walk that only lists names.
    """

    def __init__(
        self, dataset: DatasetDescription, boundary: Path, media: Path | None, found: Pass | None
    ) -> None:
        self._dataset = dataset
        self._base = os.path.abspath(dataset.base).replace(os.sep, "/")
        self._boundary = boundary
        self._media = media
        self._found = found

    def items(self, source: SplitSource) -> Iterator[YoloImage]:
        """Return the images of one source in a fixed order."""
        if source.kind == "images":
            return self._images(source)
        if source.kind == "labels":
            return self._labels(source)
        if source.kind == "list":
            return self._list(source)
        return self._listed([source.path.name], source)

    def _images(self, source: SplitSource) -> Iterator[YoloImage]:
        for folder, names in self._walk(source.path, IMAGE_SUFFIXES):
            with _LabelFiles(label_folder(folder.path)) as labels:
                start, before = f"{source.prefix}{folder.relative}", None
                below = path_below(self._dataset.base, folder.path)
                for name in names:
                    stem, image = stem_of(name), f"{folder.path}/{name}"
                    if stem == before:
                        self._note("Y23", "several images share a label file", image)
                    label = labels.take(stem, again=stem == before)
                    before = stem
                    if self._utf8(name, folder):
                        path = None if below is None else below + name
                        yield YoloImage(start + name, source.split, image, label, path)
                if self._found is not None:
                    self._orphans(folder, labels)

    def _labels(self, source: SplitSource) -> Iterator[YoloImage]:
        finder = ImageFinder(self._media_folders(source))
        for folder, names in self._walk(source.path, _TEXTS):
            below = path_below(self._dataset.base, image_folder(folder.path))
            for name in names:
                stem = f"{folder.relative}{stem_of(name)}"
                image = finder.find(stem)
                ending = "" if image is None else image[image.rfind(".") :]
                if self._utf8(name, folder):
                    yield YoloImage(
                        f"{source.prefix}{stem}{ending}",
                        source.split,
                        image,
                        f"{folder.path}/{name}",
                        None if below is None else f"{below}{stem_of(name)}{ending}",
                    )

    def _list(self, source: SplitSource) -> Iterator[YoloImage]:
        with source.path.open("rb") as file:
            yield from self._listed(
                _lines(iter(lambda: file.readline(_MAX_LINE), b""), source), source
            )

    def _listed(self, lines: Iterable[str], source: SplitSource) -> Iterator[YoloImage]:
        base, labels = 0, {"": ""}
        for line in lines:
            paths = list(listed_paths(line, source, self._dataset))
            # The base that matched the previous line is tried first.
            bases = [base, *(number for number in range(len(paths)) if number != base)]
            fits = next((n for n in bases if n < len(paths) and os.path.isfile(paths[n])), None)
            if fits is None:
                self._missing(line, source)
                continue
            if fits != base:
                self._note(
                    "Y06",
                    "paths of an image list are relative to another folder",
                    paths[fits],
                    Severity.NOTE,
                )
                base = fits
            path = os.path.abspath(paths[base]).replace(os.sep, "/")
            folder, _, name = path.rpartition("/")
            if folder not in labels:
                labels = {folder: label_folder(folder)}
            label = f"{labels[folder]}/{stem_of(name)}.txt"
            below = path[len(self._base) + 1 :] if path.startswith(f"{self._base}/") else None
            yield YoloImage(self._name(path, source), source.split, path, label, below)

    def _name(self, path: str, source: SplitSource) -> str:
        if path.startswith(f"{self._base}/"):
            return below_images(path[len(self._base) + 1 :], source.split)
        _, found, tail = path.rpartition("/images/")
        return below_images(tail, source.split) if found else path.rpartition("/")[2]

    def _walk(self, root: Path, suffixes: frozenset[str]) -> Iterator[tuple[Folder, Iterator[str]]]:
        boundary = self._boundary if root.is_relative_to(self._boundary) else root
        return FolderWalk(root, suffixes, boundary=boundary, refused=self._refused).folders()

    def _refused(self, path: str) -> None:
        self._note(
            "Y24", "a linked folder is outside the dataset or forms a cycle; not followed", path
        )

    def _media_folders(self, source: SplitSource) -> list[Path]:
        if self._media is None:
            return []
        split = source.path.name
        named = [self._media / "images" / split, self._media / split, self._media / "images"]
        return [*(folder for folder in named if folder.is_dir()), self._media]

    def _utf8(self, name: str, folder: Folder) -> bool:
        if name.isascii() or not any("\ud800" <= char <= "\udfff" for char in name):
            return True
        if self._found is not None:
            self._found.images_in += 1
            self._found.add(
                "Y08",
                "a file name is not UTF-8",
                severity=Severity.ERROR,
                path=ascii(f"{folder.path}/{name}"),
                dropped_images=1,
            )
        return False

    def _orphans(self, folder: Folder, labels: _LabelFiles) -> None:
        """Add a finding for each label file without an image."""
        finder = ImageFinder([Path(folder.path)])
        for path in labels.left():
            if finder.find(stem_of(path.rpartition("/")[2])) is None:
                self._orphan(path, beside=labels.folder == folder.path)

    def _orphan(self, path: str, *, beside: bool) -> None:
        if self._found is None or not os.path.isfile(path):
            return
        rows = fast_rows(read_text(path) or b"")
        if rows is None or (beside and not all(len(row) >= 5 for row in rows if row)):
            self._note("Y07", "a text file that is not a label file; skipped", path, Severity.NOTE)
            return
        count = sum(1 for row in rows if row)
        self._found.images_in += 1
        self._found.shapes_in += count
        self._found.add(
            "Y07", "a label file without an image", path=path, dropped=count, dropped_images=1
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

    def _note(
        self, code: str, message: str, path: str, severity: Severity = Severity.WARNING
    ) -> None:
        if self._found is not None:
            self._found.add(code, message, severity=severity, path=path)


class _LabelFiles(ExitStack):
    """The label files of one folder, and the number of those with an image. A context manager."""

    def __init__(self, folder: str) -> None:
        super().__init__()
        self.folder = folder
        texts = _texts(folder)
        names = list(islice(texts, _REMEMBERED + 1))
        self._names = set(names) if len(names) <= _REMEMBERED else None
        self._count, self._taken = len(names), 0
        self._next: str | None = None
        if self._names is None:
            every = sorted_on_disk(chain(names, texts), name_order, self)
            self._stems = enumerate(map(stem_of, every), 1)
            self._count, self._next = next(self._stems, (0, None))

    def take(self, stem: str, *, again: bool) -> str | None:
        """Return the label file for an image with this stem, or None; call it in the order of stems."""
        name = f"{stem}.txt"
        if self._names is None:
            while self._next is not None and self._next < stem:
                self._count, self._next = next(self._stems, (self._count, None))
            there = self._next == stem
        else:
            there = name in self._names
        if not there:
            return None
        self._taken += not again
        return f"{self.folder}/{name}"

    def left(self) -> Iterator[str]:
        """Yield candidates for label files without an image: all files, if any was not taken."""
        if self._names is None:
            self._count += sum(1 for _ in self._stems)
        if self._count > self._taken:
            yield from (f"{self.folder}/{name}" for name in _texts(self.folder))


def _texts(folder: str) -> Iterator[str]:
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                name = entry.name
                if name.endswith(".txt") and not name.startswith(".") and entry.is_file():
                    yield name
    except (FileNotFoundError, NotADirectoryError):
        return


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
