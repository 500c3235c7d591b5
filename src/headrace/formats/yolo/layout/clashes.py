"""Finds the names of a split that occur in another split too, so that samples of two splits never share a name."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import Final

from headrace.formats.yolo.layout.folders import path_below
from headrace.formats.yolo.layout.sizes_file import SIZES, SizesFile
from headrace.formats.yolo.layout.source import SplitSource

# Up to this number of files the names of a folder are kept in memory; in larger folders each name is looked up.
_REMEMBERED: Final = 100_000
_FOLDERS: Final = 20

NameTest = Callable[[str], bool]


class SplitClashes:
    """Looks into the folders of the other splits, a folder at a time. It compares names without a split's prefix.

    Args:
        base: The folder of the dataset.
        sources: All sources that are read.
    """

    def __init__(self, base: Path, sources: Sequence[SplitSource]) -> None:
        self._base = base
        self._sources = sources
        self._listed: set[str] | None = set()
        self._reads_list = (base / SIZES).is_file()
        # The images of folders that were walked lately, for the splits after them.
        self._walked: dict[str, set[str]] = {}

    def walked(self, folder: str, names: Iterator[str]) -> Iterator[str]:
        """Return the names of a folder's images unchanged, and remember them, so that the folder is listed once."""
        if len(self._sources) < 2:
            return names
        first = list(islice(names, _REMEMBERED))
        if len(first) < _REMEMBERED:
            self._walked[folder] = set(first)
            while (
                sum(map(len, self._walked.values())) > _REMEMBERED or len(self._walked) > _FOLDERS
            ):
                del self._walked[next(iter(self._walked))]
        return chain(first, names)

    def in_folder(self, source: SplitSource, start: str) -> NameTest | None:
        """Return a test for file names of one folder, whose samples' names begin with ``start``; None if none clashes."""
        if source.split is None:
            return None
        listed = self._listed_names()
        if listed is None:
            return lambda name: True
        there = self._in_folders(source, start)
        if not listed:
            return there
        return lambda name: start + name in listed or (there is not None and there(name))

    def _listed_names(self) -> set[str] | None:
        """Return the names that several splits have in the list of sizes; None where they are too many."""
        if self._reads_list:
            self._reads_list = False
            folders = [
                (source.prefix, below)
                for source in self._sources
                if (below := path_below(self._base, str(source.path))) is not None
            ]
            if len(folders) > 1:
                self._listed = SizesFile(self._base / SIZES, None).shared_names(folders)
        return self._listed

    def _in_folders(self, source: SplitSource, start: str) -> NameTest | None:
        folders = [
            f"{other.path.as_posix()}/{start.removeprefix(other.prefix)}".rstrip("/")
            for other in self._sources
            if other.split != source.split
            and other.kind == source.kind
            and start.startswith(other.prefix)
        ]
        listed = [
            self._walked[folder] if folder in self._walked else _names(folder) for folder in folders
        ]
        names = frozenset[str]().union(*(each for each in listed if each is not None))
        tests = [
            _lookup(folder) for folder, each in zip(folders, listed, strict=True) if each is None
        ]
        if not tests:
            return names.__contains__ if names else None
        return lambda name: name in names or any(test(name) for test in tests)

    def in_lists(self, source: SplitSource, base: str, folder: str, name: str) -> bool:
        """Return whether an image of a list, in a ``folder`` below ``base``, has a namesake in another split's folder."""
        parts = folder.split("/")
        if source.split not in parts:
            return False
        at = len(parts) - 1 - parts[::-1].index(source.split)
        others = {other.split for other in self._sources if other.split} - {source.split}
        return any(
            os.access("/".join([base, *parts[:at], other, *parts[at + 1 :], name]), os.F_OK)
            for other in others
        )


def _lookup(folder: str) -> NameTest:
    return lambda name: os.access(f"{folder}/{name}", os.F_OK)


def _names(folder: str) -> set[str] | None:
    """Return the names in a folder; None where there are too many, or no folder."""
    try:
        with os.scandir(folder) as entries:
            names = {entry.name for entry in islice(entries, _REMEMBERED + 1)}
    except OSError:
        return None
    return names if len(names) <= _REMEMBERED else None
