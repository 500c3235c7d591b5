"""Finds the images of XML files: the folder where they lie, and the name that they have there."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from headrace.formats.io.image_size import IMAGE_SUFFIXES, SUFFIXES_BY_USE
from headrace.formats.io.look import list_folder
from headrace.formats.io.walk import suffix_of
from headrace.formats.voc.layout import Devkit

#: Number of XML files whose images decide where those of their folder lie.
SAMPLES: Final = 3
_USUAL: Final[tuple[str, ...]] = ("JPEGImages", "images", "Images", "img", "imgs", "image", "data")
_OTHERS: Final = frozenset({"ImageSets", "SegmentationClass", "SegmentationObject"})
_MAX_FOLDERS: Final = 32


class FolderMedia(NamedTuple):
    """Where the images of a folder of XML files lie.

    Attributes:
        prefix: Their folder below the folder of the source: empty, or ending in ``/``.
        ending: The suffix of the first one, with its dot. Images with this suffix are taken to be there.
    """

    prefix: str
    ending: str


class MediaFolders:
    """Finds images in the given folder or at the usual locations of the images of one folder of XML files.

    Args:
        root: The folder of the source.
        devkit: The devkit of the XML files.
        relative: Their folder below the folder of annotations: empty, or ending in ``/``.
        given: The folder of images that the caller named.
    """

    def __init__(self, root: Path, devkit: Devkit, relative: str, given: Path | None) -> None:
        self._root = root
        folders = dict.fromkeys(_candidates(devkit, relative, given))
        self._folders = [str(folder) for folder in folders if folder.is_dir()]

    def file(self, name: str) -> str | None:
        """Return the path of the image with this name, or None."""
        if "\0" in name:
            return None
        paths = (f"{folder}/{name}" for folder in self._folders)
        return next((path for path in paths if os.path.isfile(path)), None)

    def name_with_stem(self, stem: str) -> str | None:
        """Return the name of an existing image with this stem, or None."""
        for ending in SUFFIXES_BY_USE:
            for variant in (ending, ending.upper()):
                if self.file(f"{stem}.{variant}"):
                    return f"{stem}.{variant}"
        return None

    def below_root(self, path: str) -> str | None:
        """Return a path as one below the folder of the source, or None where it lies elsewhere."""
        relative = os.path.relpath(path, self._root)
        return None if relative.startswith("..") else relative.replace(os.sep, "/")

    def of_stems(self, stems: Sequence[str]) -> FolderMedia | None:
        """Return where the images of XML files lie, given the stems of a few."""
        for stem in stems:
            name = self.name_with_stem(stem)
            path = None if name is None else self.file(name)
            below = None if path is None else self.below_root(path)
            if name is not None and below is not None:
                return FolderMedia(below[: -len(name)], name[len(stem) :])
        return None


def _candidates(devkit: Devkit, relative: str, given: Path | None) -> Iterator[Path]:
    near = [devkit.root / "JPEGImages", devkit.root / "images", devkit.annotations]
    for root in near if given is None else [given, *near]:
        yield from (root / relative, root)
    own = devkit.annotations / relative
    for base in dict.fromkeys((own.parent, devkit.root)):
        if base.is_relative_to(devkit.root):
            for folder in _folders_in(base):
                yield from (folder / relative, folder)
    yield from (devkit.root / relative, devkit.root)


def _folders_in(base: Path) -> list[Path]:
    """Return the folders in a folder that may hold images, the usual ones first."""
    there = list_folder(base, (), entries=10_000).folders
    names = [name for name in _USUAL if name in there]
    names += [name for name in there if name not in names and name not in _OTHERS]
    return [base / name for name in names[:_MAX_FOLDERS]]


def has_image_suffix(name: str) -> bool:
    """Return whether a name has the suffix of an image."""
    return suffix_of(name) in IMAGE_SUFFIXES
