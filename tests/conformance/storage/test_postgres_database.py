"""The PostgreSQL database against the suite that every database must pass."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from headrace.errors import BadRequestError
from headrace.model.blob.counts import pack_counts
from headrace.model.blob.pack import pack
from headrace.model.columns import ShapeGroup, ShapeKind, Shapes
from headrace.storage.database.base import Database, Transaction
from headrace.storage.database.locks import Lock
from headrace.storage.database.postgres.connect import LOST_SECONDS, connect
from headrace.storage.database.postgres.database import PostgresDatabase
from headrace.storage.database.postgres.growth import FIRST_ROWS
from headrace.storage.database.postgres.schema import migrate
from headrace.testing.database_conformance import DatabaseConformance
from tests.support.postgres_server import (
    PrivateServer,
    fresh_database,
    older_programs,
    private_server,
    run,
)


class TestPostgresDatabase(DatabaseConformance):
    @pytest.fixture
    def dsn(self) -> Iterator[str]:
        with fresh_database() as dsn:
            yield dsn

    @pytest.fixture
    async def database(self, dsn: str) -> AsyncIterator[Database]:
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

    async def test_the_system_notices_that_the_other_machine_has_gone(self, dsn: str) -> None:
        connection = await connect(dsn)
        try:
            found = connection._transport.get_extra_info("socket")
            assert found.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
            if hasattr(socket, "TCP_USER_TIMEOUT"):
                limit = found.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)
                assert limit == LOST_SECONDS * 1000
        finally:
            await connection.close()

    async def test_a_table_that_has_grown_is_analysed(self, dsn: str, database: Database) -> None:
        """Else it would be planned as an empty one until autovacuum has looked at it."""
        group = ShapeGroup(ShapeKind.RECTANGLE, [7] * 40, [number / 3 for number in range(160)])
        blob = pack(Shapes([group]))
        rows = [(1, 1, number, blob) for number in range(FIRST_ROWS)]
        async with database.transaction(Lock.dataset(1)) as tx:
            await tx.insert_many("annotations.add_content", rows)
        known = await run(
            dsn, "select relname, reltuples from pg_class where relname ~ '^content_[0-9]+$'"
        )
        assert [found for found in known if found[1] > 0] == [("content_1", FIRST_ROWS)]

    async def test_changes_of_many_rows_are_those_of_each_row(
        self, dsn: str, database: Database
    ) -> None:
        """Many rows are changed by one statement, few by one for each."""
        counts = [pack_counts({key + 1: key + 2 for key in range(n % 4)}) for n in range(40)]
        for version, together in ((1, 40), (2, 1)):

            async def run_all(
                tx: Transaction,
                statement: str,
                rows: list[tuple[Any, ...]],
                together: int = together,
            ) -> None:
                for first in range(0, len(rows), together):
                    await tx.insert_many(statement, rows[first : first + together])

            async with database.transaction() as tx:
                key = [(3, version, n, n + 100) for n in range(40)]
                await run_all(
                    tx,
                    "annotations.add",
                    [(*key[n], 1, "DONE", n, 0.5, n, counts[n], None, n, None) for n in range(40)],
                )
                await run_all(
                    tx,
                    "annotations.rewrite",
                    [
                        (f"S{n}", n, counts[-n], None, n * 2, None if n % 3 else "{}", *key[n])
                        for n in range(5, 35)
                    ],
                )
                await run_all(tx, "annotations.drop", key[10:20])
                await run_all(tx, "annotations.drop", key[11:21])
        rows = [
            await run(
                dsn,
                "select asset, no, status, shapes_n, counts, content, attributes, marks, scores"
                f" from annotation where bucket = 3 and version = {version} order by asset",
            )
            for version in (1, 2)
        ]
        assert rows[0] == rows[1]
        assert [asset for asset, *_ in rows[0]] == [*range(10), *range(21, 40)]
        assert rows[0][5][2:] == ("S5", 5, counts[-5], 10, None, [16, 32, 48], None)


@pytest.fixture(scope="module")
def older(version: str) -> Iterator[PrivateServer]:
    with private_server(programs=older_programs()[version]) as server:
        server.template("empty_catalog", migrate)
        yield server


@pytest.mark.slow
@pytest.mark.parametrize("version", sorted(older_programs()), scope="module")
class TestOlderPostgresDatabase(DatabaseConformance):
    @pytest.fixture
    async def database(self, version: str, older: PrivateServer) -> AsyncIterator[Database]:
        with older.fresh_database("empty_catalog") as dsn:
            database = await PostgresDatabase.open(dsn)
            assert database.server_version.startswith(f"{version}.")
            yield database
            await database.aclose()
