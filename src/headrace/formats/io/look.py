"""Looks into folders of any size: at a bounded number of entries, breadth first, so that no look lasts long."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Final, NamedTuple

#: Entries of one folder that are looked at.
MAX_ENTRIES: Final = 100_000
MAX_FOLDERS: Final = 200
MAX_DEPTH: Final = 4


class Listed(NamedTuple):
    """The names of some files and of some folders in a folder, sorted, without hidden ones; ``looked`` at so many."""

    files: list[str]
    folders: list[str]
    looked: int


def list_folder(
    folder: str | Path, suffixes: tuple[str, ...], *, entries: int = MAX_ENTRIES
) -> Listed:
    """List the files with one of these suffixes (lower case, with the dot), and the folders, of a folder.

    A folder that does not exist or must not be read is empty.

    Args:
        folder: The folder.
        suffixes: Suffixes of the files.
        entries: Number of entries to look at, at most.
    """
    files: list[str] = []
    folders: list[str] = []
    looked = 0
    try:
        with os.scandir(folder) as found:
            for entry in islice(found, entries):
                looked += 1
                name = entry.name
                if name.startswith("."):
                    continue
                if name.lower().endswith(suffixes) and entry.is_file():
                    files.append(name)
                elif entry.is_dir():
                    folders.append(name)
    except OSError:
        return Listed([], [], looked)
    return Listed(sorted(files), sorted(folders), looked)


def look_below(
    folder: Path,
    suffixes: tuple[str, ...],
    *,
    depth: int = MAX_DEPTH,
    entries: int = MAX_ENTRIES,
) -> Iterator[tuple[str, Listed]]:
    """Yield the path of each folder below a folder, empty or ending in ``/``, and what it lists; itself first.

    Args:
        folder: The folder.
        suffixes: Suffixes of the files to list.
        depth: Number of levels below the folder.
        entries: Number of entries to look at in all folders together, at most.
    """
    todo = deque([("", 0)])
    folders = 0
    while todo and folders < MAX_FOLDERS and entries > 0:
        relative, level = todo.popleft()
        listed = list_folder(folder / relative, suffixes, entries=entries)
        folders += 1
        entries -= listed.looked
        yield relative, listed
        if level < depth:
            todo += [(f"{relative}{name}/", level + 1) for name in listed.folders]
