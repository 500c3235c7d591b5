"""Write into a catalog from a process of its own. ``catalog_writer.py CATALOG count NAME N`` adds one to ``NAME`` N
times, each in a transaction; ``… hold NAME`` opens a transaction, writes, says "holding" and waits to be killed;
``… open`` opens and closes.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from headrace.storage.database.sqlite.database import SqliteDatabase


async def count(database: SqliteDatabase, name: str, times: str) -> None:
    for _ in range(int(times)):
        async with database.transaction() as tx:
            await tx.fetch_one("identifiers.take_numbers", name=name, count=1)


async def hold(database: SqliteDatabase, name: str) -> None:
    async with database.transaction() as tx:
        rows = ((f"{name}{number:06d}", number) for number in range(50_000))
        await tx.insert_many("conformance.add_many", rows)
        print("holding", flush=True)
        await asyncio.Event().wait()


async def main(path: str, job: str, *arguments: str) -> None:
    database = await SqliteDatabase.open(Path(path))
    print("open", flush=True)
    if job == "count":
        await count(database, *arguments)
    elif job == "hold":
        await hold(database, *arguments)
    await database.aclose()


asyncio.run(main(*sys.argv[1:]))
