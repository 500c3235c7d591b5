"""Read and write the whole catalog of a lake on a separate connection; see :mod:`headrace.storage.database.bulk`."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import apsw

from headrace.errors import CorruptionError, LakeError
from headrace.storage.database.base import Row
from headrace.storage.database.bulk import (
    BATCH_BYTES,
    BATCH_ROWS,
    COUNTERS,
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
from headrace.storage.database.sqlite import catalog_file
from headrace.storage.database.sqlite.calls import close_all, optimize, rollback
from headrace.storage.database.sqlite.connection import ConnectionThread
from headrace.storage.database.sqlite.errors import translate

T = TypeVar("T")

_BUSY_SECONDS = 30.0


class SqliteReader:
    """A :class:`~headrace.storage.database.bulk.CatalogReader` of a lake's file; :meth:`open` creates it."""

    def __init__(self, path: Path, open_connection: Callable[[], apsw.Connection]) -> None:
        self._path = path
        self._thread = ConnectionThread(open_connection, _BUSY_SECONDS)

    @classmethod
    async def open(cls, path: Path) -> SqliteReader:
        """Open the catalog of a lake that cannot be written.

        Raises:
            LakeError: It cannot be read.
        """
        unchanging = catalog_file.unchanging(path) is not None
        reader = cls(path, partial(catalog_file.open_read_only, path, unchanging))
        try:
            await reader._run(lambda connection: connection.execute("begin"))
        except BaseException:
            await reader.aclose()
            raise
        return reader

    async def tables(self) -> list[Table]:
        """Return all tables of the catalog, sorted so that each follows those that it refers to."""
        return await self._run(_tables)

    async def count(self, tables: Sequence[Table]) -> int:
        """Return how many rows of the tables are copied."""

        def add_up(connection: apsw.Connection) -> int:
            rows: list[Row] = [
                row
                for table in tables
                for row in connection.execute(count(table.name, table.columns))
            ]
            return sum(number for (number,) in rows)

        return await self._run(add_up)

    async def batches(
        self, table: Table, after: Key | None = None, until: Key | None = None
    ) -> AsyncGenerator[list[Row], None]:
        """Stream rows in the order of their keys."""
        sql = select(table, lambda _: "?", after=after is not None, until=until is not None)
        cursors: list[apsw.Cursor] = []

        def first(connection: apsw.Connection) -> list[Row]:
            cursors.append(connection.execute(sql, (*(after or ()), *(until or ()))))
            return _take(cursors[0])

        try:
            rows = await self._run(first)
            while rows:
                yield rows
                rows = await self._run(lambda _: _take(cursors[0]))
        finally:
            self._thread.post(partial(close_all, cursors))

    async def aclose(self) -> None:
        """Close the connection. Idempotent."""
        await self._thread.close()

    async def _run(self, function: Callable[[apsw.Connection], T]) -> T:
        def run(connection: apsw.Connection) -> T:
            try:
                return function(connection)
            except apsw.Error as error:
                raise translate(error, self._path, connection) or error from error

        return await self._thread.run(run)


class SqliteWriter(SqliteReader):
    """A :class:`~headrace.storage.database.bulk.CatalogWriter` into the file of a lake that is being made."""

    @classmethod
    async def open(cls, path: Path) -> SqliteWriter:
        """Open an empty catalog, or one that an earlier run has begun to write.

        Raises:
            StorageError: It cannot be written.
        """
        writer = cls(path, partial(_open_writer, path))
        try:
            await writer._run(lambda connection: None)
        except BaseException:
            await writer.aclose()
            raise
        return writer

    async def migration(self) -> Migration | None:
        """Return the migration that the file holds; None for an empty file."""
        return await self._run(_migration)

    async def begin(self, migration: Migration) -> None:
        """Make the ledger."""

        def begin(connection: apsw.Connection) -> None:
            with connection:
                connection.execute(
                    "create table migration_source (id text not null, schema integer not null) strict;"
                    "create table migration_chunk (name text not null, no integer not null, last text not null,"
                    " rows integer not null, digest blob not null, primary key (name, no)) without rowid, strict"
                )
                connection.execute(
                    "insert into migration_source values (?, ?)", (migration.id, migration.schema)
                )

        await self._run(begin)

    async def chunks(self, table: Table) -> list[Chunk]:
        """Return the chunks of a table that were written."""
        rows: list[Row] = await self._run(
            lambda connection: connection.execute(
                "select no, last, rows, digest from migration_chunk where name = ? order by no",
                (table.name,),
            ).fetchall()
        )
        return [
            Chunk(no=no, last=tuple(json.loads(last)), rows=count, digest=digest)
            for no, last, count, digest in rows
        ]

    async def write(
        self, table: Table, rows: AsyncIterable[Sequence[Row]], entry: Callable[[], Chunk]
    ) -> None:
        """Write a chunk, or nothing."""
        names = ", ".join(map(quoted, table.columns))
        marks = ", ".join("?" for _ in table.columns)
        insert = f"insert into {quoted(table.name)} ({names}) values ({marks})"
        await self._run(lambda connection: connection.execute("begin immediate"))
        try:
            async for batch in rows:
                await self._run(partial(_insert, sql=insert, rows=batch))
            await self._run(partial(_record, table=table, chunk=entry()))
        except BaseException:
            self._thread.post(rollback)
            raise

    async def forget(self, table: Table, first: int, after: Key | None) -> None:
        """Delete the chunks of a table from number ``first`` on."""
        names = ", ".join(map(quoted, table.key))
        marks = ", ".join("?" for _ in table.key)
        where = "" if after is None else f" where ({names}) > ({marks})"

        def delete(connection: apsw.Connection) -> None:
            with connection:
                connection.execute(f"delete from {quoted(table.name)}{where}", after or ())
                connection.execute(
                    "delete from migration_chunk where name = ? and no >= ?", (table.name, first)
                )

        await self._run(delete)

    async def complete(self) -> None:
        """Check the references, and refresh the statistics."""
        await self._run(_complete)

    async def drop_ledger(self) -> None:
        """Delete the ledger."""
        await self._run(
            lambda connection: connection.execute(
                "".join(f"drop table if exists {name};" for name in LEDGER)
            )
        )


