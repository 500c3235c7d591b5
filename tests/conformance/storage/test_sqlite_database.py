"""The SQLite database against the suite that every database must pass."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from headrace.storage.database.base import Database
from headrace.storage.database.sqlite.database import SqliteDatabase
from headrace.testing.database_conformance import DatabaseConformance


class TestSqliteDatabase(DatabaseConformance):
    @pytest.fixture
    async def database(self, tmp_path: Path) -> AsyncIterator[Database]:
        await SqliteDatabase.create(tmp_path / "catalog.db")
        database = await SqliteDatabase.open(tmp_path / "catalog.db")
        yield database
        await database.aclose()

    async def test_a_text_may_hold_a_nul(self, database: Database) -> None:
        await database.execute("conformance.add", name="a\0b", last=1)
        assert await database.fetch_one("conformance.one", name="a\0b") == (1,)
        assert await database.fetch_one("conformance.one", name="a") is None
