"""Connections of a program whose event loop has ended."""

from __future__ import annotations

import asyncio
import gc
import warnings

from headrace.storage.database.postgres.database import PostgresDatabase
from tests.support.postgres_server import fresh_database


def test_a_database_of_a_closed_event_loop_is_discarded_in_silence() -> None:
    async def opened() -> PostgresDatabase:
        database = await PostgresDatabase.open(dsn)
        await database.fetch("marks.labels", version=1)
        await database.reserve("labels")
        return database

    with fresh_database() as dsn, warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        database = asyncio.run(opened())
        database.discard()
        del database
        gc.collect()
    assert [str(each.message) for each in found] == []
