"""Opening, making and migrating catalogs in PostgreSQL: what is wrong is said in one error, with its cure."""

from __future__ import annotations

import asyncio
import sys
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import quote

import asyncpg
import pytest

from headrace.errors import (
    ConfigurationError,
    ConnectError,
    DatabaseError,
    HeadraceError,
    LakeError,
    LakeVersionError,
    MissingExtraError,
    NotALakeError,
)
from headrace.storage.database.postgres.database import PostgresDatabase
from headrace.storage.database.postgres.schema import check, migrate
from headrace.storage.database.queries import migrations
from tests.support.postgres_server import fresh_database, postgres_server, private_server, run

KNOWN = len(migrations("postgres"))


@pytest.fixture(name="dsn")
def migrated() -> Iterator[str]:
    with fresh_database() as dsn:
        yield dsn


@pytest.fixture
def empty() -> Iterator[str]:
    with fresh_database("template0") as dsn:
        yield dsn


async def open_and_close(dsn: str) -> None:
    await (await PostgresDatabase.open(dsn)).aclose()


OPENINGS: list[Callable[[str], Awaitable[object]]] = [open_and_close, check, migrate]


async def refused(
    dsn: str, error: type[HeadraceError], *secrets: str, openings: object = None
) -> list[HeadraceError]:
    """What each way to open a database raises; the password is nowhere in it."""
    found = []
    for opening in openings or OPENINGS:  # type: ignore[attr-defined]
        with pytest.raises(error) as caught:
            await opening(dsn)
        assert type(caught.value) is error
        assert caught.value.hint
        told = "".join(traceback.format_exception(caught.value)) + repr(caught.value)
        for secret in secrets:
            assert secret not in told
        found.append(caught.value)
    return found


async def test_a_wrong_password_or_user() -> None:
    server = postgres_server()
    for user in ("headrace", "stranger"):
        dsn = server.dsn(user=user, password="pass%2Fword-4711")
        for error in await refused(dsn, ConfigurationError, "pass%2Fword", "pass/word", "4711"):
            assert "PGPASSWORD" in str(error)


async def test_a_database_that_does_not_exist() -> None:
    server = postgres_server()
    for error in await refused(server.dsn("nothing_here"), ConfigurationError, server.password):
        assert "nothing_here" in str(error)
        assert "createdb" in str(error)


@pytest.mark.parametrize("host", ["127.0.0.1:1", "no-such-host.invalid"])
async def test_a_server_that_cannot_be_reached(host: str) -> None:
    await refused(f"postgresql://me:hidden-pw@{host}/x", ConnectError, "hidden-pw")


@pytest.mark.parametrize(
    "dsn",
    [
        "postgresql://me:hidden-pw@host:port/x",
        "postgresql://me:hidden/pw@host/x",
        "postgresql://me:hidden-pw@[::1/x",
        "postgresql://me:hidden-pw@host/x?sslmode=hidden-pw",
        "mysql://me:hidden-pw@host/x",
    ],
)
async def test_an_address_that_is_none(dsn: str) -> None:
    await refused(dsn, ConfigurationError, "hidden-pw", "hidden/pw")


async def test_a_password_with_special_characters(dsn: str) -> None:
    password = "p@ss/w:rd?#%&"
    await run(dsn, f"create role special login password '{password}'")
    try:
        await run(dsn, "grant all on all tables in schema public to special")
        special = postgres_server().dsn(
            dsn.rpartition("/")[2], user="special", password=quote(password, safe="")
        )
        await open_and_close(special)
    finally:
        await run(dsn, "drop owned by special", "drop role special")


async def test_a_user_without_rights(dsn: str, empty: str) -> None:
    server = postgres_server()
    await run(dsn, "create role powerless login password 'hidden-pw'")
    try:
        shown = [server.dsn(each.rpartition("/")[2], user="powerless", password="hidden-pw") for each in (dsn, empty)]  # fmt: skip
        await refused(shown[0], ConfigurationError, "hidden-pw", openings=[open_and_close, check])
        for error in await refused(shown[1], ConfigurationError, "hidden-pw", openings=[migrate]):
            assert "grant" in str(error)
    finally:
        await run(dsn, "drop role powerless")


async def test_a_server_without_a_free_connection() -> None:
    options = ("max_connections=3", "superuser_reserved_connections=0", "reserved_connections=0")
    with private_server(*options) as server:
        held = [await asyncpg.connect(server.dsn()) for _ in range(3)]
        await refused(server.dsn(), ConnectError, server.password)
        for connection in held:
            await connection.close()


