"""Copy all rows of a catalog in chunks, and compare what has arrived with what was read.

A chunk and its entry in the target's ledger are one transaction, so work that was interrupted continues after the last
chunk, and no row comes twice. The entry holds the digest of all rows up to there, as they were read from the source.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from hashlib import sha256
from typing import Self

from msgspec import Struct

from headrace.errors import CorruptionError
from headrace.storage.database.base import Row
from headrace.storage.database.bulk import (
    CatalogReader,
    CatalogWriter,
    Chunk,
    Key,
    RollingDigest,
    Table,
    size_of,
)
from headrace.transfer.progress import Progress

CHUNK_ROWS = 50_000
CHUNK_BYTES = 32 << 20
"""How much one transaction writes: so many rows or so many bytes, whichever is less."""


class CopiedRows(Struct, frozen=True):
    """How many rows a catalog has, and the digest of all of them."""

    rows: int
    digest: str


class RowCopy:
    """The copy of a catalog.

    Args:
        source: The catalog that is read.
        target: The catalog that is written.
        tables: The tables, each after those that it refers to.
        shown: Counts the rows.
    """

    def __init__(
        self,
        source: CatalogReader,
        target: CatalogWriter,
        tables: Sequence[Table],
        shown: Progress,
    ) -> None:
        self._source = source
        self._target = target
        self._tables = tables
        self._shown = shown

    async def run(self, *, unchanged: bool) -> None:
        """Copy what is missing.

        Args:
            unchanged: Whether the source cannot have changed since an earlier run. Otherwise the rows that it copied
                are compared, and copied again from the first difference on.
        """
        for table in self._tables:
            chunks = await self._target.chunks(table)
            kept = chunks if unchanged else await self._same(table, chunks)
            if len(kept) < len(chunks):
                after = kept[-1].last if kept else None
                await self._target.forget(table, len(kept) + 1, after)
            if unchanged:
                self._shown.add(sum(chunk.rows for chunk in kept))
            await self._copy(table, kept[-1] if kept else None)

    async def verify(self) -> CopiedRows:
        """Read everything from the target, and compare its digests with those of the source.

        Raises:
            CorruptionError: The target does not hold what was read from the source.
        """
        rows, digest = 0, sha256()
        for table in self._tables:
            chunks = await self._target.chunks(table)
            before, after = b"", None
            for chunk in chunks:
                # The last one has all rows that there are, also those that nothing has copied.
                until = None if chunk is chunks[-1] else chunk.last
                found = await self._read(self._target, table, before, after, until)
                if (found.rows, found.digest) != (chunk.rows, chunk.digest):
                    raise _differs(table, chunk)
                rows += chunk.rows
                before, after = chunk.digest, chunk.last
            if not chunks:
                found = await self._read(self._target, table, b"", None, None)
                if found.rows:
                    raise _differs(table, None)
            digest.update(table.name.encode() + b"\0" + before)
        return CopiedRows(rows, digest.hexdigest())

    async def _same(self, table: Table, chunks: Sequence[Chunk]) -> list[Chunk]:
        """Return the first chunks, up to one whose rows in the source are others now."""
        before, after, kept = b"", None, list[Chunk]()
        for chunk in chunks:
            found = await self._read(self._source, table, before, after, chunk.last)
            if (found.rows, found.digest) != (chunk.rows, chunk.digest):
                break
            kept.append(chunk)
            before, after = chunk.digest, chunk.last
        return kept

    async def _copy(self, table: Table, last: Chunk | None) -> None:
        async with aclosing(self._source.batches(table, last.last if last else None)) as batches:
            batch = await anext(batches, None)
            while batch:
                chunk = _NewChunk(table, last, batch, batches)
                await self._target.write(table, chunk, chunk.entry)
                last = chunk.entry()
                self._shown.add(last.rows)
                batch = await anext(batches, None)

    async def _read(
        self,
        catalog: CatalogReader,
        table: Table,
        before: bytes,
        after: Key | None,
        until: Key | None,
    ) -> _Found:
        digest, rows = RollingDigest(before), 0
        async with aclosing(catalog.batches(table, after, until)) as batches:
            async for batch in batches:
                digest.add(batch)
                rows += len(batch)
                self._shown.add(len(batch))
        return _Found(rows, digest.value())


class _Found(Struct, frozen=True):
    rows: int
    digest: bytes


class _NewChunk:
    """The rows of one chunk, and its entry once they were read. It begins with ``first``, and then reads ``more``."""

    def __init__(
        self,
        table: Table,
        before: Chunk | None,
        first: list[Row],
        more: AsyncGenerator[list[Row], None],
    ) -> None:
        self._table = table
        self._no = 1 if before is None else before.no + 1
        self._digest = RollingDigest(b"" if before is None else before.digest)
        self._first: list[Row] | None = first
        self._more = more
        self._rows = self._bytes = 0
        self._last: Row = ()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> list[Row]:
        batch, self._first = self._first, None
        if batch is None:
            if self._rows >= CHUNK_ROWS or self._bytes >= CHUNK_BYTES:
                raise StopAsyncIteration
            batch = await anext(self._more)
        self._digest.add(batch)
        self._rows += len(batch)
        self._bytes += sum(map(size_of, batch))
        self._last = batch[-1]
        return batch

    def entry(self) -> Chunk:
        """Return the entry of the ledger."""
        return Chunk(
            no=self._no,
            last=self._table.key_of(self._last),
            rows=self._rows,
            digest=self._digest.value(),
        )


def _differs(table: Table, chunk: Chunk | None) -> CorruptionError:
    where = "" if chunk is None else f" up to the key {', '.join(map(str, chunk.last))}"
    return CorruptionError(
        f"the rows of {table.name}{where} are not those that were copied",
        hint="nothing else may write to the target meanwhile; empty it, and run this again",
    )
