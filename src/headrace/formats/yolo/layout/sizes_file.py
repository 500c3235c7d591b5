"""Reads ``image-sizes.jsonl``, which headrace writes beside ``data.yaml``: the images of a dataset and their sizes.

Each line is ``["images/train/a.jpg",640,480]``: the path of an image below the folder of the dataset, as it has or would
have it, and the width and height in pixels that its rows refer to; null for an unknown size. Ultralytics ignores the file.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final, NamedTuple

import orjson

from headrace.formats.findings.collect import Pass
from headrace.formats.io.walk import Folder, name_order, sorted_on_disk

SIZES: Final = "image-sizes.jsonl"
_MAX_LINE: Final = 8192
_MAX_SHARED: Final = 100_000
# A path without these characters stands in the file as it is.
_ESCAPED: Final = frozenset('"\\')


class ListedImage(NamedTuple):
    """A line of the file.

    Attributes:
        folder: Folder of the image below that of its source, empty or ending in ``/``.
        name: File name of the image.
        size: Width and height in pixels; None if unknown.
    """

    folder: str
    name: str
    size: tuple[int, int] | None


class SizesFile:
    """The file of one dataset. It may be in any order and of any length.

    Args:
        path: The file.
        found: Receives a finding for each bad line; None for a walk that only lists names.
    """

    def __init__(self, path: Path, found: Pass | None) -> None:
        self._path = path
        self._found = found

    def below(self, folder: str, stack: ExitStack) -> Iterator[ListedImage]:
        """Return the images below a folder (of the dataset, ending in ``/``) in the order of a walk.

        ``stack`` closes temporary files.
        """
        texts = sorted_on_disk(self._texts(folder), _walk_order, stack)
        return map(_listed, texts)

    def shared_names(self, folders: Sequence[tuple[str, str]]) -> set[str] | None:
        """Return the names that occur below several folders; None if there are more than a memory should hold.

        Args:
            folders: For each folder the prefix that its names get, and its path below the dataset's folder.
        """
        shared: set[str] = set()
        with ExitStack() as stack:
            names = (
                prefix + text.rsplit("\t", 2)[0]
                for prefix, folder in folders
                for text in self._texts(folder)
            )
            before = None
            for name in sorted_on_disk(names, str, stack):
                if name == before:
                    shared.add(name)
                    if len(shared) > _MAX_SHARED:
                        return None
                before = name
        return shared

    def _texts(self, folder: str) -> Iterator[str]:
        """Yield the lines of a folder as path below it, width and height, separated by tabs."""
        plain = not _ESCAPED & {*folder}
        start = b'["' + folder.encode("utf-8", "surrogatepass")
        with self._path.open("rb") as file:
            for number, line in enumerate(iter(lambda: file.readline(_MAX_LINE), b""), 1):
                if plain and line[:2] == b'["' and b"\\" not in line and not line.startswith(start):
                    continue
                path, width, height = _parsed(line)
                if path is None:
                    self._bad(number)
                elif path.startswith(folder):
                    yield f"{path[len(folder) :]}\t{width}\t{height}"

    def _bad(self, number: int) -> None:
        if self._found is not None:
            self._found.add(
                "Y31", "a line that is not a path and a size; skipped", path=self._path, line=number
            )


def merge_folders(
    walk: Iterable[tuple[Folder, Iterator[str]]], listed: Iterator[ListedImage], root: str
) -> Iterator[tuple[Folder, Iterator[tuple[str, bool, tuple[int, int] | None]]]]:
    """Merge the folders of a walk with a list of images in the same order.

    Yields each folder with the names of its images, whether the image exists, and its size in the list. Exhaust the
    names before the next folder.
    """
    rest = _Lookahead(listed)
    for folder, names in walk:
        yield from _missing_folders(rest, root, before=_folder_order(folder.relative))
        yield folder, _merge_names(names, rest, folder.relative)
    yield from _missing_folders(rest, root, before=None)


class _Lookahead:
    def __init__(self, items: Iterator[ListedImage]) -> None:
        self._items = items
        self.next = next(items, None)

    def take(self) -> ListedImage:
        """Return the next image; the same one may stand in the list several times."""
        taken = self.next
        assert taken is not None
        while self.next is not None and self.next[:2] == taken[:2]:
            self.next = next(self._items, None)
        return taken


def _missing_folders(
    rest: _Lookahead, root: str, before: list[str] | None
) -> Iterator[tuple[Folder, Iterator[tuple[str, bool, tuple[int, int] | None]]]]:
    while rest.next is not None and (before is None or _folder_order(rest.next.folder) < before):
        relative = rest.next.folder
        yield Folder(f"{root}/{relative}".rstrip("/"), relative), _merge_names((), rest, relative)


def _merge_names(
    names: Iterable[str], rest: _Lookahead, folder: str
) -> Iterator[tuple[str, bool, tuple[int, int] | None]]:
    for name in names:
        order = _name_order(name)
        while (
            rest.next is not None
            and rest.next.folder == folder
            and _name_order(rest.next.name) < order
        ):
            missing = rest.take()
            yield missing.name, False, missing.size
        if rest.next is not None and rest.next[:2] == (folder, name):
            yield name, True, rest.take().size
        else:
            yield name, True, None
    while rest.next is not None and rest.next.folder == folder:
        missing = rest.take()
        yield missing.name, False, missing.size


def _parsed(line: bytes) -> tuple[str | None, int, int]:
    """Return path, width and height of a line, 0 for an unknown size; no path for a bad line."""
    try:
        values = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None, 0, 0
    if not (isinstance(values, list) and len(values) == 3 and isinstance(values[0], str)):
        return None, 0, 0
    path, width, height = values
    if not path or any(char in path for char in "\0\t\n") or ".." in path.split("/"):
        return None, 0, 0
    if width is None or height is None:
        return path, 0, 0
    if type(width) is not int or type(height) is not int or width < 1 or height < 1:
        return None, 0, 0
    return path, width, height


def _listed(text: str) -> ListedImage:
    path, width, height = text.rsplit("\t", 2)
    folder, slash, name = path.rpartition("/")
    size = (int(width), int(height)) if width != "0" else None
    return ListedImage(folder + slash, name, size)


def _walk_order(text: str) -> Any:
    path = text.rsplit("\t", 2)[0]
    folder, slash, name = path.rpartition("/")
    return _folder_order(folder + slash), _name_order(name)


def _name_order(name: str) -> Any:
    return name_order(name) if "." in name else (name, "", "")


def _folder_order(relative: str) -> list[str]:
    return relative.split("/")[:-1]
