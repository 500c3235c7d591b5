"""An open write transaction of a catalog in a SQLite file."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, TypeVar

import apsw

from headrace.errors import DatabaseError
from headrace.storage.database.base import Row
from headrace.storage.database.locks import Lock
from headrace.storage.database.sqlite import calls

T = TypeVar("T")

StatementRunner = Callable[[apsw.Connection, str, dict[str, Any]], T]


class SqliteTransaction:
    """An open write transaction. It begins with its first statement, which saves a call to the writer's thread.

    ``text_of`` returns the SQL of a statement. ``check`` raises an error before the commit where what is committed would be lost. ``waited`` is for how many
    seconds other writers of this process were before it; ``report_wait`` takes that and the wait for other processes.
    """

    def __init__(
        self,
        run: Callable[..., Awaitable[Any]],
        text_of: Callable[[str], str],
        check: Callable[[], None],
        waited: float,
        report_wait: Callable[[float], None],
    ) -> None:
        self._run = run
        self._text_of = text_of
        self._check = check
        self._waited = waited
        self._report_wait = report_wait
        self._begun = False
        self._last: list[tuple[str, Sequence[calls.Bindings]]] = []

    async def fetch(self, statement: str, /, *, filters: str = "", **params: Any) -> list[Row]:
        """Return all rows, including the transaction's own changes."""
        rows: list[Row] = await self._do(calls.fetch, statement, filters, params)
        return rows

    async def fetch_one(self, statement: str, /, *, filters: str = "", **params: Any) -> Row | None:
        """Return the first row or None, including the transaction's own changes."""
        row: Row | None = await self._do(calls.fetch_one, statement, filters, params)
        return row

    async def execute(self, statement: str, /, *, filters: str = "", **params: Any) -> int:
        """Run a change; returns the number of changed rows."""
        changed: int = await self._do(calls.execute, statement, filters, params)
        return changed

    async def insert_many(self, statement: str, rows: Iterable[Sequence[Any]], /) -> None:
        """Run a statement with positional parameters once for each row; reads ``rows`` on the writer's thread."""

        def insert(connection: apsw.Connection, sql: str, _: dict[str, Any]) -> None:
            connection.executemany(sql, rows)

        await self._do(insert, statement, "", {})

    async def lock(self, *locks: Lock) -> None:
        """Do nothing: no other transaction is open."""

    def execute_at_commit(self, statement: str, /, **params: Any) -> None:
        """Run a change right before the commit, in the same turn of the writer's thread."""
        self._last.append((self._text_of(statement), [params]))

    def insert_many_at_commit(self, statement: str, rows: Sequence[Sequence[Any]], /) -> None:
        """Run a change once for each row, in that turn too."""
        self._last.append((self._text_of(statement), rows))

    def commit(self, connection: apsw.Connection) -> None:
        """Commit, on the writer's thread."""
        if not self._begun:
            return
        try:
            self._check()
        except BaseException:
            calls.rollback(connection)
            raise
        calls.commit(connection, self._last)

    async def _do(
        self, function: StatementRunner[T], statement: str, filters: str, params: dict[str, Any]
    ) -> T:
        def inside(connection: apsw.Connection, sql: str, params: dict[str, Any]) -> T:
            if not self._begun:
                began = time.perf_counter()
                try:
                    calls.begin(connection)
                finally:
                    self._report_wait(self._waited + time.perf_counter() - began)
                self._begun = True
            # SQLite itself rolls back on a full disk or an interrupt: later statements must not commit on their own.
            if not connection.in_transaction:
                raise DatabaseError("the transaction was rolled back already")
            return function(connection, sql, params)

        result: T = await self._run(inside, statement, filters, params)
        return result
