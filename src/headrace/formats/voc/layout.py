"""Locates VOC files, their images and their split lists."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from heapq import merge
from pathlib import Path
from typing import Final

from msgspec import Struct

from headrace.errors import ParseError
from headrace.formats.io.image_size import IMAGE_SUFFIXES
from headrace.formats.io.walk import sorted_on_disk, suffix_of

_SETS: Final = ("Main", "Layout", "Segmentation", "Action", "")
_OF_CLASS = re.compile(r".+_(train|val|trainval|test)")
_MARKS: Final = frozenset({"-1", "0", "1"})
_MARK_ENDS: Final = "01"
_SPLIT_FOLDERS: Final = {
    "train": "train",
    "valid": "val",
    "validation": "val",
    "val": "val",
    "test": "test",
}
_MAX_LINE: Final = 4096


class Devkit(Struct, frozen=True):
    """One devkit: its folder, the folder of its XML files, and the prefix of its sample names."""

    root: Path
    annotations: Path
    prefix: str = ""


def find_devkits(path: Path) -> list[Devkit]:
    """Find devkits: the folder itself, its children, or a plain folder of XML files."""
    own = _annotations(path)
    if own is not None:
        return [Devkit(path, own)]
    with os.scandir(path) as entries:
        children = sorted(
            entry.name for entry in entries if entry.is_dir() and not entry.name.startswith(".")
        )
    found = [(path / name, below) for name in children if (below := _annotations(path / name))]
    if len(found) == 1:
        return [Devkit(*found[0])]
    if found:
        return [Devkit(root, below, f"{root.name}/") for root, below in found]
    return [Devkit(path, path)]


def _annotations(root: Path) -> Path | None:
    for name in ("Annotations", "annotations"):
        folder = root / name
        if folder.is_dir():
            return folder
    return None


def split_of_folder(relative: str) -> tuple[str | None, str]:
    """Return the split named by the first folder of a path (Roboflow: ``train/``), and the rest of the path."""
    first, slash, rest = relative.partition("/")
    split = _SPLIT_FOLDERS.get(first) if slash else None
    return split, rest if split else relative


def set_files(devkit: Devkit) -> dict[str, Path]:
    """Return the split lists by name, without the lists of single classes (``cow_train.txt``)."""
    for name in _SETS:
        folder = devkit.root / "ImageSets" / name
        if not folder.is_dir():
            continue
        files = sorted(each for each in folder.glob("*.txt") if each.is_file())
        named = {each.stem: each for each in files}
        plain = {split: each for split, each in named.items() if not _OF_CLASS.fullmatch(split)}
        if plain:
            # trainval only repeats train and val.
            if plain.keys() & {"train", "val"}:
                plain.pop("trainval", None)
            return plain
    return {}


Key = tuple[tuple[str, ...], str]


def key_of(relative: str, stem: str) -> Key:
    """Return the sort key of a file in the order of the walk: a folder before its subfolders."""
    return tuple(relative.split("/")[:-1]), stem


class SplitLists:
    """Looks up the splits of files in the order of the walk, by merging sorted lists instead of loading them."""

    def __init__(
        self, files: dict[str, Path], stack: ExitStack, on_missing: Callable[[str], None]
    ) -> None:
        streams = [_stream(path, split, stack) for split, path in files.items()]
        self._stream: Iterator[tuple[Key, str]] = merge(*streams)
        self._next = next(self._stream, None)
        self._on_missing = on_missing
        self.any = bool(files)

    def take(self, key: Key) -> list[str]:
        """Return the splits that list the file with this key; earlier names that were not taken are reported missing."""
        splits: list[str] = []
        while self._next is not None and self._next[0] <= key:
            if self._next[0] == key:
                splits.append(self._next[1])
            else:
                self._report_missing()
            self._next = next(self._stream, None)
        return list(dict.fromkeys(splits)) if len(splits) > 1 else splits

    def finish(self) -> None:
        """Report the remaining names, which have no file."""
        while self._next is not None:
            self._report_missing()
            self._next = next(self._stream, None)

    def _report_missing(self) -> None:
        if self._next is not None:
            (folders, name), _ = self._next
            self._on_missing("/".join((*folders, name)))


def _stream(path: Path, split: str, stack: ExitStack) -> Iterator[tuple[Key, str]]:
    for line in sorted_on_disk(_lines(path), _line_key, stack):
        yield _line_key(line), split


def _line_key(line: str) -> Key:
    folder, slash, name = line.rpartition("/")
    return key_of(folder + slash, name) if slash else ((), line)


def _lines(path: Path) -> Iterator[str]:
    with path.open("rb") as file:
        for number, raw in enumerate(iter(lambda: file.readline(_MAX_LINE), b""), 1):
            try:
                line = raw.decode().removeprefix("\ufeff").strip()
            except UnicodeDecodeError:
                raise ParseError("the file is not UTF-8", path=path, line=number) from None
            if len(raw) >= _MAX_LINE or "\0" in line:
                raise ParseError(
                    "the file is not a list of images", path=path, line=number, finding="V15"
                )
            if not line or line.startswith("#"):
                continue
            if line[-1] in _MARK_ENDS:
                name, *mark = line.rsplit(None, 1)
                line = name if mark and mark[0] in _MARKS else line
            yield line


class MediaFolders:
    """Finds the image of an XML file in the given folder or at the usual locations."""

    def __init__(self, devkit: Devkit, relative: str, given: Path | None) -> None:
        near = [devkit.root / "JPEGImages", devkit.root / "images", devkit.annotations]
        roots = near if given is None else [given, *near]
        folders = [folder for root in roots for folder in (root / relative, root)]
        self._folders = [str(folder) for folder in dict.fromkeys(folders) if folder.is_dir()]
        self._endings = ["jpg", "png", "jpeg", *sorted(IMAGE_SUFFIXES - {"jpg", "png", "jpeg"})]

    def file(self, name: str) -> str | None:
        """Return the path of the image with this name, or None."""
        if "\0" in name:
            return None
        paths = (f"{folder}/{name}" for folder in self._folders)
        return next((path for path in paths if os.path.isfile(path)), None)

    def name_with_stem(self, stem: str) -> str | None:
        """Return the name of an existing image with this stem, or None."""
        for ending in self._endings:
            for variant in (ending, ending.upper()):
                if self.file(f"{stem}.{variant}"):
                    return f"{stem}.{variant}"
        return None


def has_image_suffix(name: str) -> bool:
    """Return whether a name has the suffix of an image."""
    return suffix_of(name) in IMAGE_SUFFIXES
