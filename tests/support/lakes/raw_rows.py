"""Rows of a catalog beside the platform, for what no call of the API does: the same few methods on both dialects.

SQL that tests write must mean the same in SQLite and PostgreSQL: inserts name their columns, an upsert names the table of
a column that it adds to. Values are ``?`` or ``:name``.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Any, Protocol, Self

import apsw

Values = Sequence[Any] | Mapping[str, Any]

_MARKS = re.compile(r"'(?:[^']|'')*'|\?|(?<!:):(\w+)")


class Rows(Protocol):
    """The rows that a statement has found."""

    def fetchone(self) -> Any:
        """Return the next row, None at the end."""
        ...

    def fetchall(self) -> list[Any]:
        """Return all rows that are left."""
        ...

    def __iter__(self) -> Iterator[Any]: ...


class RawRows(Protocol):
    """A connection to a catalog; its block is a transaction."""

    def execute(self, statement: str, values: Values = (), /) -> Rows:
        """Run a statement."""
        ...

    def executemany(self, statement: str, values: Iterable[Values], /) -> Any:
        """Run a statement for each of the values."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
        /,
    ) -> Any: ...


def sqlite_rows(path: str) -> RawRows:
    """Open the catalog of a lake."""
    connection = apsw.Connection(path)
    connection.set_busy_timeout(20_000)
    return connection


class PostgresRows:
    """A connection to the catalog of a database; it runs in an event loop of another thread."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._pool = ThreadPoolExecutor(1)
        self._connection: Any = None
        self._transaction: Any = None

    def __enter__(self) -> Self:
        self._runner = asyncio.Runner()
        self._do(self._open())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
        /,
    ) -> None:
        try:
            self._do(self._close(error is None))
        finally:
            self._pool.submit(self._runner.close).result()
            self._pool.shutdown()

    def execute(self, statement: str, values: Values = (), /) -> Rows:
        """Run a statement."""
        text, names = numbered(statement)
        given = _in_order(values, names)
        return _Found(self._do(self._connection.fetch(text, *given)))

    def executemany(self, statement: str, values: Iterable[Values], /) -> None:
        """Run a statement for each of the values."""
        text, names = numbered(statement)
        self._do(self._connection.executemany(text, [_in_order(each, names) for each in values]))

    def _do(self, work: Any) -> Any:
        return self._pool.submit(self._runner.run, _awaited(work)).result()

    async def _open(self) -> None:
        import asyncpg

        self._connection = await asyncpg.connect(self._dsn)
        self._transaction = self._connection.transaction()
        await self._transaction.start()

    async def _close(self, commit: bool) -> None:
        try:
            await (self._transaction.commit() if commit else self._transaction.rollback())
        finally:
            await self._connection.close()


async def _awaited(work: Any) -> Any:
    return await work


class _Found:
    def __init__(self, records: list[Any]) -> None:
        # Arrays as tuples, so that rows can be put into sets.
        self._rows = iter(
            [tuple(tuple(x) if isinstance(x, list) else x for x in each) for each in records]
        )

    def fetchone(self) -> Any:
        return next(self._rows, None)

    def fetchall(self) -> list[Any]:
        return [*self._rows]

    def __iter__(self) -> Iterator[Any]:
        return self._rows


def numbered(statement: str) -> tuple[str, list[str | None]]:
    """Return a statement with ``$1``, ``$2``, … for its values, and their names; None for each ``?``."""
    names: list[str | None] = []

    def replaced(found: re.Match[str]) -> str:
        if found[0].startswith("'"):
            return found[0]
        if found[1] is None or found[1] not in names:
            names.append(found[1])
            return f"${len(names)}"
        return f"${names.index(found[1]) + 1}"

    return _MARKS.sub(replaced, statement), names


def _in_order(values: Values, names: list[str | None]) -> list[Any]:
    if isinstance(values, Mapping):
        return [values[str(name)] for name in names]
    return [*values]
