"""The catalog in one SQLite file: one connection to write, a few to read, each on its own thread.

Writers of this process queue in a fair lock; ``begin immediate`` waits for writers of other processes. Reads never
wait for a writer (WAL). A ``SqliteDatabase`` works in the event loop that opened it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any, Protocol, TypedDict, TypeVar, Unpack

import apsw

from headrace.errors import (
    ConfigurationError,
    CorruptionError,
    DatabaseError,
    EventLoopError,
    LakeBusyError,
    UnprocessableEntityError,
)
from headrace.storage.database.base import FIRST_FILTER, DatabaseLoad, Row, Transaction
from headrace.storage.database.dialect import SQLITE, Dialect
from headrace.storage.database.locks import ONE_STATEMENT, Lock
from headrace.storage.database.queries import Queries
from headrace.storage.database.sqlite import calls, catalog_file
from headrace.storage.database.sqlite.catalog_copy import CatalogCopy
from headrace.storage.database.sqlite.connection import ConnectionCall, ConnectionThread
from headrace.storage.database.sqlite.errors import translate
from headrace.storage.database.sqlite.open_files import OpenFiles
from headrace.storage.database.sqlite.transaction import SqliteTransaction, StatementRunner
from headrace.threads import in_thread, wait_done

T = TypeVar("T")

_IDLE_STREAMS = 2


class WriteGuard(Protocol):
    """Who may forbid to write: asked before each transaction, so ``is_late`` must be cheap."""

    @property
    def is_late(self) -> bool:
        """Whether :meth:`renew` must be called before anything is written."""
        ...

    def renew(self) -> None:
        """Renew the permission; raises an error if it is gone. May block."""
        ...


class SqliteOptions(TypedDict, total=False):
    """Options of :meth:`SqliteDatabase.open`."""

    busy_timeout: float
    """Seconds to wait for another process that writes. Default: 30."""
    readers: int
    """Reads that may run at once. Default: 3."""
    max_bytes: int | None
    """Largest size of the file. Default: unlimited."""
    query_seconds: float | None
    """Seconds that a read with a query's filters may take. Such reads never take the last reader. Default: unlimited."""
    queries: Queries | None
    """Other statements than those of the package."""
    guard: WriteGuard | None
    """What may forbid to write. Default: nothing."""


