"""Create and open the SQLite file of a catalog. All functions block and must run on a thread."""

from __future__ import annotations

import os
from pathlib import Path

import apsw

from headrace.errors import LakeError, NotALakeError, StorageError
from headrace.storage.database import migrate, sqlite_functions
from headrace.storage.database.sqlite_errors import translate

_FLAGS = apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_NOMUTEX
# A copy has two lakes open, with up to six connections each, and its memory must not follow the size of the databases.
# What is not in these caches is in the system's, one read away: larger ones were not measurably faster at 100,000
# images. The writer's holds the pages that a call of a thousand rows changes, which would otherwise be written twice.
_WRITER_CACHE_KIB = 16_384
_READER_CACHE_KIB = 2_048
_WAL_LIMIT = 64 * 1024 * 1024


def create_file(path: Path) -> None:
    """Create an empty catalog that only its owner can read."""
    try:
        # SQLite gives the -wal and -shm files the mode of this file.
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except FileExistsError:
        raise LakeError(f"{path} already exists", hint="choose a new folder") from None
    except OSError as error:
        raise StorageError(f"cannot create {path}: {error.strerror}") from error
    try:
        connection = apsw.Connection(str(path), flags=_FLAGS)
        try:
            migrate.prepare(connection, path)
            migrate.migrate(connection)
        finally:
            connection.close(True)
    except apsw.Error as error:
        raise translate(error, path, None) or error from error


def open_writer(path: Path, busy_timeout: float, max_bytes: int | None) -> apsw.Connection:
    """Open the connection that writes, after migrating the schema."""
    if not path.is_file():
        raise NotALakeError(f"there is no {path}", hint="make a lake with: headrace init PATH")
    try:
        connection = apsw.Connection(str(path), flags=_FLAGS)
        try:
            connection.set_busy_timeout(int(busy_timeout * 1000))
            migrate.check(connection, path)
            _configure(connection, _WRITER_CACHE_KIB)
            migrate.migrate(connection)
            if max_bytes is not None:
                connection.pragma("max_page_count", max(1, max_bytes // migrate.PAGE_SIZE))
        except BaseException:
            connection.close(True)
            raise
    except apsw.Error as error:
        raise translate(error, path, None) or error from error
    return connection


def open_reader(path: Path) -> apsw.Connection:
    """Open a read-only connection."""
    try:
        connection = apsw.Connection(str(path), flags=_FLAGS)
        connection.set_busy_timeout(1000)
        _configure(connection, _READER_CACHE_KIB)
        connection.pragma("query_only", True)
    except apsw.Error as error:
        raise translate(error, path, None) or error from error
    return connection


def _configure(connection: apsw.Connection, cache_kib: int) -> None:
    # A lake may come from an untrusted source: its schema must not run functions or be edited by statements.
    connection.config(apsw.SQLITE_DBCONFIG_DEFENSIVE, 1)
    connection.config(apsw.SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0)
    connection.config(apsw.SQLITE_DBCONFIG_DQS_DML, 0)
    connection.pragma("journal_mode", "wal")
    connection.pragma("synchronous", "normal")
    connection.pragma("foreign_keys", True)
    connection.pragma("cache_size", -cache_kib)
    connection.pragma("journal_size_limit", _WAL_LIMIT)
    sqlite_functions.register(connection)
