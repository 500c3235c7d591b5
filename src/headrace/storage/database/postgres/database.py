"""The catalog in a PostgreSQL database, which many servers may share.

Connections are lent by pools: one for writers, one for reads, one for people's queries, one for streams and one for
numbers. So a writer that reads, streams or reserves numbers never waits for another writer's connection.
A ``PostgresDatabase`` works in the event loop that opened it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any, TypedDict, Unpack
from uuid import UUID

from headrace.errors import (
    ConfigurationError,
    CorruptionError,
    DatabaseError,
    DiskFullError,
    EventLoopError,
    HeadraceError,
    LakeBusyError,
    ReadOnlyLakeError,
)
from headrace.storage.database.base import FIRST_FILTER, DatabaseLoad, Row, Transaction
from headrace.storage.database.dialect import POSTGRES, Dialect
from headrace.storage.database.dsn import shown_dsn
from headrace.storage.database.locks import ONE_STATEMENT, Lock
from headrace.storage.database.postgres.connect import connect, server_version
from headrace.storage.database.postgres.connections import Connections
from headrace.storage.database.postgres.errors import lost, read_only
from headrace.storage.database.postgres.growth import Growth, analyze_grown
from headrace.storage.database.postgres.schema import check_connection, read
from headrace.storage.database.postgres.silence import SILENCE_SECONDS
from headrace.storage.database.postgres.statements import PostgresStatements
from headrace.storage.database.postgres.transaction import PostgresTransaction
from headrace.storage.database.queries import Queries
from headrace.threads import wait_done

if TYPE_CHECKING:
    import asyncpg

_NUMBERS = "identifiers.take_numbers"
_FULL_SECONDS = 30
"""For so long a change that found no room speaks for the disk; later ones may find some."""


class PostgresOptions(TypedDict, total=False):
    """Options of :meth:`PostgresDatabase.open`."""

    writers: int
    """Transactions that may be open at once in this process. Default: 4."""
    readers: int
    """Reads that may run at once, half of them people's queries. Default: 6."""
    streams: int
    """Streams that may be open at once. Default: 16."""
    lock_seconds: float
    """Seconds to wait for other transactions. Default: 5."""
    pool_seconds: float
    """Seconds to wait for a connection of this process. Default: 30."""
    query_seconds: float | None
    """Seconds that a read with a query's filters may take. Default: unlimited."""
    silence_seconds: float
    """Seconds after which a server that answers nothing is tried, and given up if it still does not. Default: 10."""
    queries: Queries | None
    """Other statements than those of the package."""
    strict_locks: bool
    """Whether a lock that is taken late and out of order is an error. Default: no."""


