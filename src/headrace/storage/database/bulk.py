"""Read and write a whole catalog, table by table in the order of their keys: what a migration copies.

Both databases give the same Python values for the same row, so the digest of a row does not depend on where it was read.
The tables and their columns are those of SQLite's schema. PostgreSQL has a few columns more, which are computed.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable, Callable, Iterable, Mapping, Sequence
from hashlib import sha256
from typing import Any, Final, Protocol

import msgspec
from msgspec import Struct

from headrace.storage.database.base import Row

COUNTERS: Final[Mapping[str, tuple[str, ...]]] = {
    "label_delta": ("shapes", "annotations"),
    "version_delta": ("assets", "annotations"),
}
"""Tables without a key, whose rows are added up: by their columns that count. They are copied with one row for each sum."""

BATCH_ROWS: Final = 1_000
BATCH_BYTES: Final = 4 << 20
"""How much is in memory at once: so many rows or so many bytes, whichever is less."""

LEDGER: Final = ("migration_source", "migration_chunk", "migration_index")
"""The tables that say how far a migration is; they are in the target until it is complete."""

_ROW_BYTES: Final = 64
_encode = msgspec.msgpack.Encoder().encode

Key = tuple[Any, ...]


class Table(Struct, frozen=True):
    """A table of the catalog.

    Attributes:
        name: Its name.
        columns: Its columns.
        key: Those by whose values its rows are ordered; no two rows have the same.
        sums: Those that are added up where rows have the same key.
    """

    name: str
    columns: tuple[str, ...]
    key: tuple[str, ...]
    sums: tuple[str, ...] = ()

    def key_of(self, row: Row) -> Key:
        """Return the key of a row."""
        return tuple(row[self.columns.index(name)] for name in self.key)


class Chunk(Struct, frozen=True, kw_only=True):
    """Rows that were copied in one transaction.

    Attributes:
        no: The number of the chunk in its table, from 1.
        last: The key of its last row.
        rows: How many rows it has.
        digest: The digest of all rows of the table up to the last one.
    """

    no: int
    last: Key
    rows: int
    digest: bytes


class RollingDigest:
    """The SHA-256 of rows, one after another; the digest of a chunk begins with that of the chunk before."""

    def __init__(self, before: bytes = b"") -> None:
        self._hash = sha256(before)

    def add(self, rows: Iterable[Row]) -> None:
        """Add rows; how they are divided among calls makes no difference."""
        self._hash.update(b"".join(map(_encode, rows)))

    def value(self) -> bytes:
        """Return the digest of what was added."""
        return self._hash.digest()


class Migration(Struct, frozen=True, kw_only=True):
    """The migration that a target holds: its id, and the version of the schema that its rows have."""

    id: str
    schema: int


class CatalogReader(Protocol):
    """Reads a catalog from one snapshot."""

    def batches(
        self, table: Table, after: Key | None = None, until: Key | None = None
    ) -> AsyncGenerator[list[Row], None]:
        """Stream rows in the order of their keys, in batches of at most :data:`BATCH_ROWS`.

        Args:
            table: The table.
            after: The key after which to begin. Default: with the first row.
            until: The last key to read. Default: the last one.
        """
        ...

    async def aclose(self) -> None:
        """Release the snapshot. Idempotent."""
        ...


class CatalogWriter(CatalogReader, Protocol):
    """Writes a catalog in chunks, each in one transaction with its entry in the ledger."""

    async def migration(self) -> Migration | None:
        """Return the migration that the target holds; None for a target that is empty.

        Raises:
            LakeError: The target holds rows that no migration has written.
        """
        ...

    async def begin(self, migration: Migration) -> None:
        """Make the ledger of a migration in an empty target."""
        ...

    async def chunks(self, table: Table) -> list[Chunk]:
        """Return the chunks of a table that were written, in their order."""
        ...

    async def write(
        self, table: Table, rows: AsyncIterable[Sequence[Row]], entry: Callable[[], Chunk]
    ) -> None:
        """Write a chunk: all of its rows and the entry, which is made when the rows were read, or nothing."""
        ...

    async def forget(self, table: Table, first: int, after: Key | None) -> None:
        """Delete the chunks of a table from number ``first`` on, whose rows follow the key ``after``."""
        ...

    async def complete(self) -> None:
        """Set the numbers that the database hands out, and refresh its statistics. Idempotent."""
        ...

    async def drop_ledger(self) -> None:
        """Delete the ledger. Idempotent."""
        ...


def size_of(row: Row) -> int:
    """Return about how many bytes of memory a row takes."""
    return _ROW_BYTES + sum(len(value) for value in row if isinstance(value, str | bytes))


def select(table: Table, parameter: Callable[[int], str], *, after: bool, until: bool) -> str:
    """Return the query of a part of a table; its parameters are the values of ``after``, then those of ``until``.

    Args:
        table: The table.
        parameter: Writes the parameter of a number, from 1.
        after: Whether it begins after a key.
        until: Whether it ends with a key.
    """
    names = ", ".join(map(quoted, table.key))
    width, conditions, number = len(table.key), [], 1
    for wanted, comparison in ((after, ">"), (until, "<=")):
        if wanted:
            values = ", ".join(parameter(number + place) for place in range(width))
            conditions.append(f"({names}) {comparison} ({values})")
            number += width
    columns = ", ".join(
        f"cast(sum({quoted(name)}) as bigint)" if name in table.sums else quoted(name)
        for name in table.columns
    )
    where = f" where {' and '.join(conditions)}" if conditions else ""
    group = f" group by {names}" if table.sums else ""
    return f"select {columns} from {quoted(table.name)}{where}{group} order by {names}"


def count(name: str, columns: Sequence[str]) -> str:
    """Return the query of how many rows of a table are copied.

    Args:
        name: The table.
        columns: Its columns.
    """
    sums = COUNTERS.get(name)
    if sums is None:
        return f"select count(*) from {quoted(name)}"
    key = ", ".join(quoted(column) for column in columns if column not in sums)
    return f"select count(*) from (select 1 from {quoted(name)} group by {key}) k"


def quoted(name: str) -> str:
    """Return the name of a table or column as SQL."""
    return f'"{name}"'
