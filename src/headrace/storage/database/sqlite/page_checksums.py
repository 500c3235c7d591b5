"""Page checksums of a lake's database: SQLite's checksum VFS, an extension that comes with apsw.

The VFS keeps a checksum in the last 8 bytes of each page of a database that reserves them: it writes the checksum with
the page, and compares it when the page is read. Other databases are not affected. The extension stays loaded, and is the
default of the process, so that each connection of apsw to a lake keeps the checksums.

Where the extension is missing, a lake is opened without. What is written then has wrong checksums, so the first such
connection leaves a file beside the database, and checksums are not compared until :func:`rewrite` has renewed them.
"""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from pathlib import Path

import apsw

from headrace.errors import LakeBusyError
from headrace.storage.database.base import PageChecksums
from headrace.storage.database.sqlite.forks import close_inherited

RESERVED = 8
"""Bytes at the end of each page that the VFS uses."""

_VFS = "cksmvfs"
_EXTENSION = "cksumvfs"
_STALE_SUFFIX = "-unverified"
_NEW_SUFFIX = "-checksums"


class _Loader:
    """Loads the extension at the first question, once for the process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loaded: bool | None = None

    def __call__(self) -> bool:
        with self._lock:
            if self._loaded is None:
                self._loaded = _load()
            return self._loaded


available = _Loader()
"""Whether page checksums can be written and compared here."""


def connect(name: str, flags: int) -> apsw.Connection:
    """Open a connection through the VFS, or without it where it is missing.

    Raises:
        ConfigurationError: This process was forked while its parent was busy in a lake.
    """
    close_inherited()
    return apsw.Connection(name, flags=flags, vfs=_VFS if available() else None)


def reserve(connection: apsw.Connection) -> None:
    """Make an empty database keep checksums. Its page size must be set before."""
    if available():
        connection.reserve_bytes("main", RESERVED)


def has_room(connection: apsw.Connection) -> bool:
    """Return whether the pages of a database have room for checksums."""
    return connection.reserve_bytes("main") == RESERVED


def observe(connection: apsw.Connection, path: Path, *, writes: bool) -> None:
    """Call this for a new connection, before it reads or writes: compares no checksums that may be wrong.

    Args:
        connection: The connection.
        path: The file of its database.
        writes: Whether it may write.
    """
    if not has_room(connection):
        return
    if available():
        if _stale(path).exists():
            connection.pragma("checksum_verification", "off")
    elif writes:
        with suppress(FileExistsError):
            os.close(os.open(_stale(path), os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))


def state_of(connection: apsw.Connection, path: Path) -> PageChecksums:
    """Return whether the database of a connection has checksums, and whether they are compared."""
    if not has_room(connection):
        return PageChecksums.NONE
    if not available():
        return PageChecksums.UNAVAILABLE
    return PageChecksums.STALE if _stale(path).exists() else PageChecksums.VERIFIED


def rewrite(path: Path) -> None:
    """Write a database again, with right checksums on all pages. No other connection may be open.

    A complete copy takes the place of the database by a rename, so a kill at any moment leaves the one or the other.

    Raises:
        LakeBusyError: Another connection is open.
        apsw.Error: The database is damaged, or cannot be written.
        OSError: The copy cannot be put in place.
    """
    copy = path.with_name(path.name + _NEW_SUFFIX)
    copy.unlink(missing_ok=True)
    connection = connect(str(path), apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_NOMUTEX)
    try:
        observe(connection, path, writes=True)
        # Only the last connection can leave this mode. It empties the log first, so the file alone is the database.
        try:
            mode = connection.pragma("journal_mode", "delete")
        except apsw.BusyError:
            mode = "wal"
        if mode != "delete":
            raise LakeBusyError(f"another process uses {path}", hint="stop it and run this again")
        connection.reserve_bytes("main", RESERVED)
        connection.execute("vacuum into ?", (str(copy),))
        _write_checksums(copy)
        os.chmod(copy, path.stat().st_mode & 0o777)
        _sync(copy)
        os.replace(copy, path)
        _sync(path.parent)
        _stale(path).unlink(missing_ok=True)
    finally:
        connection.close(True)
        copy.unlink(missing_ok=True)


def _write_checksums(path: Path) -> None:
    """Write all pages of a file that no other connection has open, and read them again.

    The VFS knows from the first page that a file has checksums. A copy that is larger than the cache is begun with other
    pages, whose checksums are missing.
    """
    connection = connect(str(path), apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_NOMUTEX)
    try:
        connection.pragma("checksum_verification", "off")
        connection.pragma("journal_mode", "off")
        connection.execute("vacuum")
        connection.pragma("checksum_verification", "on")
        size = connection.pragma("page_size")
        for offset in range(0, path.stat().st_size, size):
            connection.read("main", 0, offset, size)
    finally:
        connection.close(True)


def left_over(path: Path) -> Path | None:
    """Return the copy that a killed :func:`rewrite` left beside a database; None if there is none."""
    copy = path.with_name(path.name + _NEW_SUFFIX)
    return copy if copy.exists() else None


def _stale(path: Path) -> Path:
    return path.with_name(path.name + _STALE_SUFFIX)


def _load() -> bool:
    try:
        from apsw import sqlite_extra

        connection = apsw.Connection(":memory:")
        try:
            sqlite_extra.load(connection, _EXTENSION)
        finally:
            connection.close(True)
    except Exception:  # noqa: BLE001 - whatever is missing, lakes work without it
        return False
    return _VFS in apsw.vfs_names()


def _sync(path: Path) -> None:
    if os.name != "posix" and path.is_dir():
        return
    descriptor = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
