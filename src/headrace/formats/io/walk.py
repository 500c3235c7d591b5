"""Walks folders in a fixed order, with memory that does not depend on their size."""

from __future__ import annotations

import os
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from itertools import islice
from operator import methodcaller
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, BinaryIO, Final

from msgspec import Struct

_RUN: Final = 100_000
_BLOCK: Final = 4096

#: Sort key of the files in a folder: stem, then suffix. All of them have a suffix.
name_order: Callable[[str], Any] = methodcaller("rpartition", ".")
_MAX_DEPTH: Final = 64


class Folder(Struct):
    """One folder of a walk.

    Attributes:
        path: Its path.
        relative: Its path below the root of the walk: empty, or ending in ``/``.
        files: Number of wanted files so far.
    """

    path: str
    relative: str
    files: int = 0


def stem_of(name: str) -> str:
    """Return a file name up to its last dot; the whole name without one."""
    cut = name.rfind(".")
    return name[:cut] if cut > 0 else name


def suffix_of(name: str) -> str:
    """Return the part after the last dot in lower case; empty without one."""
    cut = name.rfind(".")
    return name[cut + 1 :].lower() if cut > 0 else ""


class FolderWalk:
    """Lists the files below a folder that have one of the given suffixes, in the order of their names.

    Names that begin with a dot are skipped.

    Args:
        root: The folder.
        suffixes: Wanted suffixes, lower case without the dot.
        boundary: Links to folders are followed while they stay below this folder and form no cycle.
        refused: Called with the path of every link that is not followed.
    """

    def __init__(
        self,
        root: Path,
        suffixes: frozenset[str],
        *,
        boundary: Path,
        refused: Callable[[str], None],
    ) -> None:
        self._root = str(root)
        self._suffixes = suffixes
        self._boundary = boundary.resolve()
        self._refused = refused
        self._linked: set[str] = set()

    def folders(self) -> Iterator[tuple[Folder, Iterator[str]]]:
        """Yield each folder and an iterator over its sorted names; exhaust it before the next folder."""
        todo = [Folder(self._root, "")]
        while todo:
            folder = todo.pop()
            below: list[str] = []
            with ExitStack() as stack:
                yield folder, sorted_on_disk(self._wanted(folder, below), name_order, stack)
            found = [
                Folder(f"{folder.path}/{name}", f"{folder.relative}{name}/")
                for name in sorted(below)
                if self._may_enter(folder, name)
            ]
            todo += reversed(found)

    def _wanted(self, folder: Folder, below: list[str]) -> Iterator[str]:
        with ExitStack() as stack:
            try:
                entries = stack.enter_context(os.scandir(folder.path))
            except FileNotFoundError:
                if folder.relative:
                    return  # deleted since its parent was listed
                raise
            for entry in entries:
                name = entry.name
                if name.startswith("."):
                    continue
                if suffix_of(name) in self._suffixes and entry.is_file():
                    folder.files += 1
                    yield name
                elif entry.is_dir():
                    below.append(name)

    def _may_enter(self, folder: Folder, name: str) -> bool:
        path = f"{folder.path}/{name}"
        if folder.relative.count("/") >= _MAX_DEPTH:
            self._refused(path)
            return False
        if not os.path.islink(path):
            return True
        real = os.path.realpath(path)
        cycle = f"{os.path.realpath(folder.path)}/".startswith(f"{real}/")
        if cycle or real in self._linked or not Path(real).is_relative_to(self._boundary):
            self._refused(path)
            return False
        self._linked.add(real)
        return True


def sorted_on_disk(
    texts: Iterable[str], order: Callable[[str], Any], stack: ExitStack
) -> Iterator[str]:
    """Sort texts; above a limit in runs that are stored in temporary files, which ``stack`` closes."""
    texts = iter(texts)
    runs: list[Iterator[list[str]]] = []
    while len(run := list(islice(texts, _RUN))) == _RUN:
        run.sort(key=order)
        file = stack.enter_context(TemporaryFile())  # noqa: SIM115  the stack closes it
        file.write(os.fsencode("\0".join(run)) + b"\0")
        runs.append(_read_run(file))
    run.sort(key=order)
    if not runs:
        return iter(run)
    rest = (run[start : start + _BLOCK] for start in range(0, len(run), _BLOCK))
    return _merged([*runs, rest], order)


def _merged(runs: list[Iterator[list[str]]], order: Callable[[str], Any]) -> Iterator[str]:
    """Merge sorted runs of blocks: everything up to the smallest end of a current block is sorted together."""
    held = [(block, run) for run in runs for block in [next(run, [])] if block]
    while held:
        bound = min(order(block[-1]) for block, _ in held)
        batch: list[str] = []
        remaining: list[tuple[list[str], Iterator[list[str]]]] = []
        for block, run in held:
            cut = bisect_right(block, bound, key=order)
            batch += block[:cut]
            if rest := block[cut:] or next(run, []):
                remaining.append((rest, run))
        batch.sort(key=order)
        yield from batch
        held = remaining


def _read_run(file: BinaryIO) -> Iterator[list[str]]:
    file.seek(0)
    rest = b""
    while data := file.read(64 * 1024):
        whole, end, rest = (rest + data).rpartition(b"\0")
        if end:
            yield os.fsdecode(whole).split("\0")