class SqliteDatabase:
    """A :class:`~headrace.storage.database.base.Database` over apsw; :meth:`open` creates it."""

    def __init__(
        self,
        path: Path,
        *,
        busy_timeout: float = 30.0,
        readers: int = 3,
        max_bytes: int | None = None,
        query_seconds: float | None = None,
        queries: Queries | None = None,
        guard: WriteGuard | None = None,
    ) -> None:
        self._path = path
        self._guard = guard
        self._queries = queries or Queries("sqlite")
        self._max_readers = readers
        self._query_seconds = query_seconds
        self._query_slots = asyncio.Semaphore(max(1, readers - 1))
        self._loop = asyncio.get_running_loop()
        self._lock = asyncio.Lock()
        self._owner: asyncio.Task[Any] | None = None
        self._transaction: SqliteTransaction | None = None
        self._read_only = catalog_file.is_read_only(path)
        self._unchanging = catalog_file.unchanging(path) if self._read_only else None
        self._files = OpenFiles(path, log=not self._read_only)
        self._waiting: dict[object, float] = {}
        open_reader = (
            partial(catalog_file.open_read_only, path, self._unchanging is not None)
            if self._read_only
            else self._open_checked
        )
        self._open_reader = partial(ConnectionThread, open_reader, busy_timeout)
        open_writer = partial(catalog_file.open_writer, path, busy_timeout, max_bytes)
        self._writer = ConnectionThread(
            partial(self._open_first, open_reader if self._read_only else open_writer), busy_timeout
        )
        self._readers: list[ConnectionThread] = []
        self._streams: set[ConnectionThread] = set()
        self._idle_streams: list[ConnectionThread] = []
        self._closed = False
        self._damage: str | None = None
        self._report_wait: Callable[[float], None] = _ignore

    @staticmethod
    async def create(path: Path) -> None:
        """Create an empty catalog at ``path``, readable by its owner only.

        Raises:
            LakeError: The file exists.
            StorageError: The file cannot be written.
        """
        await in_thread(catalog_file.create_file, path)

    @classmethod
    async def open(cls, path: Path, **options: Unpack[SqliteOptions]) -> SqliteDatabase:
        """Open the catalog at ``path`` and migrate its schema.

        Raises:
            NotALakeError: The file is missing or not a lake's.
            LakeVersionError: A newer headrace wrote the file.
            LakeBusyError: Another process keeps the file busy.
            StorageError: The file cannot be read or written.
        """
        database = cls(path, **options)
        await database.start()
        return database

    @property
    def dialect(self) -> Dialect:
        """The words of SQLite."""
        return SQLITE

    @property
    def read_only(self) -> bool:
        """Whether the file cannot be written, so every change raises :class:`~headrace.errors.ReadOnlyLakeError`."""
        return self._read_only

    @property
    def damage(self) -> str | None:
        """What has turned out to be damaged since the file was opened; None if nothing has."""
        return self._damage

    @property
    def full(self) -> bool:
        """False: the disk is one of this machine, which can be asked itself."""
        return False

    async def start(self) -> None:
        """Open the connection that writes, so that a wrong file raises at once."""
        try:
            await self._writer.run(lambda connection: None)
        except BaseException:
            self._closed = True
            await self._writer.close()
            raise

    async def check_present(self) -> None:
        """Raise :class:`LakeLostError` where the file was deleted, moved or replaced."""
        await in_thread(self._files.check)

    def load(self) -> DatabaseLoad:
        """Return for how long readers are busy and writers wait."""
        now = time.monotonic()
        began = [thread.busy_since for thread in self._readers]
        newest = max((each for each in began if each is not None), default=now)
        all_busy = len(began) >= self._max_readers and None not in began
        waits = [*self._waiting.values(), self._writer.lock_wanted_since or now]
        return DatabaseLoad(
            readers_busy=now - newest if all_busy else 0.0, writer_wait=now - min(waits)
        )

    async def aclose(self) -> None:
        """Finish running statements and close all connections."""
        if self._closed:
            return
        async with self._lock:
            self._closed = True
            if not self._read_only:
                self._writer.post(calls.optimize)
            for thread in [*self._readers, *self._streams, *self._idle_streams, self._writer]:
                await thread.close()

    def watch_writes(self, report: Callable[[float], None], /) -> None:
        """Call ``report``, on any thread, with the seconds that each transaction waited for others."""
        self._report_wait = report

    def discard(self) -> None:
        """Close all connections after their running statements, without the event loop, which is closed."""
        self._closed = True
        for thread in [*self._readers, *self._streams, *self._idle_streams, self._writer]:
            thread.retire()

    # --- reading ------------------------------------------------------------------------------------------

    async def fetch(self, statement: str, /, *, filters: str = "", **params: Any) -> list[Row]:
        """Return all rows as of the last commit."""
        return await self._read(calls.fetch, statement, filters, params)

    async def fetch_one(self, statement: str, /, *, filters: str = "", **params: Any) -> Row | None:
        """Return the first row as of the last commit, or None."""
        return await self._read(calls.fetch_one, statement, filters, params)

    async def _read(
        self, function: StatementRunner[T], statement: str, filters: str, params: dict[str, Any]
    ) -> T:
        call = self._call(function, statement, filters, params)
        if FIRST_FILTER not in params:
            return await self._reader().run(call)
        if self._query_seconds is None:
            return await self._run_query(call)
        async with self._query_slots:
            try:
                # A cancellation interrupts the statement.
                async with asyncio.timeout(self._query_seconds):
                    return await self._run_query(call)
            except TimeoutError:
                raise UnprocessableEntityError(
                    f"the query took more than {self._query_seconds:g} s",
                    hint="ask for less at once, or let the server take longer: headrace serve --query-seconds",
                ) from None

    async def _run_query(self, call: ConnectionCall[T]) -> T:
        """Run a statement that may be slow: meanwhile other calls wait for other readers."""
        thread = self._reader()
        thread.queries += 1
        try:
            return await thread.run(call)
        finally:
            thread.queries -= 1

    async def stream(
        self, statement: str, /, *, batch: int = 1000, filters: str = "", **params: Any
    ) -> AsyncGenerator[list[Row], None]:
        """Stream the rows of one snapshot in batches. Closing the iterator releases the snapshot."""
        self._check_open()
        thread = self._idle_streams.pop() if self._idle_streams else self._open_reader()
        self._streams.add(thread)
        cursors: list[apsw.Cursor] = []

        def start(connection: apsw.Connection, sql: str, params: dict[str, Any]) -> list[Row]:
            cursors.append(connection.execute(sql, params))
            return calls.take(cursors[0], batch)

        try:
            rows = await thread.run(self._call(start, statement, filters, params))
            while rows:
                yield rows
                rows = await thread.run(
                    self._mapped(lambda _: calls.take(cursors[0], batch), statement)
                )
        finally:
            self._end_stream(thread, cursors)

    async def copy_to(self, path: Path) -> None:
        """Copy the catalog as it is now into a new file, in short steps, while others read and write it.

        Raises:
            CorruptionError: The catalog is damaged.
            StorageError: The file cannot be written.
        """
        self._check_open()
        thread, copy = self._open_reader(), CatalogCopy(path)
        try:
            await thread.run(self._mapped(copy.begin, "copy"))
            while await thread.run(self._mapped(copy.step, "copy")):
                pass
            await thread.run(self._mapped(copy.finish, "copy"))
        finally:
            thread.post(copy.close)
            await thread.close()

    def _end_stream(self, thread: ConnectionThread, cursors: list[apsw.Cursor]) -> None:
        self._streams.discard(thread)
        if self._closed:
            return
        # Posted, not awaited: a generator that is garbage collected must not wait.
        thread.post(partial(calls.close_all, cursors))
        self._idle_streams.append(thread)
        if len(self._idle_streams) > _IDLE_STREAMS:
            self._idle_streams.pop(0).retire()

    # --- writing ------------------------------------------------------------------------------------------

    async def execute(self, statement: str, /, *, filters: str = "", **params: Any) -> int:
        """Run one change in a transaction; returns the number of changed rows."""
        async with self._writing() as waited:
            self._report_wait(waited)
            return await self._writer.run(
                self._call(self._execute_checked, statement, filters, params)
            )

    async def reserve(self, name: str, count: int = 1) -> int:
        """Reserve consecutive numbers and return the first, in the transaction of this task if it has one."""
        row = await self.take("identifiers.take_numbers", name=name, count=count)
        assert row is not None
        return int(row[0]) - count + 1

    async def take(self, statement: str, /, **params: Any) -> Row | None:
        """Run a statement that takes numbers, in the transaction of this task if it has one."""
        if self._transaction is not None and self._owner is asyncio.current_task():
            return await self._transaction.fetch_one(statement, **params)
        async with self.transaction(ONE_STATEMENT) as transaction:
            return await transaction.fetch_one(statement, **params)

    @asynccontextmanager
    async def transaction(self, *locks: Lock) -> AsyncIterator[Transaction]:
        """Open a write transaction; commits on a clean exit, rolls back on an error or a cancellation.

        There is one at a time, so ``locks`` are ignored.
        """
        async with self._writing() as waited:
            transaction = SqliteTransaction(
                self._run_in_writer,
                self._queries.text,
                self._files.check,
                waited,
                self._report_wait,
            )
            self._transaction = transaction
            try:
                yield transaction
            except BaseException:
                await wait_done(self._writer.post(calls.rollback))
                raise
            finally:
                self._transaction = None
            await wait_done(self._writer.post(self._mapped(transaction.commit, "commit")))

    @asynccontextmanager
    async def _writing(self) -> AsyncIterator[float]:
        """Hold the writer of this process; yields the seconds that it was waited for."""
        self._check_open()
        if self._read_only:
            raise catalog_file.cannot_write(self._path)
        task = asyncio.current_task()
        if self._owner is task:
            raise ConfigurationError("a transaction is open in this task: write through it")
        waited = await self._wait_for_writer()
        try:
            self._check_open()
            if self._guard is not None and self._guard.is_late:
                await self.check_present()
                await in_thread(self._guard.renew)
            self._owner = task
            yield waited
        finally:
            self._owner = None
            self._lock.release()

    async def _wait_for_writer(self) -> float:
        """Take the lock of the writer; returns for how many seconds others had it."""
        self._waiting[token := object()] = began = time.monotonic()
        try:
            await self._lock.acquire()
        finally:
            del self._waiting[token]
        return time.monotonic() - began

    def _execute_checked(
        self, connection: apsw.Connection, sql: str, params: dict[str, Any]
    ) -> int:
        self._files.check()
        return calls.execute(connection, sql, params)

    async def _run_in_writer(
        self, function: StatementRunner[T], statement: str, filters: str, params: dict[str, Any]
    ) -> T:
        return await self._writer.run(self._call(function, statement, filters, params))

    # --- connections and calls ----------------------------------------------------------------------------

    def _open_first(self, opener: Callable[[], apsw.Connection]) -> apsw.Connection:
        connection = opener()
        self._files.remember()
        return connection

    def _open_checked(self) -> apsw.Connection:
        """Open one more reader; of a path that now leads to another file, it would read another lake."""
        self._files.check()
        connection = catalog_file.open_reader(self._path)
        try:
            self._files.check()
        except BaseException:
            connection.close(True)
            raise
        return connection

    def _check_open(self) -> None:
        if self._closed:
            raise DatabaseError(f"the lake of {self._path} is closed")
        if asyncio.get_running_loop() is not self._loop:
            raise EventLoopError("a lake works in the event loop that opened it")

    def _reader(self) -> ConnectionThread:
        """Return the reader with the fewest queries, then calls; opens a new one while all are busy and more are allowed."""
        self._check_open()
        best = min(self._readers, key=lambda thread: (thread.queries, thread.pending), default=None)
        if best is None or (best.pending and len(self._readers) < self._max_readers):
            best = self._open_reader()
            self._readers.append(best)
        return best

    def _call(
        self, function: StatementRunner[T], statement: str, filters: str, params: dict[str, Any]
    ) -> ConnectionCall[T]:
        sql = self._queries.text(statement, filters)

        def run(connection: apsw.Connection) -> T:
            self._files.check_seldom()
            return function(connection, sql, params)

        return self._mapped(run, statement)

    def _mapped(self, function: ConnectionCall[T], statement: str) -> ConnectionCall[T]:
        def run(connection: apsw.Connection) -> T:
            try:
                result = function(connection)
                if self._unchanging is not None and self._unchanging != catalog_file.unchanging(
                    self._path
                ):
                    raise LakeBusyError(
                        f"another process changed {self._path} while it was read without locks",
                        hint="run it again",
                    )
                return result
            except (apsw.Error, UnicodeEncodeError, OverflowError) as error:
                if isinstance(error, apsw.Error) and not isinstance(error, apsw.ConstraintError):
                    self._files.check()
                translated = translate(error, self._path, connection, statement)
                if isinstance(translated, CorruptionError):
                    self._damage = translated.message
                raise translated or error from error

        return run


def _ignore(seconds: float) -> None:
    """Nobody asked for the waits."""
