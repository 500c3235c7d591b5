"""Statistics of tables that have grown, so that PostgreSQL plans for the rows that there are.

Autovacuum looks once a minute, and at a large table only when a tenth of it is new. Until then a table that was empty is
planned as an empty one, and a statement that asks for a hundred keys reads a whole version. So a process that copies many
rows into a table has it analysed each time it has become four times as large: a handful of times in its life.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncpg

FIRST_ROWS = 500
"""Rows that are copied into a table before its size is asked for; each time twice as many."""

_GROWN = """
select c.oid::regclass::text
from pg_class p left join pg_inherits i on i.inhparent = p.oid join pg_class c on c.oid = coalesce(i.inhrelid, p.oid)
where p.oid = any(array(select t::regclass::oid from unnest($1::text[]) t))
  and pg_relation_size(c.oid) / current_setting('block_size')::bigint > 4 * greatest(c.relpages, 1)
"""


class Growth:
    """Counts the rows that this process copies into each table."""

    def __init__(self) -> None:
        self._rows: Counter[str] = Counter()
        self._asked: dict[str, int] = {}

    def due(self, copied: Mapping[str, int]) -> list[str]:
        """Count rows that were committed; returns the tables whose size is to be asked for."""
        self._rows.update(copied)
        due = [name for name in copied if self._rows[name] >= self._asked.get(name, FIRST_ROWS)]
        for name in due:
            self._asked[name] = 2 * self._rows[name]
        return due


async def analyze_grown(connection: asyncpg.Connection, tables: list[str]) -> list[str]:
    """Analyse the tables or partitions that have grown, and return them. Those that others analyse are left to them."""
    grown = [name for (name,) in await connection.fetch(_GROWN, tables)]
    if grown:
        await connection.execute(f"analyze (skip_locked) {', '.join(grown)}")
    return grown