class PostgresDatabase:
    """A :class:`~headrace.storage.database.base.Database` over asyncpg; :meth:`open` creates it."""

    def __init__(
        self,
        dsn: str,
        *,
        writers: int = 4,
        readers: int = 6,
        streams: int = 16,
        lock_seconds: float = 5.0,
        pool_seconds: float = 30.0,
        query_seconds: float | None = None,
        silence_seconds: float = SILENCE_SECONDS,
        queries: Queries | None = None,
        strict_locks: bool = False,
    ) -> None:
        self._shown = shown_dsn(dsn)
        self._pool_seconds = pool_seconds
        self._strict_locks = strict_locks
        self._growth = Growth()
        self._loop = asyncio.get_running_loop()
        self._statements = PostgresStatements(
            queries or Queries("postgres"), self._shown, self._note
        )
        self._connections = Connections(
            dsn,
            writers=writers,
            readers=readers,
            streams=streams,
            lock_seconds=lock_seconds,
            pool_seconds=pool_seconds,
            query_seconds=query_seconds,
            silence_seconds=silence_seconds,
        )
        self._turn = asyncio.Lock()
        self._waiting: dict[object, float] = {}
        self._owners: set[asyncio.Task[Any]] = set()
        self._read_only = False
        self._damage: str | None = None
        self._full_at: float | None = None
        self._query_seconds = query_seconds
        self._catalog: UUID | None = None
        self._version = ""
        self._closing = self._closed = False
        self._report_write: Callable[[float], None] = _ignore
        self._report_wait: Callable[[str, float], None] = _ignore_kind

    @classmethod
    async def open(cls, dsn: str, **options: Unpack[PostgresOptions]) -> PostgresDatabase:
        """Open the catalog of a database, which ``headrace init`` has made.

        Args:
            dsn: The address, ``postgresql://user@host/name``.
            **options: See :class:`PostgresOptions`.

        Raises:
            MissingExtraError: The driver is not installed.
            ConfigurationError: The address, the user, the password or the database is wrong.
            ConnectError: The server cannot be reached.
            NotALakeError: The database has no catalog.
            LakeVersionError: The catalog is older or newer than this headrace, or the server is too old.
        """
        database = cls(dsn, **options)
        connection = await connect(dsn)
        try:
            schema = await check_connection(connection, database._shown)
            database._catalog = schema.catalog
            database._version = server_version(connection)
            found = await connection.fetchval("show transaction_read_only")
            database._read_only = found == "on"
        finally:
            await connection.close()
        return database

    def __repr__(self) -> str:
        return f"<PostgresDatabase {self._shown}>"

    @property
    def dialect(self) -> Dialect:
        """How PostgreSQL says what is composed at run time."""
        return POSTGRES

    @property
    def read_only(self) -> bool:
        """Whether the database only answers reads, as a standby does."""
        return self._read_only

    @property
    def damage(self) -> str | None:
        """What PostgreSQL found damaged since the database was opened; None if nothing was."""
        return self._damage

    @property
    def full(self) -> bool:
        """Whether the server lately had no room for a change, and has made none since."""
        return self._full_at is not None and time.monotonic() < self._full_at + _FULL_SECONDS

    @property
    def catalog(self) -> UUID:
        """The id that the catalog was given when it was made; copies of the database have the same."""
        assert self._catalog is not None
        return self._catalog

    @property
    def server_version(self) -> str:
        """The version of PostgreSQL, such as ``18.4``."""
        return self._version

    async def check_present(self) -> None:
        """Raise :class:`LakeLostError` where the catalog was deleted or replaced since it was opened.

        Raises:
            UnavailableError: The server cannot be reached.
        """
        self._check_open()
        # Readers may all be busy; numbers are taken in no time.
        async with self._connections.takers.connection() as connection:
            with self._statements.translating("check_present"):
                schema = await read(connection)
        if schema is None or schema.catalog != self._catalog:
            raise lost(self._shown)

    def load(self) -> DatabaseLoad:
        """Return for how long readers are busy and writers wait."""
        now = time.monotonic()
        return DatabaseLoad(
            readers_busy=self._connections.readers.busy_seconds,
            writer_wait=max(
                now - min(self._waiting.values(), default=now),
                self._connections.writers.wait_seconds,
            ),
        )

    def watch_writes(self, report: Callable[[float], None], /) -> None:
        """Call ``report`` with the seconds that each transaction waited for others."""
        self._report_write = report

    def watch_waits(self, report: Callable[[str, float], None], /) -> None:
        """Call ``report`` with each wait and its kind: ``pool write``, ``pool read``, ``pool stream`` or ``lock`` and the lock's kind.

        Locks that are taken together are waited for together: the wait is counted for the last of them.
        """
        self._report_wait = report
        self._connections.watch(report)

    async def aclose(self) -> None:
        """Finish running statements and open transactions, and close all connections."""
        if self._closing:
            return
        self._closing = True
        # Open transactions may still read and take numbers.
        await self._connections.writers.aclose()
        self._closed = True
        await self._connections.aclose()

    def discard(self) -> None:
        """Close all connections without the event loop, which is closed. Their sockets end with their objects."""
        self._closing = self._closed = True
        self._connections.discard()

    # --- reading ------------------------------------------------------------------------------------------

    async def fetch(self, statement: str, /, *, filters: str = "", **params: Any) -> list[Row]:
        """Return all rows as of the last commit."""
        rows = await self._read("fetch", statement, filters, params)
        return [tuple(row) for row in rows]

    async def fetch_one(self, statement: str, /, *, filters: str = "", **params: Any) -> Row | None:
        """Return the first row as of the last commit, or None."""
        row = await self._read("fetchrow", statement, filters, params)
        return None if row is None else tuple(row)

    async def _read(self, method: str, statement: str, filters: str, params: dict[str, Any]) -> Any:
        self._check_open()
        self._statements.raw(statement)
        asked = FIRST_FILTER in params
        pool = self._connections.askers if asked else self._connections.readers
        async with pool.connection() as connection:
            seconds = self._query_seconds if asked else None
            with self._statements.translating(statement, query_seconds=seconds):
                text = await self._statements.text(connection, statement, filters)
                return await getattr(connection, method)(text.sql, *text.bind(params))

    async def stream(
        self, statement: str, /, *, batch: int = 1000, filters: str = "", **params: Any
    ) -> AsyncGenerator[list[Row], None]:
        """Stream the rows of one snapshot in batches. Closing the iterator releases the snapshot."""
        self._check_open()
        async with self._connections.streams.connection() as connection:
            with self._statements.translating(statement):
                await connection.execute("begin isolation level repeatable read read only")
                text = await self._statements.text(connection, statement, filters)
                cursor = await connection.cursor(text.sql, *text.bind(params))
                rows = await cursor.fetch(batch)
                while rows:
                    yield [tuple(row) for row in rows]
                    # A batch that is not full is the last one.
                    rows = await cursor.fetch(batch) if len(rows) == batch else []
                await connection.execute("commit")

    # --- writing ------------------------------------------------------------------------------------------

    async def execute(self, statement: str, /, *, filters: str = "", **params: Any) -> int:
        """Run one change beside the transactions that name their locks; returns the number of changed rows."""
        self._statements.raw(statement)
        async with self.transaction(ONE_STATEMENT) as transaction:
            return await transaction.execute(statement, filters=filters, **params)

    async def reserve(self, name: str, count: int = 1) -> int:
        """Reserve consecutive numbers, whatever becomes of this task's transaction, and return the first."""
        row = await self.take(_NUMBERS, name=name, count=count)
        assert row is not None
        return int(row[0]) - count + 1

    async def take(self, statement: str, /, **params: Any) -> Row | None:
        """Run one change that returns a row, whatever becomes of this task's transaction; it holds no lock.

        What a transaction that is committed later has used is on the disk with that transaction.
        """
        self._check_open()
        self._statements.raw(statement)
        async with self._connections.takers.connection() as connection:
            with self._statements.translating(statement):
                await self._check_writable(connection)
                text = await self._statements.text(connection, statement, "")
                row = await connection.fetchrow(text.sql, *text.bind(params))
        return None if row is None else tuple(row)

    @asynccontextmanager
    async def transaction(self, *locks: Lock) -> AsyncIterator[Transaction]:
        """Open a write transaction; commits on a clean exit, rolls back on an error or a cancellation.

        It holds ``locks`` and runs beside transactions that hold other ones; without locks it excludes all others.
        A transaction that holds the lock of an idempotency key alone takes the others with ``lock``.

        Raises:
            LakeBusyError: Others held a lock for too long.
            UnavailableError: The server cannot be reached.
            ReadOnlyLakeError: The database only answers reads.
        """
        self._check_open()
        task = asyncio.current_task()
        assert task is not None
        if task in self._owners:
            raise ConfigurationError("a transaction is open in this task: write through it")
        began = time.monotonic()
        async with (
            self._alone(wait=not locks),
            self._connections.writers.connection() as connection,
        ):
            self._owners.add(task)
            try:
                transaction = PostgresTransaction(
                    connection, self._statements, self._waited, strict=self._strict_locks
                )
                await self._begin(transaction, locks, began)
                with self._statements.translating("begin"):
                    await self._check_writable(connection)
                yield transaction
                await wait_done(asyncio.ensure_future(transaction.commit()))
                self._full_at = None
            finally:
                self._owners.discard(task)
        await self._analyze(transaction.copied)

    async def _analyze(self, copied: Mapping[str, int]) -> None:
        """Have PostgreSQL look at tables that have grown. What was committed does not depend on it."""
        due = self._growth.due(copied)
        if due:
            with suppress(HeadraceError):
                async with self._connections.takers.connection() as connection:
                    with self._statements.translating("analyze"):
                        await analyze_grown(connection, due)

    async def _begin(
        self, transaction: PostgresTransaction, locks: Sequence[Lock], began: float
    ) -> None:
        self._waiting[token := object()] = began
        try:
            await transaction.begin(locks)
        finally:
            del self._waiting[token]
            self._report_write(time.monotonic() - began)

    @asynccontextmanager
    async def _alone(self, *, wait: bool) -> AsyncIterator[None]:
        """Let the transactions of this process that exclude all others come one by one, in the order they asked."""
        if not wait:
            yield
            return
        self._waiting[token := object()] = time.monotonic()
        try:
            async with asyncio.timeout(self._pool_seconds):
                await self._turn.acquire()
        except TimeoutError:
            raise LakeBusyError(
                f"other changes kept the database {self._shown} busy for {self._pool_seconds:g} s",
                hint="try again in a moment",
            ) from None
        finally:
            del self._waiting[token]
        try:
            yield
        finally:
            self._turn.release()

    def _waited(self, kind: str, seconds: float) -> None:
        self._report_wait(f"lock {kind}", seconds)

    # --- what is known of the database -------------------------------------------------------------------

    def _note(self, error: HeadraceError) -> None:
        """Note what an error says about the whole database."""
        match error:
            case CorruptionError():
                self._damage = error.message
            case DiskFullError():
                self._full_at = time.monotonic()
            case ReadOnlyLakeError():
                self._read_only = True
                self._connections.renew_writers()

    async def _check_writable(self, connection: asyncpg.Connection) -> None:
        """Ask again, where changes were refused before: a standby is promoted, a setting is changed."""
        if not self._read_only:
            return
        still = await connection.fetchval("show transaction_read_only") == "on"
        # In both cases a session that began while the database was read-only would refuse changes for ever.
        self._connections.renew_writers()
        if still:
            raise read_only(self._shown)
        self._read_only = False

    def _check_open(self) -> None:
        if self._closed:
            raise DatabaseError(f"the lake of {self._shown} is closed")
        if asyncio.get_running_loop() is not self._loop:
            raise EventLoopError("a lake works in the event loop that opened it")


def _ignore(seconds: float) -> None:
    """Without a watcher, waits are not reported."""


def _ignore_kind(kind: str, seconds: float) -> None:
    """Without a watcher, waits are not reported."""
