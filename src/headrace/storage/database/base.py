"""What the platform asks of a database: named statements, bulk inserts and transactions.

Statements live in ``sql/<room>.sql``, each under a line ``-- name: <statement>``, and are called as
``room.statement`` with ``:name`` parameters. Rows come back as tuples. No rule of the platform lives below this line.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

Row = tuple[Any, ...]


class Statements(Protocol):
    """What both a database and an open transaction can do.

    ``filters`` are SQL conditions made by the platform's own compiler (never from input; values are always bound)
    that take the place of the statement's ``/*filters*/`` mark.
    """

    async def fetch(self, statement: str, /, *, filters: str = "", **params: Any) -> list[Row]:
        """All rows; for answers known to be small or already limited."""
        ...

    async def fetch_one(self, statement: str, /, *, filters: str = "", **params: Any) -> Row | None:
        """The first row or None."""
        ...

    async def execute(self, statement: str, /, *, filters: str = "", **params: Any) -> int:
        """Run a change; the number of rows changed."""
        ...


class Transaction(Statements, Protocol):
    """An open write transaction: all or nothing."""

    async def insert_many(self, statement: str, rows: Iterable[Sequence[Any]], /) -> None:
        """One positional-parameter insert for many rows, in the order given."""
        ...


class Database(Statements, Protocol):
    """A catalog. Outside a transaction only reads are allowed to :meth:`fetch`; :meth:`execute` is its own one."""

    def transaction(self) -> AbstractAsyncContextManager[Transaction]:
        """A write transaction; commits on a clean exit, rolls back on an error or a cancellation."""
        ...

    def stream(
        self, statement: str, /, *, batch: int = 1000, filters: str = "", **params: Any
    ) -> AsyncGenerator[list[Row], None]:
        """Rows of one consistent snapshot in batches, in flat memory."""
        ...

    async def aclose(self) -> None:
        """Finish what is under way and close all connections."""
        ...
