"""Finds the folder of image files that an annotation file only names, from a few of the names.

An annotation file says ``a.jpg``; the file lies beside it, in ``images``, in ``../train2017`` or anywhere else in the
data set. Where the first names lie is where all lie: so a path costs no look at the disk.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from headrace.formats.io.look import look_below

#: Number of names that decide.
SAMPLES: Final = 8
_MAX_FOLDERS: Final = 100


class ImageFolder(NamedTuple):
    """Where images lie.

    Attributes:
        prefix: The folder below the root: empty, or ending in ``/``.
        base_only: Only the last part of a name counts; its folders are those of another machine.
    """

    prefix: str
    base_only: bool = False

    def path(self, name: str) -> str | None:
        """Return the path of an image below the root, or None for a name that leads out of its folder."""
        if self.base_only:
            name = name.rpartition("/")[2]
        path = f"{self.prefix}{name}"
        return clean_path(path) if "./" in path or "//" in path or path[:1] == "/" else path


def clean_path(path: str) -> str | None:
    """Return a path below a root without ``.`` and ``..``, or None where it leads out of the root."""
    if path.startswith("/"):
        return None
    clean = os.path.normpath(path)
    return None if clean == ".." or clean.startswith("../") else clean


def find_image_folder(
    root: Path, names: Sequence[str], near: Iterable[str], *, deep: bool = True
) -> ImageFolder | None:
    """Return the folder where most of some images lie, or None where none of them is found.

    Args:
        root: The folder of the source.
        names: Names of a few images, ``/``-separated; see :data:`SAMPLES`.
        near: Folders below the root where images are usual, the most likely first; empty, or ending in ``/``. The
            other folders below the root follow, where images of equal names in two folders decide nothing.
        deep: Whether they follow: not where the root is only the folder of a file, which may hold anything else.
    """
    names = [name for name in names if name and "\0" not in name]
    if not names:
        return None
    folders = list(dict.fromkeys(near))
    usual = _best(root, names, folders)
    if usual or not deep:
        return usual[0] if usual else None
    return _only(_best(root, names, _below(root, folders)), names)


def _best(root: Path, names: Sequence[str], prefixes: Iterable[str]) -> list[ImageFolder]:
    """Return the folders with the most of some images, in order."""
    best: list[ImageFolder] = []
    most = 1
    has_folders = any("/" in name for name in names)
    for prefix in prefixes:
        for folder in (ImageFolder(prefix), ImageFolder(prefix, base_only=True)):
            if folder.base_only and not has_folders:
                continue
            hits = sum(_is_there(root, folder, name) for name in names)
            if hits > most:
                best, most = [], hits
            if hits == most:
                best.append(folder)
    return best


def _only(best: list[ImageFolder], names: Sequence[str]) -> ImageFolder | None:
    """Return the first of some folders, or None where another one gives the images other paths."""
    paths = {tuple(folder.path(name) for name in names) for folder in best}
    return best[0] if len(paths) == 1 else None


def _is_there(root: Path, folder: ImageFolder, name: str) -> bool:
    path = folder.path(name)
    return path is not None and os.path.isfile(f"{root}/{path}")


def _below(root: Path, known: list[str]) -> Iterable[str]:
    """Yield the other folders below the root; looked up only where the usual ones have no image."""
    count = 0
    for relative, listed in look_below(root, ()):
        for name in listed.folders:
            folder = f"{relative}{name}/"
            if folder not in known:
                count += 1
                if count > _MAX_FOLDERS:
                    return
                yield folder
