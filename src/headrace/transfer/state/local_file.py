"""What lies in a target folder under the names of files to fetch: the file itself, an older one of ours, or another's.

A file of headrace's own, unchanged since it was written, may be replaced. Any other file belongs to a person and is kept,
unless it has the content that is asked for. The existence of a file proves nothing.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable
from enum import Enum
from pathlib import Path

from msgspec import Struct, field

from headrace.model.names import STATE_FOLDER
from headrace.transfer.source import Item
from headrace.transfer.state.disk import NO_FOLDER, Folder
from headrace.transfer.state.journal import CompletedFile, Journal, mark_of


class Verdict(Enum):
    """What is to be done about a file.

    ``COMPARE`` means to fetch it and to compare it with the one that is there: neither size nor digest is known.
    """

    COMPLETE = "complete"
    FETCH = "fetch"
    COMPARE = "compare"
    KEEP = "keep"


class Sorted(Struct):
    """Items by what is to be done: ``missing`` are to be fetched, the files of ``kept`` are not touched.

    ``unmarked`` are complete files that the journal does not know. ``complete`` counts all complete files.
    """

    missing: list[Item] = field(default_factory=list)
    kept: list[Item] = field(default_factory=list)
    unmarked: list[CompletedFile] = field(default_factory=list)
    complete: int = 0


class LocalFiles:
    """The files of a target folder, judged with the help of its journal. Its methods block.

    Args:
        target: The folder.
        journal: Its journal.
        is_ours: Tells for a name that a file is ours although the journal does not know it.
    """

    def __init__(
        self, target: Path, journal: Journal, is_ours: Callable[[str], bool] = lambda _: False
    ) -> None:
        self.is_empty = True
        """Whether the folder was empty when it was opened."""
        self._target = target
        self._journal = journal
        self._is_ours = is_ours
        self._open = NO_FOLDER
        self._compared: set[str] = set()

    def open(self, folder: Folder = NO_FOLDER) -> None:
        """Read the journal, and look whether there are files; ``folder`` is the open target."""
        self._open = folder
        try:
            with os.scandir(self._target) as entries:
                self.is_empty = all(entry.name == STATE_FOLDER for entry in entries)
        except FileNotFoundError:
            self.is_empty = True
        self._journal.load()

    def must_compare(self, item: Item) -> bool:
        """Whether a file must not be replaced by this one unless both are equal."""
        return item.name in self._compared

    def sort(self, items: list[Item]) -> Sorted:
        """Sort items by what is to be done. If the folder was empty when it was opened, all of them are missing."""
        found = Sorted()
        if self.is_empty:
            found.missing = items
            return found
        for item in items:
            verdict = self._judge(item, found.unmarked)
            if verdict is Verdict.COMPLETE:
                found.complete += 1
            elif verdict is Verdict.KEEP:
                found.kept.append(item)
            else:
                if verdict is Verdict.COMPARE:
                    self._compared.add(item.name)
                found.missing.append(item)
        return found

    def _judge(self, item: Item, unmarked: list[CompletedFile]) -> Verdict:
        name, want = item.name, item.sha256 or ""
        path = name if self._open.file is not None else f"{self._target}{os.sep}{name}"
        try:
            found = os.stat(path, dir_fd=self._open.file, follow_symlinks=False)
        except NotADirectoryError:
            return Verdict.KEEP  # a file has the name of its folder
        except OSError:
            return Verdict.FETCH
        if stat.S_ISLNK(found.st_mode):
            try:
                found = os.stat(path, dir_fd=self._open.file)
            except OSError:
                return Verdict.KEEP
        mark = mark_of(name, want, found)
        marks = self._journal.marks
        marked = mark in marks
        own = marked or bool(marks.find(mark)) or self._is_ours(name)
        size = found.st_size if stat.S_ISREG(found.st_mode) else None
        verdict = verdict_for(item, size=size, marked=marked, own=own)
        if verdict is Verdict.COMPARE and item.sha256 is not None:
            if _digest(self._target / name) == want:
                verdict = Verdict.COMPLETE
            else:
                verdict = Verdict.FETCH if own else Verdict.KEEP
        if verdict is Verdict.COMPLETE and mark not in marks:
            unmarked.append(CompletedFile(path, mark))
        return verdict


def verdict_for(item: Item, *, size: int | None, marked: bool, own: bool) -> Verdict:
    """Decide what to do about a path that exists; ``COMPARE`` with a known digest means to compute that of the file.

    Args:
        item: The file to fetch.
        size: Size of the local file in bytes; None if it is not a regular file.
        marked: Whether the journal says that the file has the content that is asked for.
        own: Whether the journal says that headrace wrote the file and that it is unchanged.
    """
    if size is None:
        return Verdict.KEEP
    if item.size is not None and size != item.size:
        return Verdict.FETCH if own else Verdict.KEEP
    if marked:
        return Verdict.COMPLETE
    if item.sha256 is not None:
        return Verdict.COMPARE
    if item.size is not None:
        return Verdict.COMPLETE
    return Verdict.FETCH if own else Verdict.COMPARE


def _digest(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None
