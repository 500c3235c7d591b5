"""PostgreSQL is killed and stopped under two servers: they answer 503 meanwhile, and lose and double nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import aiohttp
import pytest

from headrace.platform.accounts.tokens import create_token
from headrace.platform.core.access import local_access
from headrace.platform.platform import Platform
from headrace.platform.postgres_layout import create_platform
from headrace.server.serve import serving
from headrace.storage.opening import PostgresTarget
from tests.support.postgres_server import PrivateServer, private_server
from tests.support.processes.waiting import until

WRITERS = 4


class RefusedError(Exception):
    """An answer that is not 2xx: its status, and how long the server asks to wait."""

    def __init__(self, status: int, wait: str | None) -> None:
        super().__init__(f"{status}, Retry-After {wait}")
        self.status = status
        self.wait = wait


class Servers:
    """Two servers over one database. Calls are sent once: the SDK would wait as long as a server asks for."""

    def __init__(
        self, postgres: PrivateServer, http: aiohttp.ClientSession, organization: UUID
    ) -> None:
        self.postgres = postgres
        self.http = http
        self.addresses: list[str] = []
        self.path = f"/api/organization/{organization}/datasets"

    async def create(self, server: int, name: str) -> Any:
        """Create a dataset through a server, with its name as the key of the call."""
        return await self._call(
            "POST", server, json={"name": name}, headers={"Idempotency-Key": f"key-{name}"}
        )

    async def names(self, server: int) -> list[str]:
        """The names of all datasets."""
        page = await self._call("GET", server, params={"limit": "1000"})
        return [found["name"] for found in page["items"]]

    async def _call(self, method: str, server: int, **more: Any) -> Any:
        async with self.http.request(method, self.addresses[server] + self.path, **more) as answer:
            if answer.status >= 300:
                raise RefusedError(answer.status, answer.headers.get("Retry-After"))
            return await answer.json()


@pytest.fixture
async def servers(tmp_path: Path) -> AsyncIterator[Servers]:
    with private_server("synchronous_commit=on") as postgres:
        async with served(postgres, tmp_path) as servers:
            yield servers


@asynccontextmanager
async def served(postgres: PrivateServer, folder: Path) -> AsyncIterator[Servers]:
    """Serve a new platform twice in this process, each time with connections of its own."""
    target = PostgresTarget(
        dsn=postgres.dsn(), objects=str(folder / "objects"), scratch_root=folder / "scratch"
    )
    await create_platform(target)
    async with AsyncExitStack() as stack:
        platforms = [
            await stack.enter_async_context(await Platform.open(target.dsn, objects=target.objects))
            for _ in range(2)
        ]
        token, _ = await create_token(platforms[0].context, name="test")
        access = await local_access(platforms[0].context)
        http = aiohttp.ClientSession(headers={"Authorization": f"Bearer {token}"})
        await stack.enter_async_context(http)
        servers = Servers(postgres, http, access.organization_id)
        for platform in platforms:
            servers.addresses.append(await stack.enter_async_context(serving(platform)))
        yield servers


async def test_kills_under_writers_lose_and_double_nothing(servers: Servers) -> None:
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
            await asyncio.to_thread(servers.postgres.kill)
            before = len(errors)
            await until(lambda before=before: len(errors) > before + 5)  # type: ignore[misc]
            await asyncio.to_thread(servers.postgres.start)
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


async def test_meanwhile_all_answers_are_503_with_the_time_to_wait(servers: Servers) -> None:
    await servers.create(0, "before")
    await asyncio.to_thread(servers.postgres.stop)
    http = servers.http
    for address in servers.addresses:
        async with http.get(address + servers.path) as answer:
            assert answer.status == 503
            assert int(answer.headers["Retry-After"]) >= 1
            assert servers.postgres.password not in await answer.text()
        async with http.get(f"{address}/readyz") as answer:
            assert answer.status == 503
            checks = await answer.json()
            assert not checks["checks"]["lake"]["ok"]
            assert servers.postgres.password not in str(checks)
        async with http.get(f"{address}/healthz") as answer:
            assert answer.status == 200
    await asyncio.to_thread(servers.postgres.start)
    for number, address in enumerate(servers.addresses):
        async with http.get(f"{address}/readyz") as answer:
            assert answer.status == 200
        await servers.create(number, f"after-{number}")
    assert sorted(await servers.names(0)) == ["after-0", "after-1", "before"]
