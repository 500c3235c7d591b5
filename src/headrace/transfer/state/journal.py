"""The journal of verified and synced files: an append-only list of marks.

A mark has eight bytes. Its low 40 bits are a hash of a file's name, size and modification time: a file that has them is
headrace's own and unchanged. Its high 24 bits are a hash of the digest that the file had to have: where they match too,
the file has the content that is asked for. A mark that a crash truncated or filled with zeros matches no file. Marks are
written after their files were synced. In memory they take 12 to 24 bytes per file.
"""

from __future__ import annotations

import contextlib
import os
from array import array
from collections.abc import Iterable, Iterator
from hashlib import blake2b
from pathlib import Path
from zlib import crc32

from msgspec import Struct

from headrace.file_system import MANY, FileSystem
from headrace.transfer.state.disk import NO_FOLDER, Folder, begin_sync, sync

HEADER = b"headrace marked\n"
MARK = 8
OWN_BYTES = 5
OWN = (1 << 8 * OWN_BYTES) - 1
"""The bits of a mark that tell which file it is, without its expected content."""

SYNCED_TOGETHER = 16
_READ = 1 << 20


class CompletedFile(Struct, frozen=True, gc=False):
    """A complete file and its mark; ``path`` is relative to the open folder."""

    path: str
    mark: int


def mark_of(name: str, want: str, stat: os.stat_result) -> int:
    """Return the mark of a file; ``want`` is its expected SHA-256, or empty."""
    text = f"{name}\0{stat.st_size}\0{stat.st_mtime_ns}"
    own = blake2b(text.encode(errors="surrogatepass"), digest_size=OWN_BYTES).digest()
    return (crc32(want.encode(errors="surrogatepass")) & 0xFFFFFF) << 40 | int.from_bytes(own)


