"""Write the whole catalog of a PostgreSQL database; see :mod:`headrace.storage.database.bulk`.

Rows are written with COPY. A migration that writes holds the lock of all changes, so that no server changes anything
meanwhile.
"""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterable, AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import anyio

from headrace.errors import LakeBusyError, LakeError
from headrace.storage.database.base import Row
from headrace.storage.database.bulk import (
    LEDGER,
    Chunk,
    Key,
    Migration,
    Table,
    quoted,
)
from headrace.storage.database.postgres.catalog_reader import (
    DERIVED,
    DERIVED_COLUMNS,
    OWN,
    PostgresReader,
    parameter,
)
from headrace.storage.database.postgres.derived import derive
from headrace.storage.database.postgres.transaction import EVERYTHING
from headrace.threads import in_thread

_HOLD_SECONDS = 5.0
_LOOK_SECONDS = 0.1
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


class PostgresWriter(PostgresReader):
    """A :class:`~headrace.storage.database.bulk.CatalogWriter` into an empty database.

    It reads what it has written, not a snapshot.
    """

    async def begin_work(self) -> None:
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
            if name in OWN:
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
        marks = ", ".join(parameter(1 + place) for place in range(len(table.key)))
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
