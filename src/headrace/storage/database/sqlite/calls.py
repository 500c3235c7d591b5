"""Functions over an apsw connection, which run on the connection's thread."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from itertools import islice
from typing import Any

import apsw

from headrace.errors import DatabaseError
from headrace.storage.database.base import Row

Params = dict[str, Any]
Bindings = Params | Sequence[Any]


def fetch(connection: apsw.Connection, sql: str, params: Params) -> list[Row]:
    """Return all rows."""
    return connection.execute(sql, params).fetchall()


def fetch_one(connection: apsw.Connection, sql: str, params: Params) -> Row | None:
    """Return the first row; resets the statement, so that it holds no snapshot."""
    cursor = connection.execute(sql, params)
    try:
        return cursor.fetchone()
    finally:
        cursor.close(True)


def execute(connection: apsw.Connection, sql: str, params: Params) -> int:
    """Run a change; returns the number of changed rows."""
    before = connection.total_changes()
    connection.execute(sql, params).close()
    return connection.total_changes() - before


def take(cursor: apsw.Cursor, batch: int) -> list[Row]:
    """Return the next rows of an open cursor."""
    return list(islice(cursor, batch))


def close_all(cursors: list[apsw.Cursor], connection: apsw.Connection) -> None:
    """Close cursors that were not read to the end, and with them their snapshot."""
    for cursor in cursors:
        cursor.close(True)


def begin(connection: apsw.Connection) -> None:
    """Begin a write transaction; there is one writer among all processes."""
    connection.execute("begin immediate")


def commit(
    connection: apsw.Connection, last: Sequence[tuple[str, Sequence[Bindings]]] = ()
) -> None:
    """Run the last changes, each once for each of its parameters, and commit; an error rolls the transaction back."""
    # SQLite itself rolls back on a full disk or an interrupt.
    if not connection.in_transaction:
        raise DatabaseError("the transaction was rolled back already")
    try:
        for sql, rows in last:
            connection.executemany(sql, rows).close()
        connection.execute("commit")
    except BaseException:
        rollback(connection)
        raise


def rollback(connection: apsw.Connection) -> None:
    """Roll back the transaction if one is open."""
    if connection.in_transaction:
        connection.execute("rollback")


def optimize(connection: apsw.Connection) -> None:
    """Refresh stale statistics of the query planner; errors are ignored."""
    with suppress(apsw.Error):
        connection.pragma("analysis_limit", 400)
        connection.execute("pragma optimize")
