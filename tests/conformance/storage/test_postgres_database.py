"""The PostgreSQL database against the suite that every database must pass."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from headrace.errors import BadRequestError
from headrace.storage.database.base import Database
from headrace.storage.database.postgres import PostgresDatabase
from headrace.testing.database_conformance import DatabaseConformance
from tests.support.postgres_server import fresh_database


class TestPostgresDatabase(DatabaseConformance):
    @pytest.fixture
    async def database(self) -> AsyncIterator[Database]:
        with fresh_database() as dsn:
            database = await PostgresDatabase.open(dsn, strict_locks=True)
            yield database
            await database.aclose()

    async def test_no_text_holds_a_nul(self, database: Database) -> None:
        """A question for one finds nothing, a change is refused."""
        await database.execute("conformance.add", name="a", last=1)
        assert await database.fetch_one("conformance.one", name="a\0") is None
        assert await database.fetch("conformance.all", start="a\0") == []
        with pytest.raises(BadRequestError, match="NUL"):
            await database.execute("conformance.add", name="b\0", last=1)
        with pytest.raises(BadRequestError, match="NUL"):
            async with database.transaction() as tx:
                rows = [(f"{n}\0", n) for n in range(20)]
                await tx.insert_many("conformance.add_many", rows)
        assert len(await database.fetch("conformance.all", start="")) == 1
