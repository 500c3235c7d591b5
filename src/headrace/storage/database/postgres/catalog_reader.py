"""Read the whole catalog of a PostgreSQL database; see :mod:`headrace.storage.database.bulk`.

Rows are read in pages of one snapshot.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Self
from uuid import UUID

import anyio

from headrace.errors import LakeVersionError
from headrace.storage.database.base import Row
from headrace.storage.database.bulk import (
    BATCH_BYTES,
    BATCH_ROWS,
    LEDGER,
    Key,
    Table,
    count,
    select,
    size_of,
)
from headrace.storage.database.dsn import shown_dsn
from headrace.storage.database.postgres.connect import CONNECT_SECONDS, connect
from headrace.storage.database.postgres.errors import Translating, translate
from headrace.storage.database.postgres.schema import check_connection

if TYPE_CHECKING:
    import asyncpg

_APART: Final = ("job_log", "released_object", "removal_part")
"""Tables of PostgreSQL alone: what lakes keep in files, and which objects S3 still keeps.

The rows of removals are copied by the platform, the others are not.
"""

DERIVED: Final[dict[str, tuple[str | None, str]]] = {
    "annotation": ("counts", "shapes"),
    "content": (None, "shapes"),
}
"""Tables with columns that SQLite lacks, and the columns that they are computed from: packed counts and blobs."""
DERIVED_COLUMNS: Final = ("marks", "scores")

OWN: Final = ("schema_version", *LEDGER, *_APART)
"""Tables that are not copied."""
_COLUMNS = """
    select c.relname, a.attname, a.attidentity <> '' from pg_class c join pg_attribute a on a.attrelid = c.oid
    where c.relnamespace = current_schema()::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
      and a.attnum > 0 and not a.attisdropped
    order by c.relname, a.attnum
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
        """Connect, and take what is needed: a reader its snapshot, a writer the lock of all changes.

        Raises:
            LakeBusyError: Another process changes something there, and this is a writer.
            ConfigurationError: The address, the user, the password or the database is wrong.
            ConnectError: The server cannot be reached.
            NotALakeError: The database has no catalog.
            LakeVersionError: The catalog is older or newer than this headrace, or the server is too old.
        """
        opened = await cls._connected(dsn)
        try:
            await opened.begin_work()
        except BaseException:
            await opened.aclose()
            raise
        return opened

    async def begin_work(self) -> None:
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
            if table not in OWN:
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
            if table not in OWN:
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
            sql = select(table, parameter, after=after is not None, until=until is not None)
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


def parameter(number: int) -> str:
    """Return how a statement names its parameter of this number, from 1."""
    return f"${number}"