# --- on the connection's thread -------------------------------------------------------------------------------


def _open_writer(path: Path) -> apsw.Connection:
    connection = catalog_file.open_writer(path, _BUSY_SECONDS, None)
    # Rows that turn out to have changed are deleted and written again, whatever refers to them meanwhile.
    connection.pragma("foreign_keys", False)
    return connection


def _tables(connection: apsw.Connection) -> list[Table]:
    rows = connection.execute(
        "select name from sqlite_schema where type = 'table' and name not like 'sqlite_%' order by name"
    )
    names = [name for (name,) in rows if name not in LEDGER]
    found: dict[str, Table] = {name: _table(connection, name) for name in names}
    ordered: dict[str, Table] = {}

    def add(name: str) -> None:
        parents = connection.execute(f"pragma foreign_key_list({quoted(name)})").fetchall()
        for parent in sorted({str(row[2]) for row in parents} - {name} - ordered.keys()):
            add(parent)
        ordered[name] = found[name]

    for name in names:
        if name not in ordered:
            add(name)
    return list(ordered.values())


def _table(connection: apsw.Connection, name: str) -> Table:
    rows: list[Row] = connection.execute(f"pragma table_info({quoted(name)})").fetchall()
    columns = tuple(str(row[1]) for row in rows)
    sums = COUNTERS.get(name, ())
    key = tuple(str(row[1]) for row in sorted(rows, key=lambda row: row[5]) if row[5])
    return Table(name, columns, key or tuple(c for c in columns if c not in sums), sums)


def _take(cursor: apsw.Cursor) -> list[Row]:
    rows: list[Row] = []
    size = 0
    for row in cursor:
        rows.append(row)
        size += size_of(row)
        if len(rows) == BATCH_ROWS or size >= BATCH_BYTES:
            break
    return rows


def _migration(connection: apsw.Connection) -> Migration | None:
    ledger = connection.execute(
        "select count(*) from sqlite_schema where name = ?", (LEDGER[0],)
    ).fetchone()
    if ledger == (0,):
        for table in _tables(connection):
            if connection.execute(f"select 1 from {quoted(table.name)} limit 1").fetchone():
                raise LakeError("the catalog is not empty", hint="choose a new folder")
        return None
    row: Any = connection.execute("select id, schema from migration_source").fetchone()
    return Migration(id=row[0], schema=row[1])


def _insert(connection: apsw.Connection, sql: str, rows: Sequence[Row]) -> None:
    connection.executemany(sql, rows)


def _record(connection: apsw.Connection, table: Table, chunk: Chunk) -> None:
    connection.execute(
        "insert into migration_chunk values (?, ?, ?, ?, ?)",
        (table.name, chunk.no, json.dumps(chunk.last), chunk.rows, chunk.digest),
    )
    connection.execute("commit")


def _complete(connection: apsw.Connection) -> None:
    broken = connection.execute("pragma foreign_key_check").fetchone()
    if broken is not None:
        raise CorruptionError(
            f"a row of {broken[0]} names a row of {broken[2]} that does not exist"
        )
    optimize(connection)
