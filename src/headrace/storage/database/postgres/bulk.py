"""Read and write the whole catalog of a PostgreSQL database; see :mod:`headrace.storage.database.bulk`.

Rows are read in pages of one snapshot and written with COPY. A migration that writes holds the lock of all changes, so that
no server changes anything meanwhile.
"""

from __future__ import annotations

import json
import time
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Final, Self
from uuid import UUID

import anyio

from headrace.errors import LakeBusyError, LakeError, LakeVersionError
from headrace.storage.database.base import Row
from headrace.storage.database.bulk import (
    BATCH_BYTES,
    BATCH_ROWS,
    LEDGER,
    Chunk,
    Key,
    Migration,
    Table,
    count,
    quoted,
    select,
    size_of,
)
from headrace.storage.database.dsn import shown_dsn
from headrace.storage.database.postgres.connect import CONNECT_SECONDS, connect
from headrace.storage.database.postgres.derived import derive
from headrace.storage.database.postgres.errors import Translating, translate
from headrace.storage.database.postgres.schema import check_connection
from headrace.storage.database.postgres.transaction import EVERYTHING
from headrace.threads import in_thread

if TYPE_CHECKING:
    import asyncpg

DERIVED: Final[dict[str, tuple[str | None, str]]] = {
    "annotation": ("counts", "shapes"),
    "content": (None, "shapes"),
}
"""Tables with columns that SQLite lacks, and the columns that they are computed from: packed counts and blobs."""
DERIVED_COLUMNS: Final = ("marks", "scores")

APART: Final = ("job_log", "removal_part")
"""Tables of PostgreSQL alone: what lakes keep in files. The rows of removals are copied by the platform, logs are not."""

_HOLD_SECONDS = 5.0
_LOOK_SECONDS = 0.1
_OWN = ("schema_version", *LEDGER, *APART)
_COLUMNS = """
    select c.relname, a.attname, a.attidentity <> '' from pg_class c join pg_attribute a on a.attrelid = c.oid
    where c.relnamespace = current_schema()::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
      and a.attnum > 0 and not a.attisdropped
    order by c.relname, a.attnum
"""
_MAKE_LEDGER = """
    create table migration_source (id text not null, schema integer not null);
    create table migration_chunk (
        name text collate "C" not null, no integer not null, last text not null, rows bigint not null,
        digest bytea not null, primary key (name, no))
"""
# An index that is made of all rows at once costs a third of one that grows with them. Keys stay, for the rows are read by
# them, and so do the indexes of counters, which have no key.
_SET_INDEXES_ASIDE = """
    create table migration_index (name text not null, definition text not null);
    insert into migration_index
    select c.relname, pg_get_indexdef(c.oid) from pg_index i
    join pg_class c on c.oid = i.indexrelid join pg_class t on t.oid = i.indrelid
    where c.relnamespace = current_schema()::regnamespace and not t.relispartition and not i.indisprimary
      and t.relname in ('data', 'asset', 'annotation', 'asset_tag', 'data_tag', 'assignment', 'assignment_trail')
      and not exists (select from pg_constraint s where s.conindid = i.indexrelid);
"""
_SETTINGS = {
    # Pages are read by their keys; a plan that sorts a table would fill the disk with it.
    "enable_sort": "off",
    "enable_hashagg": "off",
    # No server ends a session of this name, which may be sent rows for hours.
    "application_name": "headrace migrate",
    "lock_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
}


