"""The protocol of a database: named statements, bulk inserts and transactions.

Statements are written in ``sql/<dialect>/<file>.sql``, each under a line ``-- name: <statement>``, and are called as
``file.statement`` with ``:name`` parameters. Rows are tuples. The rules of the platform are above this protocol.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

Row = tuple[Any, ...]


class Statements(Protocol):
    """The statements of a database or an open transaction.

    ``filters`` replaces the statement's ``/*filters*/`` mark. It is SQL from the platform's filter compiler, never from
    input; values are always bound, as ``:f1``, ``:f2``, ….
    """

    async def fetch(self, statement: str, /, *, filters: str = "", **params: Any) -> list[Row]:
        """Return all rows; for results that are small or limited."""
        ...

    async def fetch_one(self, statement: str, /, *, filters: str = "", **params: Any) -> Row | None:
        """Return the first row or None."""
        ...

    async def execute(self, statement: str, /, *, filters: str = "", **params: Any) -> int:
        """Run a change; returns the number of changed rows."""
        ...


class Transaction(Statements, Protocol):
    """An open write transaction: all or nothing."""

    async def insert_many(self, statement: str, rows: Iterable[Sequence[Any]], /) -> None:
        """Run a statement with positional parameters once for each row, in order."""
        ...


class Database(Statements, Protocol):
    """A catalog. Outside a transaction, :meth:`fetch` may only read, and :meth:`execute` is a transaction by itself."""

    @property
    def read_only(self) -> bool:
        """Whether every change raises :class:`~headrace.errors.ReadOnlyLakeError`, since the catalog cannot be written."""
        ...

    def transaction(self) -> AbstractAsyncContextManager[Transaction]:
        """Open a write transaction; commits on a clean exit, rolls back on an error or a cancellation."""
        ...

    def stream(
        self, statement: str, /, *, batch: int = 1000, filters: str = "", **params: Any
    ) -> AsyncGenerator[list[Row], None]:
        """Stream the rows of one consistent snapshot in batches, in constant memory."""
        ...

    async def aclose(self) -> None:
        """Finish running statements and close all connections."""
        ...

    def discard(self) -> None:
        """Close all connections without waiting, where the event loop that opened them is closed."""
        ...
