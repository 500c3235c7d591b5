"""Walks the images of a dataset with their label files, and finds label files without an image."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from itertools import repeat
from pathlib import Path
from typing import Final

from headrace.formats.findings.collect import Pass, Severity
from headrace.formats.io.image_size import IMAGE_SUFFIXES
from headrace.formats.io.walk import Folder, FolderWalk, stem_of
from headrace.formats.yolo.description import DatasetDescription
from headrace.formats.yolo.layout.clashes import SplitClashes
from headrace.formats.yolo.layout.folders import (
    ImageFinder,
    LabelFolders,
    has_images,
    image_folder,
    is_other_text,
    path_below,
)
from headrace.formats.yolo.layout.image_lists import ImageLists
from headrace.formats.yolo.layout.label_files import LabelFiles
from headrace.formats.yolo.layout.sizes_file import SIZES, SizesFile, merge_folders
from headrace.formats.yolo.layout.source import SplitSource, YoloImage
from headrace.formats.yolo.tokenize import count_lines, fast_rows, has_class_names, read_text

_TEXTS: Final = frozenset({"txt"})
_NO_LABELS: Final = "a text file that is not a label file; skipped"
# Name of an image, whether its file exists, and its size in pixels in the list of sizes.
ImageEntry = tuple[str, bool, tuple[int, int] | None]


class YoloWalk:
    """Walks the sources of a dataset.

    Args:
        dataset: The description.
        boundary: Links to folders are followed while they stay below this folder.
        media: A folder of images, for label files whose images are missing.
        clashes: Tells names that occur in several splits.
        found: Receives findings; None for a walk that only lists names.
    """

    def __init__(
        self,
        dataset: DatasetDescription,
        boundary: Path,
        media: Path | None,
        clashes: SplitClashes,
        found: Pass | None,
    ) -> None:
        self._dataset = dataset
        self._boundary = boundary
        self._media = media
        self._found = found
        self._clashes = clashes
        self._labels_of = LabelFolders(dataset.base, self._elsewhere)
        self._lists = ImageLists(dataset, self._clashes, self._labels_of, media, found)
        self._with_images: dict[Path, bool] = {}
        self.labelled = False
        """Whether an image with a label file was found, or there may be one."""

    def items(self, source: SplitSource) -> Iterator[YoloImage]:
        """Return the images of one source in a fixed order."""
        if source.kind == "images":
            return self._images(source)
        if source.kind == "labels":
            return self._labels(source)
        self.labelled = True
        return self._lists.items(source)

    def _images(self, source: SplitSource) -> Iterator[YoloImage]:
        with ExitStack() as stack:
            for folder, names in self._image_folders(source, stack):
                place = self._labels_of.of(str(source.path), folder.relative)
                with LabelFiles(place) as labels:
                    yield from self._images_of(source, folder, names, labels)
                    self.labelled = self.labelled or labels.taken > 0
                    if self._found is not None:
                        self._orphans(folder, labels)

    def _image_folders(
        self, source: SplitSource, stack: ExitStack
    ) -> Iterator[tuple[Folder, Iterable[ImageEntry]]]:
        """Yield the folders of images, with their images in the order of their names."""
        sizes = self._dataset.base / SIZES
        below = path_below(self._dataset.base, str(source.path))
        listed = below is not None and sizes.is_file()
        walk = self._walk(source.path, IMAGE_SUFFIXES)
        if not listed or below is None:
            for folder, names in walk:
                images = self._clashes.walked(folder.path, names)
                yield folder, zip(images, repeat(True), repeat(None))
            return
        entries = SizesFile(sizes, self._found).below(below, stack)
        there = source.path.is_dir()
        yield from merge_folders(walk if there else (), entries, source.path.as_posix())

    def _images_of(
        self,
        source: SplitSource,
        folder: Folder,
        names: Iterable[ImageEntry],
        labels: LabelFiles,
    ) -> Iterator[YoloImage]:
        start, before = f"{source.prefix}{folder.relative}", None
        split, here = source.split, f"{folder.path}/"
        below = path_below(self._dataset.base, folder.path)
        clashes = self._clashes.in_folder(source, start)
        known, labels_here, taken = labels.names, f"{labels.folder}/", 0
        # This loop takes a good part of the time of reading, so it calls little.
        for name, there, size in names:
            cut = name.rfind(".")
            stem = name[:cut] if cut > 0 else name
            text = f"{stem}.txt"
            if stem == before:
                label = labels.take(stem, again=True)
                if there:
                    self._note("Y23", "several images share a label file", here + name)
            elif known is None:
                label = labels.take(stem)
            elif text in known:
                label = labels_here + text
                taken += 1
            else:
                label = None
            if not there and label is None and self._has_images(source):
                continue  # deleted by its owner, with its label file
            before = stem
            if name.isascii() or self._utf8(name, folder):
                full = start + name
                if clashes is not None and clashes(name):
                    full = f"{split}/{full}"
                image = here + name if there else None
                path = None if below is None else below + name
                yield YoloImage(full, split, image, label, path, size)
        labels.taken += taken

    def _has_images(self, source: SplitSource) -> bool:
        if source.path not in self._with_images:
            self._with_images[source.path] = has_images(source.path)
        return self._with_images[source.path]

    def _labels(self, source: SplitSource) -> Iterator[YoloImage]:
        self.labelled = True
        finder = ImageFinder(self._media_folders(source))
        for folder, names in self._walk(source.path, _TEXTS):
            below = path_below(self._dataset.base, image_folder(folder.path))
            clashes = self._clashes.in_folder(source, f"{source.prefix}{folder.relative}")
            for name in names:
                if is_other_text(name):
                    self._note_text(f"{folder.path}/{name}")
                    continue
                stem = f"{folder.relative}{stem_of(name)}"
                image = finder.find(stem)
                ending = "" if image is None else image[image.rfind(".") :]
                full = f"{source.prefix}{stem}{ending}"
                if clashes is not None and clashes(name):
                    full = f"{source.split}/{full}"
                if self._utf8(name, folder):
                    yield YoloImage(
                        full,
                        source.split,
                        image,
                        f"{folder.path}/{name}",
                        None if below is None else f"{below}{stem_of(name)}{ending}",
                    )

    def _walk(self, root: Path, suffixes: frozenset[str]) -> Iterator[tuple[Folder, Iterator[str]]]:
        boundary = self._boundary if root.is_relative_to(self._boundary) else root
        return FolderWalk(root, suffixes, boundary=boundary, refused=self._refused).folders()

    def _elsewhere(self, path: str) -> None:
        self._note("Y30", "label files are read from a folder of another name", path, Severity.NOTE)

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

    def _orphans(self, folder: Folder, labels: LabelFiles) -> None:
        """Add a finding for each label file without an image."""
        finder = ImageFinder([Path(folder.path)])
        for path in labels.left():
            if finder.find(stem_of(path.rpartition("/")[2])) is None:
                self._orphan(path, beside=labels.folder == folder.path)

    def _orphan(self, path: str, *, beside: bool) -> None:
        if self._found is None or not os.path.isfile(path):
            return
        if is_other_text(path):
            self._note_text(path)
            return
        text = read_text(path) or b""
        rows = fast_rows(text)
        if rows is None and has_class_names(path):
            count = count_lines(text)
        elif rows is None or (beside and not all(len(row) >= 5 for row in rows if row)):
            self._note_text(path)
            return
        else:
            count = sum(1 for row in rows if row)
        self._found.images_in += 1
        self._found.shapes_in += count
        self._found.add(
            "Y07", "a label file without an image", path=path, dropped=count, dropped_images=1
        )

    def _note_text(self, path: str) -> None:
        # The list of classes was read already.
        if os.path.abspath(path) != os.path.abspath(self._dataset.source):
            self._note("Y07", _NO_LABELS, path, Severity.NOTE)

    def _note(
        self, code: str, message: str, path: str, severity: Severity = Severity.WARNING
    ) -> None:
        if self._found is not None:
            self._found.add(code, message, severity=severity, path=path)