@asynccontextmanager
async def changing(
    dsn: str, sent: tuple[str, str], received: tuple[str, str]
) -> AsyncIterator[str]:
    """The address of a proxy that changes a text in what is sent to the server, and one in what comes from it."""

    async def pump(
        source: asyncio.StreamReader, target: asyncio.StreamWriter, change: tuple[str, str]
    ) -> None:
        with suppress(ConnectionError):
            while chunk := await source.read(1 << 16):
                target.write(chunk.replace(change[0].encode(), change[1].encode()))
                await target.drain()
        target.close()

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server, client = await asyncio.open_connection("127.0.0.1", postgres_server().port)
        await asyncio.gather(pump(reader, client, sent), pump(server, writer, received))

    async with await asyncio.start_server(relay, "127.0.0.1", 0) as proxy:
        port = proxy.sockets[0].getsockname()[1]
        yield dsn.replace(f":{postgres_server().port}/", f":{port}/")


async def test_a_postgresql_that_is_too_old(dsn: str, empty: str) -> None:
    (version,) = (await run(dsn, "show server_version"))[0]
    older = f"12{version[2:]}"
    for each, openings in ((dsn, OPENINGS), (empty, [migrate])):
        async with changing(each, ("", ""), (f"{version}\0", f"{older}\0")) as address:
            for error in await refused(address, LakeVersionError, openings=openings):
                assert "is PostgreSQL 12, and headrace needs 15 or newer" in str(error)
                assert error.hint == "upgrade PostgreSQL"
    assert await run(empty, "select to_regclass('schema_version')") == [(None,)]


async def test_one_that_is_too_old_to_know_a_setting(dsn: str) -> None:
    """PostgreSQL 13 refuses the connection itself, and does not say its version."""
    known, unknown = "enable_memoize", "enable_memoizX"
    async with changing(dsn, (known, unknown), (unknown, known)) as address:
        for error in await refused(address, LakeVersionError):
            assert "older than 15" in str(error)
            assert error.hint == "upgrade PostgreSQL"
    with pytest.raises(ConfigurationError, match="does not know: mistaken"):
        await open_and_close(f"{dsn}?mistaken=1")


async def test_without_the_driver(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "asyncpg", None)
    for error in await refused(dsn, MissingExtraError):
        assert "headrace[postgres]" in str(error)


# --- schemas ----------------------------------------------------------------------------------------------


async def test_a_database_without_a_catalog(empty: str) -> None:
    for error in await refused(empty, NotALakeError, openings=[open_and_close, check]):
        assert "headrace init postgresql://" in str(error)


async def test_a_catalog_is_made_once(empty: str) -> None:
    assert await migrate(empty) == (0, KNOWN)
    assert await migrate(empty) == (KNOWN, KNOWN)
    schema = await check(empty)
    assert schema.version == KNOWN
    assert schema == await check(empty)


async def test_many_processes_make_a_catalog_together(empty: str) -> None:
    outcomes = await asyncio.gather(*(migrate(empty) for _ in range(5)))
    assert {after for _, after in outcomes} == {KNOWN}
    await open_and_close(empty)


async def test_a_database_with_other_tables_is_left_alone(empty: str) -> None:
    await run(empty, "create table accounts (no int)")
    for error in await refused(empty, LakeError, openings=[migrate]):
        assert "accounts" in str(error)
    assert await run(empty, "select relname from pg_class where relname = 'schema_version'") == []
    await run(empty, "create schema apart")
    apart = f"{empty}?search_path=apart"
    assert await migrate(apart) == (0, KNOWN)
    await open_and_close(apart)


async def test_a_newer_schema(dsn: str) -> None:
    await run(dsn, f"update schema_version set version = {KNOWN + 1}")
    for error in await refused(dsn, LakeVersionError):
        assert "pip install -U headrace" in str(error)


async def test_an_older_schema_is_migrated_by_its_own_command(dsn: str) -> None:
    await run(dsn, f"update schema_version set version = {KNOWN}")
    steps = [*migrations("postgres"), (KNOWN + 1, "create table later (no int)")]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "headrace.storage.database.postgres.schema.migrations", lambda dialect: tuple(steps)
        )
        for error in await refused(dsn, LakeVersionError, openings=[open_and_close, check]):
            assert "headrace migrate-schema postgresql://" in str(error)
        outcomes = await asyncio.gather(*(migrate(dsn) for _ in range(3)))
        assert {after for _, after in outcomes} == {KNOWN + 1}
        await open_and_close(dsn)


async def test_a_migration_that_fails_leaves_the_one_before(empty: str) -> None:
    steps = [
        (1, "create table first (no int)"),
        (2, "create table second (no int); select no_such_column from first"),
    ]
    with pytest.raises(DatabaseError, match="no_such_column"):
        await migrate(empty, steps)
    assert await run(empty, "select version from schema_version") == [(1,)]
    assert await run(empty, "select 1 from pg_class where relname = 'second'") == []
    steps[1] = (2, "create table second (no int)")
    assert await migrate(empty, steps) == (1, 2)
