"""Identify a lake's database file and migrate its schema.

``application_id`` tells a lake from other SQLite files; ``user_version`` is the number of the last applied migration.
Both are in the file's header and change in the migration's transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import apsw

from headrace.errors import LakeError, LakeVersionError, NotALakeError
from headrace.storage.database.queries import migrations
from headrace.storage.database.sqlite import page_checksums

APPLICATION_ID = 0x68647263  # "hdrc"
PAGE_SIZE = 8192


def prepare(connection: apsw.Connection, path: Path, *, checksums: bool = True) -> None:
    """Set up an empty file as a lake's database."""
    if _header(connection, "application_id") or not _is_empty(connection):
        raise LakeError(f"{path} is already in use", hint="choose a new folder")
    connection.pragma("page_size", PAGE_SIZE)
    if checksums:
        page_checksums.reserve(connection)
    connection.pragma("journal_mode", "wal")
    connection.pragma("application_id", APPLICATION_ID)


def check(connection: apsw.Connection, path: Path) -> None:
    """Raise an error for a file that is not a lake's, or that a newer headrace wrote."""
    if _header(connection, "application_id") != APPLICATION_ID:
        raise NotALakeError(
            f"{path} is not the database of a lake", hint="make a lake with: headrace init PATH"
        )
    known = len(migrations("sqlite"))
    version = _header(connection, "user_version")
    if version > known:
        raise LakeVersionError(
            f"{path} has schema version {version}, and this headrace knows up to {known}",
            hint="install the newest version: pip install -U headrace",
        )


def check_complete(connection: apsw.Connection, path: Path) -> None:
    """Raise an error for a lake that has to be migrated before it can be read."""
    version, known = _header(connection, "user_version"), len(migrations("sqlite"))
    if version < known:
        raise LakeVersionError(
            f"{path} has schema version {version} and must be changed to {known}, but it cannot be written",
            hint=f"copy {path.parent} to a disk that can be written, and use the copy",
        )


def migrate(connection: apsw.Connection, steps: Sequence[tuple[int, str]] | None = None) -> None:
    """Apply the missing migrations, each in one transaction; safe in two processes at once."""
    for number, script in migrations("sqlite") if steps is None else steps:
        if _header(connection, "user_version") >= number:
            continue
        connection.execute("begin immediate")
        try:
            # Another process may have applied it while this one waited for the writer.
            if _header(connection, "user_version") < number:
                connection.execute(script)
                connection.pragma("user_version", number)
            connection.execute("commit")
        finally:
            if connection.in_transaction:
                connection.execute("rollback")


def _header(connection: apsw.Connection, name: str) -> int:
    value = connection.pragma(name)
    assert isinstance(value, int)
    return value


def _is_empty(connection: apsw.Connection) -> bool:
    return connection.execute("select count(*) from sqlite_schema").fetchone() == (0,)