class Journal:
    """The marks of one folder: those in the file ``path``, and those of a complete download in ``manifest``.

    Not thread-safe.
    """

    def __init__(self, path: Path, manifest: Path | None = None) -> None:
        self._path = path
        self._manifest = manifest
        self.marks = MarkSet()
        self._file: int | None = None
        self.synced = True
        """False if the file system does not support syncing: a marked file may then be lost in a power failure."""

    def __len__(self) -> int:
        return len(self.marks)

    def __contains__(self, mark: int) -> bool:
        return mark in self.marks

    def load(self) -> None:
        """Read the marks; a file with another header is ignored and later overwritten.

        A manifest that cannot be read counts as empty.
        """
        if self._manifest is not None:
            with contextlib.suppress(OSError):
                self.marks = MarkSet(self._manifest.stat().st_size // MARK)
                for block in read_marks(self._manifest):
                    self.marks.update(block)
        for block in read_marks(self._path):
            self.marks.update(block)

    def commit(
        self,
        done: list[CompletedFile],
        within: Folder = NO_FOLDER,
        file_system: FileSystem | None = None,
    ) -> None:
        """Sync files, then append their marks; a file that is found to exist no longer is left out.

        Paths are relative to the open folder ``within``. Many files are synced with their whole ``file_system``.
        """
        if len(done) >= MANY and file_system is not None and file_system.sync():
            marks = array("Q", (each.mark for each in done))
            self.marks.update(marks)
        else:
            marks = self._sync_each(done, within)
        if marks:
            file = self._open()
            os.write(file, marks.tobytes())
            self.synced &= sync(file)

    def _sync_each(self, done: list[CompletedFile], within: Folder) -> array[int]:
        """Sync files and their folders; return the marks of those that exist."""
        folders: set[str] = set()
        marks = array("Q")
        paths = [each.path for each in done]
        for each, synced in zip(done, _synced(paths, within), strict=True):
            if synced is not None:
                self.synced &= synced
                folders.add(os.path.dirname(each.path))
                marks.append(each.mark)
        self.marks.update(marks)
        for folder in folders:
            sync_folder(within.full(folder) or os.curdir)
        return marks

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _open(self) -> int:
        if self._file is None:
            self._file = _open_marks(self._path)
        return self._file


def read_marks(path: Path) -> Iterator[array[int]]:
    """Yield the marks of a file in blocks; none if it does not exist or has another header."""
    try:
        with path.open("rb") as file:
            if file.read(len(HEADER)) != HEADER:
                return
            while block := file.read(_READ):
                yield array("Q", block[: len(block) - len(block) % MARK])
    except FileNotFoundError:
        return


def append_marks(source: Path, path: Path) -> None:
    """Append the marks of one file to another. Raises OSError."""
    if not source.exists():
        return
    file = _open_marks(path)
    try:
        for block in read_marks(source):
            rest = memoryview(block.tobytes())
            while rest:
                rest = rest[os.write(file, rest) :]
        sync(file)
    finally:
        os.close(file)


def compact_marks(path: Path, target: Path) -> None:
    """Leave out of a file the marks of files that are no longer in the folder ``target``. Raises OSError."""
    known = Journal(path)
    known.load()
    draft = path.with_name(f"{path.name}.tmp")
    draft.unlink(missing_ok=True)
    file = _open_marks(draft)
    try:
        for folder, _, names in os.walk(target):
            below = os.path.relpath(folder, target).replace(os.sep, "/")
            prefix = "" if below == "." else f"{below}/"
            marks = array("Q")
            for name in names:
                with contextlib.suppress(OSError):
                    stat = os.stat(os.path.join(folder, name))
                    marks.append(known.marks.find(mark_of(prefix + name, "", stat)))
            os.write(file, marks.tobytes())  # zeros among them match no file
        sync(file)
    finally:
        os.close(file)
    draft.replace(path)


def _open_marks(path: Path) -> int:
    """Open a file of marks for appending; a torn mark at its end is completed with zeros."""
    flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_CLOEXEC", 0)
    file = os.open(path, flags, 0o600)
    try:
        size = os.fstat(file).st_size
        if size < len(HEADER) or os.pread(file, len(HEADER), 0) != HEADER:
            os.ftruncate(file, 0)
            os.write(file, HEADER)
        elif size % MARK:
            os.write(file, bytes(MARK - size % MARK))
    except OSError:
        os.close(file)
        raise
    return file


class MarkSet:
    """A set of 64-bit numbers in one flat array, sized for ``expected`` of them. It never contains zero."""

    def __init__(self, expected: int = 0) -> None:
        places = 1024
        while expected * 3 > places * 2:
            places *= 2
        self._table = array("Q", bytes(MARK * places))
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def __contains__(self, number: int) -> bool:
        table = self._table
        last = len(table) - 1
        place = number & last
        while there := table[place]:
            if there == number:
                return True
            place = (place + 1) & last
        return False

    def find(self, mark: int) -> int:
        """Return a mark of the same file, whatever content was expected of it; 0 if there is none."""
        table = self._table
        last = len(table) - 1
        own = mark & OWN
        place = mark & last
        while (there := table[place]) and there & OWN != own:
            place = (place + 1) & last
        return there

    def add(self, number: int) -> bool:
        """Add a number; return whether it is new."""
        before = self._count
        self.update((number,))
        return self._count > before

    def update(self, numbers: Iterable[int]) -> None:
        """Add numbers."""
        table = self._table
        last = len(table) - 1
        for number in numbers:
            place = number & last
            while there := table[place]:
                if there == number:
                    break
                place = (place + 1) & last
            else:
                if not number:
                    continue
                table[place] = number
                self._count += 1
                if self._count * 3 > len(table) * 2:
                    table = self._grow()
                    last = len(table) - 1

    def _grow(self) -> array[int]:
        wider = MarkSet(2 * self._count)
        wider.update(number for number in self._table if number)
        self._table = wider._table
        return self._table


def sync_folder(folder: str | Path) -> None:
    """Sync the names in a folder, if the system supports that."""
    with contextlib.suppress(PermissionError, IsADirectoryError):
        file = os.open(folder, os.O_RDONLY)
        try:
            with contextlib.suppress(OSError):
                os.fsync(file)
        finally:
            os.close(file)


def _synced(paths: list[str], within: Folder) -> Iterator[bool | None]:
    """Sync files; yield for each whether that is supported, None if the file does not exist.

    The system is asked to begin with several before the first is waited for, so that their commits are merged. On ext4
    that saves about 40 % of the CPU time of syncing.
    """
    for start in range(0, len(paths), SYNCED_TOGETHER):
        files: list[int | None] = []
        try:
            # Added one by one, so that open files are closed if the next one cannot be opened.
            files.extend(_opened(path, within) for path in paths[start : start + SYNCED_TOGETHER])
            for file in files:
                if file is not None:
                    begin_sync(file)
            for file in files:
                yield None if file is None else sync(file)
        finally:
            for file in files:
                if file is not None:
                    os.close(file)


def _opened(path: str, within: Folder) -> int | None:
    try:
        return os.open(path, os.O_RDWR | getattr(os, "O_BINARY", 0), dir_fd=within.file)
    except FileNotFoundError:
        return None
    except PermissionError:  # a link to a file of a lake, which is read-only
        return os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0), dir_fd=within.file)
