"""PostgreSQL refuses what two servers ask: each answer says what it is and when to try again, and nothing is half-written.

Every fault ends without a restart of a server: the same call, with the same key, then succeeds.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from headrace.errors import ConnectError
from headrace.platform.platform import Platform
from headrace.server.settings import ServerSettings
from headrace.storage.database.locks import Lock
from headrace.storage.database.postgres.database import PostgresDatabase
from tests.support.lakes.shared_servers import RefusedError, Servers, served
from tests.support.postgres_server import PrivateServer, fresh_database, private_server, run
from tests.support.processes.waiting import until


@pytest.fixture(name="dsn")
def empty() -> Iterator[str]:
    with fresh_database("template0") as dsn:
        yield dsn


@pytest.fixture
async def servers(dsn: str, tmp_path: Path) -> AsyncIterator[Servers]:
    async with served(dsn, tmp_path) as servers:
        yield servers


@pytest.fixture(scope="module")
def private() -> Iterator[PrivateServer]:
    """A server whose settings tests change, with room for few connections."""
    with private_server("max_connections=20", "superuser_reserved_connections=0") as server:
        yield server


@pytest.fixture
async def private_servers(private: PrivateServer, tmp_path: Path) -> AsyncIterator[Servers]:
    with private.fresh_database() as dsn:
        async with served(dsn, tmp_path) as servers:
            yield servers


async def refused(servers: Servers, server: int = 0, name: str = "new") -> RefusedError:
    """The answer to a call that creates something; nothing of it is written."""
    before = await servers.written()
    with pytest.raises(RefusedError) as caught:
        await servers.create(server, name)
    assert await servers.written() == before
    return caught.value


async def accepted(servers: Servers, name: str = "new") -> None:
    """The same call succeeds now on each server, and is one; so do later ones."""
    before = await servers.written()
    first = await servers.create(0, name)
    assert await servers.create(1, name) == first
    await servers.create(1, f"after-{name}")
    assert await servers.written() == {table: count + 2 for table, count in before.items()}
    assert (await servers.names(1)).count(name) == 1
    for server in (0, 1):
        status, checks = await servers.ready(server)
        assert status == 200, checks


@asynccontextmanager
async def failing(servers: Servers, body: str) -> AsyncIterator[None]:
    """Whoever creates a dataset runs this code in PostgreSQL."""
    await servers.rows(
        f"create function fail() returns trigger language plpgsql as 'begin {body} return new; end'",
        "create trigger fail before insert on dataset for each row execute function fail()",
    )
    yield
    await servers.rows("drop trigger fail on dataset", "drop function fail()")


# --- what PostgreSQL may say ------------------------------------------------------------------------------


REFUSALS = {
    "40001": (503, "1"),
    "40P01": (503, "1"),
    "53100": (507, None),
    "53200": (503, "1"),
    "53300": (503, "1"),
    "55P03": (503, "1"),
    "57014": (503, "1"),
    "57P01": (503, "1"),
    "57P02": (503, "1"),
    "57P03": (503, "1"),
    "25006": (503, "5"),
}
"""What an error of PostgreSQL is for a client: the status, and the seconds to wait."""


async def test_each_refusal_has_a_status_and_the_time_to_wait(servers: Servers) -> None:
    for code, expected in REFUSALS.items():
        async with failing(servers, f"raise exception using errcode = ''{code}'';"):
            for server in (0, 1):
                error = await refused(servers, server, code)
                assert (error.status, error.wait) == expected, code
        await accepted(servers, code)


async def test_a_statement_that_takes_longer_than_the_database_allows(
    servers: Servers, dsn: str
) -> None:
    """The setting is that of the administrator, not of ``--query-seconds``."""
    name = dsn.rpartition("/")[2]
    await run(dsn, f"alter database {name} set statement_timeout = '1s'")
    await disconnect(dsn)
    async with failing(servers, "perform pg_sleep(60);"):
        error = await refused(servers)
    assert (error.status, error.wait) == (503, "1")
    assert "statement" in error.text
    # On a busy machine, what follows may take longer too.
    await run(dsn, f"alter database {name} reset statement_timeout")
    await disconnect(dsn)
    await accepted(servers)


async def test_an_administrator_who_ends_all_connections(servers: Servers, dsn: str) -> None:
    async with failing(servers, "perform pg_sleep(60);"):
        call = asyncio.create_task(refused(servers))
        await until(lambda: _sleeps(dsn))
        await disconnect(dsn)
        error = await call
    assert (error.status, error.wait) == (503, "1")
    await accepted(servers)


async def _sleeps(dsn: str) -> bool:
    found = "select count(*) from pg_stat_activity where wait_event = 'PgSleep' and datname = current_database()"
    return await run(dsn, found) == [(1,)]


async def disconnect(dsn: str) -> None:
    """End all other connections to a database, as a restart or a switch to another server does."""
    await run(
        dsn,
        "select pg_terminate_backend(pid) from pg_stat_activity"
        " where datname = current_database() and pid <> pg_backend_pid()",
    )


# --- waits ------------------------------------------------------------------------------------------------


async def test_a_server_whose_connections_are_all_in_use(dsn: str, tmp_path: Path) -> None:
    settings = ServerSettings(ready_seconds=0.2)
    async with served(dsn, tmp_path, settings=settings, writers=1, pool_seconds=1.0) as servers:
        database = servers.platforms[0].context.database
        async with database.transaction(Lock.version(-1)):
            calls = [asyncio.create_task(refused(servers, name=f"{n}")) for n in range(2)]
            await until(lambda: _is_unready(servers, "writer"))
            # Reads have connections of their own, and so has the other server.
            assert await servers.names(0) == []
            for error in await asyncio.gather(*calls):
                assert (error.status, error.wait) == (503, "1")
            await servers.create(1, "other")
        await accepted(servers, "0")


async def _is_unready(servers: Servers, check: str) -> bool:
    status, checks = await servers.ready(0)
    return status == 503 and not checks[check]["ok"]


async def test_a_lock_that_others_hold_for_too_long(dsn: str, tmp_path: Path) -> None:
    async with served(dsn, tmp_path, lock_seconds=0.2) as servers:
        other = await PostgresDatabase.open(dsn)
        try:
            async with other.transaction():
                for server in (0, 1):
                    error = await refused(servers, server)
                    assert (error.status, error.wait) == (503, "1")
                assert await servers.names(1) == []
        finally:
            await other.aclose()
        await accepted(servers)


async def test_a_deadlock_with_a_foreign_transaction(servers: Servers, dsn: str) -> None:
    """The locks of headrace have an order; what an administrator does beside them has none."""
    name = dsn.rpartition("/")[2]
    await run(dsn, f"alter database {name} set deadlock_timeout = '50ms'")
    await disconnect(dsn)
    foreign = await asyncpg.connect(dsn)
    try:
        # The transaction of the server notices it first, so it is the one that ends.
        await foreign.execute("set deadlock_timeout = '60s'; begin; lock table dataset")
        call = asyncio.create_task(servers.create(0, "new"))
        await until(lambda: _waits_for_dataset(dsn))
        # A call that has a key has looked whether it was answered before.
        await foreign.execute("lock table answered_call")
        with pytest.raises(RefusedError) as caught:
            await call
        assert (caught.value.status, caught.value.wait) == (503, "1")
        await foreign.execute("rollback")
    finally:
        await foreign.close()
    assert await servers.names(0) == []
    await accepted(servers)


async def _waits_for_dataset(dsn: str) -> bool:
    waiting = "select pid from pg_locks where relation = 'dataset'::regclass and not granted"
    return len(await run(dsn, waiting)) == 1


async def test_a_server_of_postgresql_without_a_connection_left(
    private: PrivateServer, private_servers: Servers
) -> None:
    servers = private_servers
    await disconnect(servers.target.dsn)
    foreign: list[Any] = []
    try:
        with pytest.raises(asyncpg.TooManyConnectionsError):
            while True:
                foreign.append(await asyncpg.connect(private.dsn()))
        await foreign.pop().close()
        # The tests need the one that is left, to look: a server needs more.
        one = await _connected(servers.target.dsn)
        with pytest.raises(RefusedError) as caught:
            await servers.create(0, "new")
        assert (caught.value.status, caught.value.wait) == (503, "1")
        status, checks = await servers.ready(0)
        assert (status, checks["lake"]["ok"]) == (503, False)
    finally:
        for each in foreign:
            await each.close()
    await until(lambda: _have_ended(foreign, one))
    await one.close()
    assert await servers.names(0) == []
    await accepted(servers)


async def _connected(dsn: str) -> Any:
    """Connect as soon as there is room: a connection takes its place for a while after it was closed."""
    async with asyncio.timeout(20):
        while True:
            with suppress(asyncpg.TooManyConnectionsError):
                return await asyncpg.connect(dsn)
            await asyncio.sleep(0.01)


async def _have_ended(closed: list[Any], connection: Any) -> bool:
    """Whether PostgreSQL has ended closed connections, as another one sees it."""
    running = "select count(*) from pg_stat_activity where pid = any($1)"
    count = await connection.fetchval(running, [each.get_server_pid() for each in closed])
    return bool(count == 0)


# --- states of the server ---------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["database", "server"])
async def test_a_database_that_only_answers_reads_for_a_while(
    private: PrivateServer, private_servers: Servers, how: str
) -> None:
    servers, dsn = private_servers, private_servers.target.dsn
    await servers.create(0, "before")
    await read_only(private, dsn, how, "on")
    try:
        await _only_read_for_a_while(private, servers, how)
    finally:
        await read_only(private, dsn, how, "off")


async def _only_read_for_a_while(private: PrivateServer, servers: Servers, how: str) -> None:
    dsn = servers.target.dsn
    for server in (0, 1):
        for _ in range(2):
            error = await refused(servers, server)
            assert (error.status, error.wait) == (503, "5")
        assert await servers.names(server) == ["before"]
        status, checks = await servers.ready(server)
        assert (status, checks["lake"]) == (200, {"ok": True, "read_only": True})
    # One that is opened meanwhile does its work later too.
    async with await Platform.open(dsn, objects=servers.target.objects) as platform:
        assert platform.context.database.read_only
        await read_only(private, dsn, how, "off")
        assert await platform.context.database.reserve("numbers") == 1
        assert not platform.context.database.read_only
    await accepted(servers)
    for server in (0, 1):
        _, checks = await servers.ready(server)
        assert checks["lake"] == {"ok": True}


async def read_only(server: PrivateServer, dsn: str, how: str, value: str) -> None:
    """Let a database answer reads alone: its new sessions, or all of the server at once."""
    if how == "server":
        await run(
            dsn,
            "set default_transaction_read_only = off",
            f"alter system set default_transaction_read_only = {value}",
            "select pg_reload_conf()",
        )
        await until(lambda: _says(dsn, value))
        return
    name = dsn.rpartition("/")[2]
    await run(server.dsn(), f"alter database {name} set default_transaction_read_only = {value}")
    if value == "on":
        await disconnect(dsn)


async def _says(dsn: str, value: str) -> bool:
    return await run(dsn, "show default_transaction_read_only") == [(value,)]


async def test_a_server_that_starts_while_postgresql_is_down(
    private: PrivateServer, private_servers: Servers
) -> None:
    """It says so, and does start later: systemd, compose and the parent of ``--processes`` start it again."""
    target = private_servers.target
    await asyncio.to_thread(private.stop)
    try:
        with pytest.raises(ConnectError, match="cannot be reached") as caught:
            await Platform.open(target.dsn, objects=target.objects)
        assert private_servers.password not in str(caught.value)
    finally:
        await asyncio.to_thread(private.start)
    async with await Platform.open(target.dsn, objects=target.objects) as platform:
        await platform.context.database.check_present()
    await accepted(private_servers)


@contextmanager
def small_disk(megabytes: int) -> Iterator[Path]:
    """A disk with little room that the user of PostgreSQL can write to."""
    if os.geteuid():
        pytest.skip("only root may mount a disk")
    folder = Path(tempfile.mkdtemp(prefix="headrace-disk-"))
    try:
        folder.chmod(0o711)
        place = folder / "disk"
        place.mkdir()
        mount = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=777", "none", str(place)]
        if subprocess.run(mount, capture_output=True, check=False).returncode:
            pytest.skip("root may not mount here")
        try:
            shutil.chown(place, "nobody")
            yield place
        finally:
            subprocess.run(["umount", "-l", str(place)], check=True)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.slow
async def test_a_full_disk_of_postgresql(tmp_path: Path) -> None:
    with small_disk(64) as disk, private_server() as server:
        server.run(
            f"create tablespace small location '{disk}'",
            "create database full_one template template0 tablespace small",
        )
        dsn = server.dsn("full_one")
        async with served(dsn, tmp_path) as servers:
            await servers.create(0, "before")
            await servers.rows("create table filler (content text)")
            for size in (2000, 100, 8):
                with pytest.raises(asyncpg.DiskFullError):
                    while True:
                        await servers.rows(
                            f"insert into filler select repeat('x', 1000) from generate_series(1, {size})"
                        )
            answers = await _until_full(servers)
            status, checks = await servers.ready(0)
            assert (status, checks["disk"]["ok"]) == (503, False)
            assert checks["disk"]["error"] == "disk-full"
            assert sorted(await servers.names(1)) == sorted(["before", *answers])
            await servers.rows("drop table filler")
            await accepted(servers, f"{len(answers)}")
            await accepted(servers, "later")


async def _until_full(servers: Servers) -> list[str]:
    """Create datasets until there is no room; returns the names of those that there was room for."""
    names: list[str] = []
    with pytest.raises(RefusedError) as caught:
        while True:
            await servers.create(0, f"{len(names)}")
            names.append(f"{len(names)}")
    assert (caught.value.status, caught.value.wait) == (507, None)
    return names
