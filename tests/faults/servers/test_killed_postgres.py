"""PostgreSQL is killed and stopped under two servers: they answer 503 meanwhile, and lose and double nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.lakes.shared_servers import RefusedError, Servers, served
from tests.support.postgres_server import PrivateServer, private_server
from tests.support.processes.waiting import until

WRITERS = 4


@pytest.fixture(scope="module")
def postgres() -> Iterator[PrivateServer]:
    """A server that each test leaves running."""
    with private_server("synchronous_commit=on") as server:
        yield server


@pytest.fixture
async def servers(postgres: PrivateServer, tmp_path: Path) -> AsyncIterator[Servers]:
    with postgres.fresh_database() as dsn:
        async with served(dsn, tmp_path) as servers:
            yield servers


async def test_kills_under_writers_lose_and_double_nothing(
    postgres: PrivateServer, servers: Servers
) -> None:
    answers: dict[str, Any] = {}
    errors: list[RefusedError] = []
    unknown: set[str] = set()
    stop = asyncio.Event()

    async def write(writer: int) -> None:
        number = 0
        while not stop.is_set():
            name = f"{writer}-{number}"
            try:
                answers[name] = await servers.create((writer + number) % 2, name)
            except RefusedError as error:
                errors.append(error)
                unknown.add(name)
                await asyncio.sleep(0.02)
            number += 1

    async def kill() -> None:
        for _ in range(2):
            before = len(answers)
            await until(lambda before=before: len(answers) > before + 10)  # type: ignore[misc]
            await asyncio.to_thread(postgres.kill)
            before = len(errors)
            await until(lambda before=before: len(errors) > before + 5)  # type: ignore[misc]
            await asyncio.to_thread(postgres.start)
        before = len(answers)
        # The servers go on by themselves.
        await until(lambda: len(answers) > before + 10)
        stop.set()

    async with asyncio.TaskGroup() as group:
        for writer in range(WRITERS):
            group.create_task(write(writer))
        group.create_task(kill())
    assert {(error.status, error.wait) for error in errors} == {(503, "1")}
    kept = await servers.names(0)
    assert len(kept) == len(set(kept))
    assert set(answers) <= set(kept) <= set(answers) | unknown
    # A repetition gets the first answer from either server, or is the first to be made.
    for server in (0, 1):
        for name in sorted(answers)[:20]:
            assert await servers.create(server, name) == answers[name]
        for name in sorted(unknown):
            answer = await servers.create(server, name)
            assert answers.setdefault(name, answer) == answer
    assert sorted(await servers.names(1)) == sorted(answers)


@pytest.mark.parametrize("how", ["stop", "kill"])
async def test_meanwhile_all_answers_are_503_with_the_time_to_wait(
    postgres: PrivateServer, servers: Servers, how: str
) -> None:
    """The servers wait for nothing either: the first call after PostgreSQL accepts connections succeeds."""
    for number in (0, 1):
        await servers.create(number, f"before-{number}")
    await asyncio.to_thread(getattr(postgres, how))
    http = servers.http
    for address in servers.addresses:
        async with http.get(address + servers.path) as answer:
            assert answer.status == 503
            assert int(answer.headers["Retry-After"]) >= 1
            assert servers.password not in await answer.text()
        async with http.get(f"{address}/readyz") as answer:
            assert answer.status == 503
            checks = await answer.json()
            assert not checks["checks"]["lake"]["ok"]
            assert servers.password not in str(checks)
        async with http.get(f"{address}/healthz") as answer:
            assert answer.status == 200
    await asyncio.to_thread(postgres.start)
    for number, address in enumerate(servers.addresses):
        await servers.create(number, f"after-{number}")
        async with http.get(f"{address}/readyz") as answer:
            assert answer.status == 200
    assert sorted(await servers.names(0)) == ["after-0", "after-1", "before-0", "before-1"]
