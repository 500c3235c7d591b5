"""The manifest of a folder: the files that headrace wrote below it, each with its size and its time of change.

A file that still has both is headrace's own and unchanged. Every other file is a person's, or was changed by one. The
number of an inode is no part of it, since a new file can get the number of a deleted one.

A manifest is a file of records that end in a null byte: ``SIZE MTIME_NS PATH``, and ``0 0 PATH/`` for a folder. It may
hold records of several writings. Reading and writing need the same memory for any number of files.
"""

from __future__ import annotations

import os
import secrets
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self, TypeVar

NAME = "written"
"""The manifest of a path, in the folder :func:`headrace.folders.state.state_of` of it."""
NEXT = f"{NAME}-next"
"""The manifest of what is being written there."""

T = TypeVar("T")

_BATCH = 4096
_READ = 1 << 20


class Entry(NamedTuple):
    """A file or folder below a root.

    Attributes:
        path: Its path below the root in the file system's bytes, with ``/`` between the names and at the end of a
            folder.
        size: Size in bytes; 0 for a folder.
        mtime_ns: Time of the last change in nanoseconds; 0 for a folder.
    """

    path: bytes
    size: int
    mtime_ns: int


def entries(root: Path) -> Iterator[Entry]:
    """Yield everything below a folder, a folder before what it holds. Links are entries, and are not followed."""
    for batch in _batches(root, Entry):
        yield from batch


def _batches(
    root: Path, make: Callable[[bytes, int, int], T], below: bytes = b""
) -> Iterator[list[T]]:
    """Yield in batches what ``make`` makes of the path, the size and the time of change of each entry."""
    folders: list[bytes] = []
    batch: list[T] = []
    path = os.path.join(os.fsencode(root), below)
    stat = os.stat
    with _opened(path) as folder, os.scandir(path) as found:
        for each in found:
            name = each.name
            if each.is_dir(follow_symlinks=False):
                folders.append(b"%b%b/" % (below, name))
                continue
            try:
                # Relative to the open folder, which is quicker than by the whole path.
                state = (
                    each.stat(follow_symlinks=False)
                    if folder is None
                    else stat(name, dir_fd=folder, follow_symlinks=False)
                )
            except FileNotFoundError:
                continue  # deleted in the meantime
            batch.append(make(below + name, state.st_size, state.st_mtime_ns))
            if len(batch) == _BATCH:
                yield batch
                batch = []
    yield batch
    for each_folder in folders:
        yield [make(each_folder, 0, 0)]
        yield from _batches(root, make, each_folder)


def _record(path: bytes, size: int, mtime_ns: int) -> bytes:
    return b"%d %d %b\0" % (size, mtime_ns, path)


@contextmanager
def _opened(folder: bytes) -> Iterator[int | None]:
    """Yield a descriptor of a folder; None where the system has none."""
    if os.stat not in os.supports_dir_fd:
        yield None
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def save_manifest(file: Path, root: Path) -> None:
    """Record everything below a folder, which may be moved afterwards, in place of what was recorded before.

    Raises:
        OSError: A file cannot be read or written.
    """
    _save(file, _batches(root, _record))


def join_manifests(file: Path, other: Path) -> None:
    """Add the records of another manifest to one, which need not exist."""
    with _draft(file) as draft, draft.open("xb") as out:
        for each in (file, other):
            if each.exists():
                with each.open("rb") as known:
                    shutil.copyfileobj(known, out, _READ)


def tidy_manifest(file: Path, root: Path) -> None:
    """Forget the records of files that are no longer there, or were changed, and of equal records all but one."""
    with Manifest(file) as own:
        _save(file, ([_record(*entry)] for entry in own if _is_there(root, entry)))


def _save(file: Path, batches: Iterator[list[bytes]]) -> None:
    with _draft(file) as draft, draft.open("xb") as out:
        for batch in batches:
            out.write(b"".join(batch))


def _is_there(root: Path, entry: Entry) -> bool:
    try:
        state = os.lstat(os.path.join(os.fsencode(root), entry.path))
    except (FileNotFoundError, NotADirectoryError):
        return False
    return entry.path.endswith(b"/") or (state.st_size, state.st_mtime_ns) == entry[1:]


@contextmanager
def _draft(file: Path) -> Iterator[Path]:
    """Yield a path at which a file is written before it replaces ``file``."""
    draft = file.with_name(f"{file.name}-{secrets.token_hex(4)}")
    try:
        yield draft
        draft.replace(file)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


class Manifest:
    """Knows which entries of a folder are headrace's own and unchanged; to be used in a ``with`` statement.

    Args:
        file: The manifest. None, or a file that does not exist, knows nothing.
    """

    def __init__(self, file: Path | None) -> None:
        self._file = file
        self.exists = file is not None and file.is_file()
        self._records: sqlite3.Connection | None = None

    def __enter__(self) -> Self:
        if self.exists:
            # A database without a name lives in a temporary file, and in memory only as far as its cache reaches.
            self._records = sqlite3.connect("", isolation_level=None, check_same_thread=False)
            self._records.execute("PRAGMA journal_mode = OFF")
            self._records.execute("PRAGMA cache_size = -32000")
            self._records.execute(
                "CREATE TABLE written (path BLOB, size INTEGER, mtime INTEGER,"
                " PRIMARY KEY (path, size, mtime)) WITHOUT ROWID"
            )
            self._records.execute("BEGIN")
            self._records.executemany(
                "INSERT OR IGNORE INTO written VALUES (?, ?, ?)", self._saved()
            )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._records is not None:
            self._records.close()
            self._records = None

    def __contains__(self, entry: Entry) -> bool:
        if self._records is None:
            return False
        found = self._records.execute(
            "SELECT 1 FROM written WHERE path = ? AND size = ? AND mtime = ?", entry
        )
        return found.fetchone() is not None

    def __iter__(self) -> Iterator[Entry]:
        """Iterate over all records, in the order of their paths."""
        if self._records is not None:
            yield from map(Entry._make, self._records.execute("SELECT * FROM written"))

    def _saved(self) -> Iterator[Entry]:
        assert self._file is not None
        with self._file.open("rb") as saved:
            rest = b""
            while block := saved.read(_READ):
                *records, rest = (rest + block).split(b"\0")
                for record in records:
                    size, mtime, path = record.split(b" ", 2)
                    yield Entry(path, int(size), int(mtime))
