"""PostgreSQL accepts connections and answers nothing: calls end with 503 in a bounded time, and succeed when it is back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from headrace.errors import ConnectError, UnavailableError
from headrace.platform.platform import Platform
from tests.support.lakes.shared_servers import RefusedError, Servers, served
from tests.support.postgres_server import PrivateServer, fresh_database, private_server

SILENCE = 0.5
LONGEST = 40.0
"""Far more than the limits that are set here and those of a connection, and far less than for ever."""


@pytest.fixture
def postgres() -> Iterator[PrivateServer]:
    with private_server("synchronous_commit=on") as server:
        yield server


@asynccontextmanager
async def paused(server: PrivateServer) -> AsyncIterator[None]:
    await asyncio.to_thread(server.pause)
    try:
        async with asyncio.timeout(LONGEST):
            yield
    finally:
        await asyncio.to_thread(server.resume)


async def refused(servers: Servers, server: int, name: str = "") -> RefusedError:
    with pytest.raises(RefusedError) as caught:
        await (servers.create(server, name) if name else servers.names(server))
    return caught.value


@pytest.mark.slow
async def test_calls_end_with_503_and_succeed_when_it_answers_again(
    postgres: PrivateServer, tmp_path: Path
) -> None:
    async with served(postgres.dsn(), tmp_path, silence_seconds=SILENCE) as servers:
        for number in (0, 1):
            await servers.create(number, f"before-{number}")
        async with paused(postgres):
            # More than a server has connections, so that some wait for one.
            calls = [refused(servers, n % 2, f"new-{n}") for n in range(12)]
            calls += [refused(servers, number) for number in (0, 1)]
            for error in await asyncio.gather(*calls):
                assert error.status == 503
                assert int(error.wait or 0) >= 1
            for number in (0, 1):
                status, checks = await servers.ready(number)
                assert (status, checks["lake"]["ok"]) == (503, False)
                async with servers.http.get(servers.addresses[number] + "/healthz") as answer:
                    assert answer.status == 200
        # The servers go on by themselves. What was sent before may have been done.
        answers = {f"new-{n}": await servers.create(n % 2, f"new-{n}") for n in range(12)}
        for name, answer in answers.items():
            assert await servers.create(1, name) == answer
        assert sorted(await servers.names(0)) == sorted([*answers, "before-0", "before-1"])
        for number in (0, 1):
            assert (await servers.ready(number))[0] == 200


@pytest.mark.slow
async def test_what_is_opened_meanwhile_says_so(postgres: PrivateServer, tmp_path: Path) -> None:
    async with served(postgres.dsn(), tmp_path, count=1) as servers:
        target = servers.target
        async with paused(postgres):
            with pytest.raises(ConnectError, match="cannot be reached") as caught:
                await Platform.open(target.dsn, objects=target.objects)
            assert servers.password not in str(caught.value)
        await (await Platform.open(target.dsn, objects=target.objects)).aclose()


@pytest.mark.slow
async def test_a_stream_and_an_open_transaction_end_too(
    postgres: PrivateServer, tmp_path: Path
) -> None:
    async with served(postgres.dsn(), tmp_path, count=1, silence_seconds=SILENCE) as servers:
        database = servers.platforms[0].context.database
        rows = database.stream("accounts.organizations", batch=1)
        assert len(await anext(rows)) == 1
        with pytest.raises(UnavailableError, match="while a change was committed"):
            async with database.transaction() as transaction:
                async with paused(postgres):
                    with pytest.raises(UnavailableError):
                        await transaction.fetch("accounts.organizations")
                    with pytest.raises(UnavailableError):
                        await anext(rows)
                assert await database.fetch("accounts.organizations")


@pytest.mark.slow
async def test_a_statement_may_take_its_time_where_the_server_answers(tmp_path: Path) -> None:
    with fresh_database("template0") as dsn:
        async with served(dsn, tmp_path, silence_seconds=SILENCE) as servers:
            await servers.rows(
                "create function wait() returns trigger language plpgsql"
                f" as 'begin perform pg_sleep({5 * SILENCE}); return new; end'",
                "create trigger wait before insert on dataset for each row execute function wait()",
            )
            await servers.create(0, "slow")
            assert await servers.names(1) == ["slow"]
