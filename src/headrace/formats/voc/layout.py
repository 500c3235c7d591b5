"""Locates VOC files, their images and their split lists."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack
from heapq import merge
from pathlib import Path
from typing import Final

from msgspec import Struct

from headrace.errors import ParseError
from headrace.formats.io.image_size import IMAGE_SUFFIXES
from headrace.formats.io.look import MAX_ENTRIES, list_folder, look_below
from headrace.formats.io.split_names import split_of_word
from headrace.formats.io.walk import sorted_on_disk
from headrace.formats.voc.detect import is_annotation

_SETS: Final = ("Main", "Layout", "Segmentation", "Action", "")
_OF_CLASS = re.compile(r".+_(train|val|trainval|test)")
_MARKS: Final = frozenset({"-1", "0", "1"})
_MARK_ENDS: Final = "01"
_MAX_LINE: Final = 4096
_MAX_FOLDERS: Final = 64
_LOOK: Final = 10_000
_TRIES: Final = 5


class Devkit(Struct, frozen=True):
    """One devkit: its folder, the folder of its XML files, the prefix of its sample names, and its split."""

    root: Path
    annotations: Path
    prefix: str = ""
    split: str | None = None


def find_devkits(path: Path) -> list[Devkit]:
    """Find devkits: the folder itself, folders below it, or a plain folder of XML files."""
    own = _annotations(path)
    if own is not None:
        return [Devkit(path, own)]
    children = list_folder(path, (), entries=MAX_ENTRIES).folders
    for names in (children, _grandchildren(path, children)):
        found = [(path / name, below) for name in names if (below := _annotations(path / name))]
        if len(found) == 1 and not split_of_word(found[0][0].name):
            return [Devkit(*found[0])]
        if found:
            return [_one_of_several(path, *each) for each in found]
    return [Devkit(path, _only_folder_of_xml(path, children) or path)]


def _annotations(root: Path) -> Path | None:
    for name in ("Annotations", "annotations"):
        folder = root / name
        if folder.is_dir() and _has_xml(folder):
            return folder
    return None


def _has_xml(folder: Path) -> bool:
    return any(listed.files for _, listed in look_below(folder, (".xml",), entries=_LOOK))


def _grandchildren(path: Path, children: list[str]) -> list[str]:
    return [
        f"{name}/{below}"
        for name in children[:_MAX_FOLDERS]
        for below in list_folder(path / name, (), entries=_LOOK).folders
    ]


def _one_of_several(path: Path, root: Path, annotations: Path) -> Devkit:
    """Return a devkit beside others: named with its folder, unless that is only the name of its split."""
    split = split_of_word(root.name)
    return Devkit(
        root, annotations, "" if split else f"{root.relative_to(path).as_posix()}/", split
    )


def _only_folder_of_xml(path: Path, children: list[str]) -> Path | None:
    """Return the folder that holds all annotations and no images: ``annots`` beside ``images``."""
    if any(list_folder(path, (".xml",)).files):
        return None
    found = [path / name for name in children[:_MAX_FOLDERS] if _has_annotations(path / name)]
    if len(found) != 1 or split_of_word(found[0].name):
        return None
    images = tuple(f".{suffix}" for suffix in IMAGE_SUFFIXES)
    return None if list_folder(found[0], images, entries=_LOOK).files else found[0]


def _has_annotations(folder: Path) -> bool:
    for relative, listed in look_below(folder, (".xml",), entries=_LOOK):
        if any(is_annotation(folder / relative / name) for name in listed.files[:_TRIES]):
            return True
    return False


def split_of_folder(relative: str) -> tuple[str | None, str]:
    """Return the split named by the first folder of a path (Roboflow: ``train/``), and the rest of the path."""
    first, slash, rest = relative.partition("/")
    split = split_of_word(first) if slash else None
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
        # CVAT lists the images without a split as "default".
        plain.pop("default", None)
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

    def __init__(self, files: dict[str, Path], stack: ExitStack) -> None:
        streams = [_stream(path, split, stack) for split, path in files.items()]
        self._stream: Iterator[tuple[Key, str]] = merge(*streams)
        self._next = next(self._stream, None)
        self.any = bool(files)

    def take(self, key: Key) -> list[str]:
        """Return the splits that list the file with this key; call :meth:`missing` for the names before it first."""
        splits: list[str] = []
        while self._next is not None and self._next[0] == key:
            splits.append(self._next[1])
            self._next = next(self._stream, None)
        return list(dict.fromkeys(splits)) if len(splits) > 1 else splits

    def missing(self, before: Key | None = None) -> Iterator[tuple[str, str]]:
        """Yield the listed names that have no file, each with the first split that lists it: those before a key, or all."""
        last = None
        while self._next is not None and (before is None or self._next[0] < before):
            key, split = self._next
            if key != last:
                yield "/".join((*key[0], key[1])), split
            last = key
            self._next = next(self._stream, None)


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
