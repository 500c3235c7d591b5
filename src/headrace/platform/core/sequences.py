"""Numbers of rows that are never given twice: an id that was once handed out never names another thing."""

from __future__ import annotations

from headrace.storage.database.base import Transaction


async def take_numbers(tx: Transaction, name: str, count: int = 1) -> int:
    """Reserve ``count`` numbers in a row (from 1 on) for ``name``; the first of them."""
    row = await tx.fetch_one("sequence.take", name=name, count=count)
    assert row is not None
    return int(row[0]) - count + 1
