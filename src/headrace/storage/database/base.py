"""The protocol of a database: named statements, bulk inserts and transactions.

Statements are written in ``sql/<dialect>/<file>.sql``, each under a line ``-- name: <statement>``, and are called as
``file.statement`` with ``:name`` parameters. Rows are tuples. The rules of the platform are above this protocol.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from enum import StrEnum
from typing import Any, NamedTuple, Protocol

from headrace.storage.database.dialect import Dialect
from headrace.storage.database.locks import Lock

Row = tuple[Any, ...]

FIRST_FILTER = "f1"
"""The name of the first value that the filters of a query bind; a statement without it is not a person's query."""


class PageChecksums(StrEnum):
    """Whether the pages of a database have checksums, which are compared when a page is read."""

    VERIFIED = "verified"
    NONE = "none"
    """The database was made without them."""
    UNAVAILABLE = "unavailable"
    """It has them, but they cannot be compared here."""
    STALE = "stale"
    """It was written where they cannot be computed, so they are not compared."""


class CatalogFault(NamedTuple):
    """Something in the files of a database that is wrong.

    ``kind`` is ``page``, ``index``, ``reference`` or ``database``; indexes can be made again from their tables.
    """

    kind: str
    place: str
    message: str


class VerifiedPart(NamedTuple):
    """A part of a database that was checked: how far its phase is, and what was found."""

    phase: str
    done: int
    total: int
    faults: list[CatalogFault]


class DatabaseLoad(NamedTuple):
    """How busy a database is, in seconds.

    ``readers_busy`` is for how long no reader has ended a call, 0 while one is free; ``writer_wait`` for how long the
    first of those that wait to write has waited.
    """

    readers_busy: float
    writer_wait: float


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

    async def lock(self, *locks: Lock) -> None:
        """Take locks in a transaction that began with an idempotency key alone; see :meth:`Database.transaction`."""
        ...

    def execute_at_commit(self, statement: str, /, **params: Any) -> None:
        """Run a change right before the commit, if the transaction has run any statement; its failure is the commit's.

        No change at the commit may depend on another one. A server gets them in as few messages as possible.
        """
        ...

    def insert_many_at_commit(self, statement: str, rows: Sequence[Sequence[Any]], /) -> None:
        """Run a statement once for each of a few hundred different rows, as :meth:`execute_at_commit` does."""
        ...


class Database(Statements, Protocol):
    """A catalog. Outside a transaction, :meth:`fetch` may only read, and :meth:`execute` is a transaction by itself."""

    @property
    def dialect(self) -> Dialect:
        """The words of this database for SQL that is composed at run time."""
        ...

    @property
    def read_only(self) -> bool:
        """Whether every change raises :class:`~headrace.errors.ReadOnlyLakeError`, since the catalog cannot be written."""
        ...

    @property
    def damage(self) -> str | None:
        """What has turned out to be damaged since the database was opened; None if nothing has."""
        ...

    @property
    def full(self) -> bool:
        """Whether the disk of a database elsewhere is full, as far as changes have found."""
        ...

    def transaction(self, *locks: Lock) -> AbstractAsyncContextManager[Transaction]:
        """Open a write transaction; commits on a clean exit, rolls back on an error or a cancellation.

        It runs beside those that hold other locks; without locks, it excludes all others. A database with one writer
        ignores them.
        """
        ...

    async def reserve(self, name: str, count: int = 1) -> int:
        """Reserve consecutive numbers that are never given again, and return the first; the first of all is 1.

        They are taken as :meth:`take` does.
        """
        ...

    async def take(self, statement: str, /, **params: Any) -> Row | None:
        """Run a statement that takes numbers from a row, and return its result.

        It belongs to no transaction, so that no writer waits for another: after an error a gap may stay. May be called
        inside a transaction, which must not have changed that row. A database with one writer runs it in the transaction.
        """
        ...

    def stream(
        self, statement: str, /, *, batch: int = 1000, filters: str = "", **params: Any
    ) -> AsyncGenerator[list[Row], None]:
        """Stream the rows of one consistent snapshot in batches, in constant memory."""
        ...

    def watch_writes(self, report: Callable[[float], None], /) -> None:
        """Call ``report``, on any thread, with the seconds that each write waited for other writes."""
        ...

    async def check_present(self) -> None:
        """Raise :class:`~headrace.errors.LakeLostError` where the catalog was deleted or replaced since it was opened.

        A transaction finds that out before it commits, a read within a quarter of a second.
        """
        ...

    def load(self) -> DatabaseLoad:
        """Return how busy the database is now."""
        ...

    async def aclose(self) -> None:
        """Finish running statements and close all connections."""
        ...

    def discard(self) -> None:
        """Close all connections without waiting, where the event loop that opened them is closed."""
        ...


class DatabaseMaintenance(Protocol):
    """Checks and mends the files of a catalog; each method opens a separate connection."""

    async def checksums(self) -> PageChecksums:
        """Return whether pages have checksums, and whether they are compared."""
        ...

    async def quick_check(self) -> None:
        """Check as much as a few seconds allow; raises :class:`~headrace.errors.CorruptionError` for damage."""
        ...

    def verify(self) -> AsyncGenerator[VerifiedPart, None]:
        """Check everything, in constant memory; yields what was found as it proceeds."""
        ...

    async def rebuild_indexes(self) -> None:
        """Make all indexes again from their tables."""
        ...

    async def add_checksums(self) -> None:
        """Write the database again with checksums on all pages, or leave it as it is. It must be open nowhere."""
        ...
