"""Create and open the SQLite file of a catalog. All functions block and must run on a thread."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

import apsw

from headrace.errors import LakeError, NotALakeError, ReadOnlyLakeError, StorageError
from headrace.folders.moved import is_moved, moved_to
from headrace.storage.database.sqlite import functions, page_checksums, schema
from headrace.storage.database.sqlite.errors import translate

_FLAGS = apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_NOMUTEX
# A copy has two lakes open, with up to six connections each, and its memory must not follow the size of the databases.
# What is not in these caches is in the system's, one read away: larger ones were not measurably faster at 100,000
# images. The writer's holds the pages that a call of a thousand rows changes, which would otherwise be written twice.
_WRITER_CACHE_KIB = 16_384
_READER_CACHE_KIB = 2_048
_WAL_LIMIT = 64 * 1024 * 1024


def create_file(path: Path) -> None:
    """Create an empty catalog that only its owner can read."""
    _make(path)
    _prepare(path, schema.migrate)


def _make(path: Path) -> None:
    try:
        # SQLite gives the -wal and -shm files the mode of this file.
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except FileExistsError:
        raise LakeError(f"{path} already exists", hint="choose a new folder") from None
    except OSError as error:
        raise StorageError(f"cannot create {path}: {error.strerror}") from error


def _prepare(
    path: Path, fill: Callable[[apsw.Connection], None], *, checksums: bool = True
) -> None:
    try:
        connection = page_checksums.connect(str(path), _FLAGS)
        try:
            schema.prepare(connection, path, checksums=checksums)
            fill(connection)
        finally:
            connection.close(True)
    except apsw.Error as error:
        raise translate(error, path, None) or error from error


def create_for_copy(path: Path, source: apsw.Connection) -> None:
    """Create the file of a catalog without tables, for a copy of a catalog to be written into.

    It reserves room for checksums only if the source does: pages are copied as they are, and a checksum would be written
    over the end of a page that has no room for it.
    """
    _make(path)
    _prepare(path, lambda connection: None, checksums=page_checksums.has_room(source))


def open_writer(path: Path, busy_timeout: float, max_bytes: int | None) -> apsw.Connection:
    """Open the connection that writes, after migrating the schema."""
    if not path.is_file():
        raise NotALakeError(f"there is no {path}", hint="make a lake with: headrace init PATH")
    try:
        connection = page_checksums.connect(str(path), _FLAGS)
        try:
            page_checksums.observe(connection, path, writes=True)
            connection.set_busy_timeout(int(busy_timeout * 1000))
            schema.check(connection, path)
            _configure(connection, _WRITER_CACHE_KIB)
            schema.migrate(connection)
            if max_bytes is not None:
                connection.pragma("max_page_count", max(1, max_bytes // schema.PAGE_SIZE))
        except BaseException:
            connection.close(True)
            raise
    except apsw.Error as error:
        raise translate(error, path, None) or error from error
    return connection


def is_read_only(path: Path) -> bool:
    """Return whether nothing is to be written to the file.

    That is so where it or its folder cannot be written, by its permissions or since its disk is read-only, and where the
    lake has moved.
    """
    if not path.is_file():
        return False
    writable = os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)
    return not writable or is_moved(path.parent)


def cannot_write(path: Path) -> ReadOnlyLakeError:
    """Return the error of a change to a file that is read-only."""
    lake = path.parent
    if is_moved(lake) and (moved := moved_to(lake)) is not None:
        return ReadOnlyLakeError(moved.sentence(lake), hint=moved.cure(lake))
    return ReadOnlyLakeError(
        f"the lake {lake} cannot be written",
        hint="check who owns it and whether its disk is read-only, or use a copy of it",
    )


class FileState(NamedTuple):
    """The size (bytes) and the time of the last change (ns) of a file that no process had open for writing."""

    size: int
    changed: int


def unchanging(path: Path) -> FileState | None:
    """Return the state of a file that no process has open for writing; None if one has."""
    log, index = (path.with_name(path.name + suffix) for suffix in ("-wal", "-shm"))
    if index.exists() or (log.exists() and log.stat().st_size):
        return None
    found = path.stat()
    return FileState(found.st_size, found.st_mtime_ns)


def open_read_only(path: Path, unchanging: bool) -> apsw.Connection:
    """Open a connection to a file that cannot be written, where SQLite cannot make its -wal and -shm files.

    While another process has the file open for writing, those two exist and are used. An unchanging file is read
    without them, and without locks: the caller must compare its :func:`unchanging` state.
    """
    log = path.with_name(path.name + "-wal")
    name = _uri(path, "immutable=1" if unchanging else "mode=ro")
    flags = apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_NOMUTEX | apsw.SQLITE_OPEN_URI
    try:
        connection = page_checksums.connect(name, flags)
        try:
            page_checksums.observe(connection, path, writes=False)
            connection.set_busy_timeout(1000)
            schema.check(connection, path)
            schema.check_complete(connection, path)
            _protect(connection, _READER_CACHE_KIB)
        except BaseException:
            connection.close(True)
            raise
    except (apsw.CantOpenError, apsw.ReadOnlyError) as error:
        raise LakeError(
            f"{log} holds changes that cannot be read without writing",
            hint=f"copy {path.parent} to a disk that can be written, and use the copy",
        ) from error
    except apsw.Error as error:
        raise translate(error, path, None) or error from error
    return connection


def open_reader(path: Path) -> apsw.Connection:
    """Open a connection that only reads a file that others may write."""
    try:
        connection = page_checksums.connect(str(path), _FLAGS)
        page_checksums.observe(connection, path, writes=True)
        connection.set_busy_timeout(1000)
        _configure(connection, _READER_CACHE_KIB)
        connection.pragma("query_only", True)
    except apsw.Error as error:
        raise translate(error, path, None) or error from error
    return connection


def open_any(path: Path) -> apsw.Connection:
    """Open a connection that checks a file, and mends it if it can be written; also a file that is damaged."""
    if not is_read_only(path):
        connection = page_checksums.connect(str(path), _FLAGS)
        page_checksums.observe(connection, path, writes=True)
        return connection
    mode = "mode=ro" if unchanging(path) is None else "immutable=1"
    flags = apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_NOMUTEX | apsw.SQLITE_OPEN_URI
    connection = page_checksums.connect(_uri(path, mode), flags)
    page_checksums.observe(connection, path, writes=False)
    return connection


def unwritable(path: Path, error: OSError) -> StorageError:
    """Return the error that an :class:`OSError` beside a database means."""
    return StorageError(
        f"cannot write beside {path}: {error.strerror}",
        hint=f"check who owns {path.parent}, and the space on its disk",
    )


def _uri(path: Path, option: str) -> str:
    return f"file:{quote(str(path.absolute()))}?{option}"


def _configure(connection: apsw.Connection, cache_kib: int) -> None:
    _protect(connection, cache_kib)
    connection.pragma("journal_mode", "wal")
    connection.pragma("synchronous", "normal")
    connection.pragma("journal_size_limit", _WAL_LIMIT)


def _protect(connection: apsw.Connection, cache_kib: int) -> None:
    # A lake may come from an untrusted source: its schema must not run functions or be edited by statements.
    connection.config(apsw.SQLITE_DBCONFIG_DEFENSIVE, 1)
    connection.config(apsw.SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0)
    connection.config(apsw.SQLITE_DBCONFIG_DQS_DML, 0)
    connection.pragma("foreign_keys", True)
    connection.pragma("cache_size", -cache_kib)
    functions.register(connection)
