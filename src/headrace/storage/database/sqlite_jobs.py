"""What a connection's thread does: plain functions over an apsw connection."""

from __future__ import annotations

from contextlib import suppress
from itertools import islice
from typing import Any

import apsw

from headrace.errors import DatabaseError
from headrace.storage.database.base import Row

Params = dict[str, Any]


def fetch(connection: apsw.Connection, sql: str, params: Params) -> list[Row]:
    """All rows."""
    return connection.execute(sql, params).fetchall()


def fetch_one(connection: apsw.Connection, sql: str, params: Params) -> Row | None:
    """The first row; the statement is reset, so that it holds no snapshot."""
    cursor = connection.execute(sql, params)
    try:
        return cursor.fetchone()
    finally:
        cursor.close(True)


def execute(connection: apsw.Connection, sql: str, params: Params) -> int:
    """Run a change; the number of rows changed."""
    before = connection.total_changes()
    connection.execute(sql, params).close()
    return connection.total_changes() - before


def take(cursor: apsw.Cursor, batch: int) -> list[Row]:
    """The next rows of an open cursor."""
    return list(islice(cursor, batch))


def close_all(cursors: list[apsw.Cursor], connection: apsw.Connection) -> None:
    """End statements that were read in part, and with them their snapshot."""
    for cursor in cursors:
        cursor.close(True)


def begin(connection: apsw.Connection) -> None:
    """Become the one writer among all processes."""
    connection.execute("begin immediate")


def commit(connection: apsw.Connection) -> None:
    """Make the transaction last; an error leaves nothing of it."""
    # SQLite itself rolls back on a full disk or an interrupt.
    if not connection.in_transaction:
        raise DatabaseError("the transaction was rolled back already")
    try:
        connection.execute("commit")
    except BaseException:
        rollback(connection)
        raise


def rollback(connection: apsw.Connection) -> None:
    """Drop what the transaction did, if one is open."""
    if connection.in_transaction:
        connection.execute("rollback")


def optimize(connection: apsw.Connection) -> None:
    """Refresh the planner's statistics where they are stale; not worth an error."""
    with suppress(apsw.Error):
        connection.pragma("analysis_limit", 400)
        connection.execute("pragma optimize")