class PostgresReader:
    """A :class:`~headrace.storage.database.bulk.CatalogReader` of a database; :meth:`open` creates it."""

    def __init__(self, connection: asyncpg.Connection, shown: str, catalog: UUID) -> None:
        self._connection = connection
        self._shown = shown
        self.catalog = catalog

    @classmethod
    async def open(cls, dsn: str) -> Self:
        """Connect, and take the snapshot that is read.

        Raises:
            ConfigurationError: The address, the user, the password or the database is wrong.
            ConnectError: The server cannot be reached.
            NotALakeError: The database has no catalog.
            LakeVersionError: The catalog is older or newer than this headrace, or the server is too old.
        """
        reader = await cls._connected(dsn)
        try:
            await reader.begin_reading()
        except BaseException:
            await reader.aclose()
            raise
        return reader

    async def begin_reading(self) -> None:
        """Take the snapshot."""
        with self._errors():
            await self._connection.execute(
                "begin transaction isolation level repeatable read, read only"
            )
            await self._connection.fetchval("select version from schema_version")

    @classmethod
    async def _connected(cls, dsn: str) -> Self:
        shown = shown_dsn(dsn)
        connection = await connect(dsn, seconds=CONNECT_SECONDS, opening=True, **_SETTINGS)
        try:
            schema = await check_connection(connection, shown)
            return cls(connection, shown, schema.catalog)
        except BaseException:
            connection.terminate()
            raise

    async def check_tables(self, tables: Sequence[Table]) -> None:
        """Check that the database has these tables and columns, and no others but those that are computed.

        Raises:
            LakeVersionError: It has others.
        """
        found: dict[str, set[str]] = {}
        for table, column, _ in await self._columns():
            if table not in _OWN:
                found.setdefault(table, set()).add(column)
        for table in DERIVED:
            found.get(table, set()).difference_update(DERIVED_COLUMNS)
        wanted = {table.name: {*table.columns} for table in tables}
        if found != wanted:
            differing = sorted(
                name for name in {*found, *wanted} if found.get(name) != wanted.get(name)
            )
            raise LakeVersionError(
                f"the schema of {self._shown} is not that of this headrace: {', '.join(differing)}",
                hint="use the headrace that made the database, or change the database: headrace migrate-schema",
            )

    async def count(self) -> int:
        """Return how many rows of the catalog are copied."""
        tables: dict[str, list[str]] = {}
        for table, column, _ in await self._columns():
            if table not in _OWN:
                tables.setdefault(table, []).append(column)
        with self._errors():
            numbers = [
                await self._connection.fetchval(count(name, columns))
                for name, columns in tables.items()
            ]
        return sum(numbers)

    async def batches(
        self, table: Table, after: Key | None = None, until: Key | None = None
    ) -> AsyncGenerator[list[Row], None]:
        """Stream rows in the order of their keys."""
        limit = BATCH_ROWS
        while True:
            sql = select(table, _parameter, after=after is not None, until=until is not None)
            values = (*(after or ()), *(until or ()))
            with self._errors(table.name):
                found = await self._connection.fetch(f"{sql} limit {limit}", *values)
            rows = [tuple(row) for row in found]
            if rows:
                yield rows
            if len(rows) < limit:
                return
            after = table.key_of(rows[-1])
            size = max(1, sum(map(size_of, rows)) // len(rows))
            # A power of two, so that few queries are prepared.
            fitting = 1 << (BATCH_BYTES // size).bit_length()
            limit = max(1, min(BATCH_ROWS, fitting))

    async def aclose(self) -> None:
        """Close the connection. Idempotent."""
        with anyio.CancelScope(shield=True), suppress(Exception):
            await self._connection.close(timeout=5)

    async def _columns(self) -> list[tuple[str, str, bool]]:
        with self._errors():
            return [tuple(row) for row in await self._connection.fetch(_COLUMNS)]

    def _errors(self, statement: str = "") -> Translating:
        return Translating(lambda error: translate(error, self._shown, statement))


class PostgresWriter(PostgresReader):
    """A :class:`~headrace.storage.database.bulk.CatalogWriter` into an empty database.

    It reads what it has written, not a snapshot.
    """

    @classmethod
    async def open(cls, dsn: str) -> Self:
        """Connect, and keep all others from changing anything.

        Raises:
            LakeBusyError: Another process changes something there.
            ConfigurationError: The address, the user, the password or the database is wrong.
            ConnectError: The server cannot be reached.
            NotALakeError: The database has no catalog.
            LakeVersionError: The catalog is older or newer than this headrace, or the server is too old.
        """
        writer = await cls._connected(dsn)
        try:
            await writer.hold()
        except BaseException:
            await writer.aclose()
            raise
        return writer

    async def hold(self) -> None:
        """Take the lock of all changes, until the connection is closed.

        PostgreSQL needs a moment to notice that a process was killed, which held the lock.
        """
        deadline = time.monotonic() + _HOLD_SECONDS
        while True:
            with self._errors():
                if await self._connection.fetchval(f"select pg_try_advisory_lock({EVERYTHING})"):
                    return
            if time.monotonic() > deadline:
                raise LakeBusyError(
                    f"another process writes to {self._shown}",
                    hint="stop its servers and other migrations, and run this again",
                )
            await anyio.sleep(_LOOK_SECONDS)

    async def release(self) -> None:
        """Let others change the database again."""
        with self._errors():
            await self._connection.execute(f"select pg_advisory_unlock({EVERYTHING})")

    async def has_ledger(self) -> bool:
        """Return whether the database holds a migration that has not ended."""
        with self._errors():
            return bool(
                await self._connection.fetchval(
                    "select to_regclass('migration_source') is not null"
                )
            )

    async def migration(self) -> Migration | None:
        """Return the migration that the database holds; None for an empty database."""
        if await self.has_ledger():
            with self._errors():
                row = await self._connection.fetchrow("select id, schema from migration_source")
            return Migration(id=row[0], schema=row[1])
        for name in dict.fromkeys(table for table, _, _ in await self._columns()):
            if name in _OWN:
                continue
            with self._errors():
                is_used = await self._connection.fetchval(
                    f"select exists (select from {quoted(name)})"
                )
            if is_used:
                raise LakeError(
                    f"the database {self._shown} is not empty: there are rows in {name}",
                    hint="move the lake into a new database: createdb NAME",
                )
        return None

    async def begin(self, migration: Migration) -> None:
        """Make the ledger."""
        async with self._transaction():
            await self._connection.execute(_MAKE_LEDGER)
            await self._connection.execute(
                "insert into migration_source values ($1, $2)", migration.id, migration.schema
            )
            await self._connection.execute(_SET_INDEXES_ASIDE)
            for (name,) in await self._connection.fetch("select name from migration_index"):
                await self._connection.execute(f"drop index {quoted(name)}")

    async def chunks(self, table: Table) -> list[Chunk]:
        """Return the chunks of a table that were written."""
        with self._errors():
            rows = await self._connection.fetch(
                "select no, last, rows, digest from migration_chunk where name = $1 order by no",
                table.name,
            )
        return [
            Chunk(no=no, last=tuple(json.loads(last)), rows=number, digest=digest)
            for no, last, number, digest in rows
        ]

    async def write(
        self, table: Table, rows: AsyncIterable[Sequence[Row]], entry: Callable[[], Chunk]
    ) -> None:
        """Write a chunk, or nothing."""
        columns = table.columns
        if table.name in DERIVED:
            columns += DERIVED_COLUMNS
        async with self._transaction(table.name):
            async for batch in rows:
                records = await in_thread(with_derived, table, batch)
                await self._connection.copy_records_to_table(
                    table.name, records=records, columns=columns
                )
            chunk = entry()
            await self._connection.execute(
                "insert into migration_chunk values ($1, $2, $3, $4, $5)",
                *(table.name, chunk.no, json.dumps(chunk.last), chunk.rows, chunk.digest),
            )

    async def forget(self, table: Table, first: int, after: Key | None) -> None:
        """Delete the chunks of a table from number ``first`` on."""
        names = ", ".join(map(quoted, table.key))
        marks = ", ".join(_parameter(1 + place) for place in range(len(table.key)))
        where = "" if after is None else f" where ({names}) > ({marks})"
        async with self._transaction(table.name):
            await self._connection.execute(
                f"delete from {quoted(table.name)}{where}", *(after or ())
            )
            await self._connection.execute(
                "delete from migration_chunk where name = $1 and no >= $2", table.name, first
            )

    async def complete(self) -> None:
        """Make the indexes, set the numbers that the database hands out, and refresh its statistics."""
        columns = await self._columns()
        with self._errors():
            for (definition,) in await self._connection.fetch(
                "select definition from migration_index order by name"
            ):
                # The index of a partitioned table is made with those of its partitions.
                made = definition.replace(" ON ONLY ", " ON ", 1)
                await self._connection.execute(made.replace(" INDEX ", " INDEX IF NOT EXISTS ", 1))
            for table, column, is_identity in columns:
                if is_identity:
                    await self._connection.execute(
                        f"select setval(pg_get_serial_sequence('{quoted(table)}', '{column}'),"
                        f" greatest(1, max({quoted(column)})), max({quoted(column)}) is not null) from {quoted(table)}"
                    )
            for table in dict.fromkeys(table for table, _, _ in columns):
                await self._connection.execute(f"analyze {quoted(table)}")

    async def drop_ledger(self) -> None:
        """Delete the ledger."""
        with self._errors():
            await self._connection.execute(f"drop table if exists {', '.join(LEDGER)}")

    @asynccontextmanager
    async def _transaction(self, statement: str = "") -> AsyncIterator[None]:
        with self._errors(statement):
            async with self._connection.transaction():
                yield


def with_derived(table: Table, rows: Sequence[Row]) -> Sequence[Row]:
    """Return rows with the values of the columns that are computed from the others.

    Raises:
        CorruptionError: A blob is damaged.
    """
    sources = DERIVED.get(table.name)
    if sources is None:
        return rows
    counts, shapes = (None if name is None else table.columns.index(name) for name in sources)
    assert shapes is not None
    values = derive(
        [None if counts is None else row[counts] for row in rows], [row[shapes] for row in rows]
    )
    return [(*row, *more) for row, more in zip(rows, values, strict=True)]


def _parameter(number: int) -> str:
    return f"${number}"
