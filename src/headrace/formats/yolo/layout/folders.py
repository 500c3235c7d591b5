"""Finds the folder of labels for a folder of images, and the image of a label file."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Final

from headrace.errors import ParseError
from headrace.formats.io.image_size import IMAGE_SUFFIXES, SUFFIXES_BY_USE
from headrace.formats.io.look import MAX_ENTRIES
from headrace.formats.io.walk import stem_of, suffix_of
from headrace.formats.yolo.classes import CLASS_LISTS
from headrace.formats.yolo.tokenize import looks_like_rows

# Files and folders that a search opens at most, so that it stays short in folders of millions of files.
_TRIES: Final = 50
_FOLDERS: Final = 200
_DEPTH: Final = 3
# Searches of a dataset: its sources are few, but the images of a list may lie in a folder each.
_SEARCHES: Final = 20


def label_folder(folder: str) -> str:
    """Return the label folder for a folder of images: its **last** component ``images`` becomes ``labels``.

    Without such a component, or where that folder does not exist, labels are expected next to the images.
    """
    labels = _with_component(folder, "images", "labels")
    return labels if os.path.isdir(labels) else folder


def image_folder(folder: str) -> str:
    """Return where the images of a folder of labels would be: the opposite of :func:`label_folder`."""
    return _with_component(folder, "labels", "images")


def _with_component(folder: str, old: str, new: str) -> str:
    """Return a path whose last component of one name has another one; the path itself without such a component."""
    # The slash in front: a relative path may begin with the component.
    head, found, tail = f"/{folder}/".rpartition(f"/{old}/")
    return f"{head}/{new}/{tail}"[1:].rstrip("/") if found else folder


def path_below(base: Path, folder: str) -> str | None:
    """Return the path of a folder below ``base``, empty or ending in ``/``; None where it lies elsewhere."""
    top = _absolute(base).rstrip("/")
    path = _absolute(folder)
    if path == top:
        return ""
    return f"{path[len(top) + 1 :]}/" if path.startswith(f"{top}/") else None


def has_images(folder: str | Path) -> bool:
    """Return whether the folder, or one below it, contains an image."""
    return next(_files(str(folder), IMAGE_SUFFIXES), None) is not None


def has_images_directly(folder: str | Path) -> bool:
    """Return whether the folder itself contains an image."""
    return next(_files(str(folder), IMAGE_SUFFIXES, depth=0), None) is not None


def label_files(folder: str | Path) -> Iterator[str]:
    """Yield the paths of some text files below a folder that start with a row of a label file."""
    texts = (path for path in _files(str(folder), frozenset({"txt"})) if not is_other_text(path))
    return (path for path in islice(texts, _TRIES) if looks_like_rows(path))


def labels_beside(folder: str | Path) -> bool:
    """Return whether label files lie beside images of their names."""
    return _labels_of(_absolute(folder), _absolute(folder))


def is_other_text(path: str) -> bool:
    """Return whether a text file has a name that tools give to lists of classes and to explanations."""
    name = path.rpartition("/")[2].lower()
    return name in CLASS_LISTS or name == "license.txt" or name.startswith("readme.")


def other_label_folder(folder: str, base: Path) -> str | None:
    """Find the label files of a folder of images where they are neither in ``labels`` nor beside the images.

    The folder has any name and lies beside a component of the images' path, or in the folder of the images; one of its
    label files must have the name of an image. Its subfolders are those of the images.

    Args:
        folder: A folder of images.
        base: The folder of the dataset; nothing above it is searched.

    Raises:
        ParseError: Several folders have such label files.
    """
    top, path = _absolute(base), _absolute(folder)
    found: list[str] = []
    tail: list[str] = []
    while not found:
        for name in subfolders(path):
            other = f"{path}/{name}"
            if tail and name == tail[0]:
                continue
            for each in _with_inner(other, tail[1:]):
                if _labels_of(each, _absolute(folder)):
                    found.append(each)
                    break
        if path == top or not path.startswith(f"{top}/"):
            break
        path, _, last = path.rpartition("/")
        tail.insert(0, last)
    if len(found) > 1:
        names = ", ".join(each.removeprefix(f"{top}/") for each in found)
        raise ParseError(
            f"several folders hold label files for the same images ({names})",
            path=folder,
            finding="Y30",
            hint="name the one to read labels, or move the others out of the folder",
        )
    return found[0] if found else None


def _with_inner(folder: str, tail: Sequence[str]) -> Iterator[str]:
    """Yield a folder with the subfolders ``tail``, also below its only subfolder (DOTA: ``labelTxt-v1.0/labelTxt``)."""
    yield "/".join([folder, *tail])
    inner = list(islice(subfolders(folder), 2))
    if len(inner) == 1 and inner[0] not in tail:
        yield "/".join([folder, inner[0], *tail])


def _labels_of(labels: str, images: str) -> bool:
    """Return whether one of some label files has the name of an image."""
    if not os.path.isdir(labels):
        return False
    finder = ImageFinder([Path(images)])
    return any(finder.find(stem_of(path[len(labels) + 1 :])) for path in label_files(labels))


def subfolders(folder: str | Path) -> list[str]:
    """Return the sorted names of the subfolders, up to a limit."""
    try:
        with os.scandir(folder) as entries:
            names = (each.name for each in entries if each.name[0] != "." and each.is_dir())
            return sorted(islice(names, _FOLDERS))
    except OSError:
        return []


def _files(folder: str, suffixes: frozenset[str], depth: int = _DEPTH) -> Iterator[str]:
    """Yield the paths of files with one of the suffixes, those of a folder before those below it."""
    below: list[str] = []
    try:
        with os.scandir(folder) as entries:
            for entry in islice(entries, MAX_ENTRIES):
                if entry.name.startswith("."):
                    continue
                if suffix_of(entry.name) in suffixes and entry.is_file():
                    yield f"{folder}/{entry.name}"
                elif depth and len(below) < _FOLDERS and entry.is_dir():
                    below.append(entry.name)
    except OSError:
        return
    for name in sorted(below):
        yield from _files(f"{folder}/{name}", suffixes, depth - 1)


def _absolute(path: str | Path) -> str:
    return os.path.abspath(path).replace(os.sep, "/")


class ImageFinder:
    """Finds the image of a label file in other folders; tries the most recently matching suffix first."""

    def __init__(self, folders: Sequence[Path]) -> None:
        self._folders = [str(folder) for folder in folders]
        self._suffixes = list(SUFFIXES_BY_USE)

    def find(self, name: str) -> str | None:
        """Return the path of an image by its name without suffix, or None."""
        for folder in self._folders:
            for number, ending in enumerate(self._suffixes):
                for variant in (ending, ending.upper()):
                    path = f"{folder}/{name}.{variant}"
                    if os.path.isfile(path):
                        if number:
                            self._suffixes.insert(0, self._suffixes.pop(number))
                        return path
        return None


class LabelFolders:
    """Maps folders of images to folders of labels; a search elsewhere happens once for each source.

    Args:
        base: The folder of the dataset.
        on_found: Called with each folder of labels that a search found.
    """

    def __init__(self, base: Path, on_found: Callable[[str], None]) -> None:
        self._base = base
        self._on_found = on_found
        # By folder of images that a source names: the folder of labels elsewhere, None where there is none.
        self._elsewhere: dict[str, str | None] = {}
        self._searches = 0

    def of(self, root: str, relative: str) -> str:
        """Return the folder of labels for the folder ``relative`` (empty, or ending in ``/``) below ``root``."""
        folder = f"{root}/{relative}".rstrip("/")
        labels = label_folder(folder)
        if labels != folder:
            return labels
        if root not in self._elsewhere:
            self._searches += 1
            self._elsewhere[root] = self._search(root) if self._searches <= _SEARCHES else None
            if len(self._elsewhere) > _FOLDERS:
                self._elsewhere = {root: self._elsewhere[root]}
        elsewhere = self._elsewhere[root]
        return folder if elsewhere is None else f"{elsewhere}/{relative}".rstrip("/")

    def _search(self, root: str) -> str | None:
        other = None if labels_beside(root) else other_label_folder(root, self._base)
        if other is not None:
            self._on_found(f"{self._base.as_posix()}/{path_below(self._base, other)}".rstrip("/"))
        return other
