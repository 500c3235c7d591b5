"""Which files of a folder were verified and are safely on the disk: an append-only list of marks.

A mark is eight bytes: the hash of a file's name, size, time of change and what it had to be. So a file that was
touched, or must be another one now, has another mark, and a mark that a crash cut short or filled with zeros fits no
file. Marks are written after the files they speak of were synced. In memory they take 16 to 32 bytes a file.
"""

from __future__ import annotations

import contextlib
import os
from array import array
from hashlib import blake2b
from pathlib import Path

from msgspec import Struct

from headrace.transfer.disk import sync

HEADER = b"headrace pulled\n"
MARK = 8
_READ = 1 << 20


class Done(Struct, frozen=True, gc=False):
    """A complete file and its mark."""

    path: str
    mark: int


def mark_of(name: str, want: str, stat: os.stat_result) -> int:
    """The mark of a file; ``want`` is what it had to be."""
    text = f"{name}\0{stat.st_size}\0{stat.st_mtime_ns}\0{want}"
    return int.from_bytes(blake2b(text.encode(errors="surrogatepass"), digest_size=MARK).digest())


class Journal:
    """The marks of one folder. Not for several threads at once."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._marks = MarkSet()
        self._file: int | None = None
        self.synced = True
        """False once the file system has said that it cannot sync: a mark then survives no power cut for certain."""

    def __len__(self) -> int:
        return len(self._marks)

    def __contains__(self, mark: int) -> bool:
        return mark in self._marks

    def load(self) -> None:
        """Read what is there; a journal that is none is begun anew."""
        try:
            with self._path.open("rb") as file:
                if file.read(len(HEADER)) != HEADER:
                    return
                while block := file.read(_READ):
                    whole = len(block) - len(block) % MARK
                    marks = array("Q", block[:whole])
                    for mark in marks:
                        self._marks.add(mark)
        except FileNotFoundError:
            return

    def commit(self, done: list[Done]) -> None:
        """Sync the files, then say that they are done; one that is gone again is left out."""
        folders: set[str] = set()
        marks = array("Q")
        for each in done:
            synced = _sync_file(each.path)
            if synced is not None:
                self.synced &= synced
                folders.add(os.path.dirname(each.path))
                marks.append(each.mark)
                self._marks.add(each.mark)
        for folder in folders:
            sync_folder(folder)
        if marks:
            file = self._open()
            os.write(file, marks.tobytes())
            self.synced &= sync(file)

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _open(self) -> int:
        if self._file is None:
            flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_CLOEXEC", 0)
            self._file = os.open(self._path, flags, 0o600)
            size = os.fstat(self._file).st_size
            if size < len(HEADER) or os.pread(self._file, len(HEADER), 0) != HEADER:
                os.ftruncate(self._file, 0)
                os.write(self._file, HEADER)
            elif size % MARK:
                os.write(self._file, bytes(MARK - size % MARK))
        return self._file


class MarkSet:
    """A set of 64-bit numbers in one flat table. Zero is in no set."""

    def __init__(self) -> None:
        self._table = array("Q", bytes(MARK * 1024))
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def __contains__(self, number: int) -> bool:
        return number != 0 and self._table[self._place(self._table, number)] == number

    def add(self, number: int) -> bool:
        """Whether the number is new."""
        if number == 0:
            return False
        place = self._place(self._table, number)
        if self._table[place] == number:
            return False
        self._table[place] = number
        self._count += 1
        if self._count * 3 > len(self._table) * 2:
            self._grow()
        return True

    def _grow(self) -> None:
        wider = array("Q", bytes(MARK * 2 * len(self._table)))
        for number in self._table:
            if number:
                wider[self._place(wider, number)] = number
        self._table = wider

    @staticmethod
    def _place(table: array[int], number: int) -> int:
        """Where a number is, or where it would be put."""
        last = len(table) - 1
        place = number & last
        while table[place] not in (0, number):
            place = (place + 1) & last
        return place


def sync_folder(folder: str | Path) -> None:
    """Make the names in a folder outlive a power cut, where the system knows how."""
    with contextlib.suppress(PermissionError, IsADirectoryError):
        file = os.open(folder, os.O_RDONLY)
        try:
            with contextlib.suppress(OSError):
                os.fsync(file)
        finally:
            os.close(file)


def _sync_file(path: str) -> bool | None:
    """Whether the file is on the disk; None where there is none."""
    try:
        file = os.open(path, os.O_RDWR | getattr(os, "O_BINARY", 0))
    except FileNotFoundError:
        return None
    try:
        return sync(file)
    finally:
        os.close(file)
