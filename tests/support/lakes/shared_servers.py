"""Two servers of one platform in this process, each with connections of its own to a database that may fail."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, Unpack
from uuid import UUID

import aiohttp
import pytest

from headrace.platform.accounts.tokens import create_token
from headrace.platform.core.access import local_access
from headrace.platform.platform import Platform
from headrace.platform.postgres_layout import create_platform
from headrace.server.serve import serving
from headrace.server.settings import ServerSettings
from headrace.storage.database.postgres.database import PostgresDatabase, PostgresOptions
from headrace.storage.opening import PostgresTarget
from tests.support.postgres_server import run


class RefusedError(Exception):
    """An answer that is not 2xx: its status, how long the server asks to wait, and its text."""

    def __init__(self, status: int, wait: str | None, text: str = "") -> None:
        super().__init__(f"{status}, Retry-After {wait}: {text}")
        self.status = status
        self.wait = wait
        self.text = text


class Servers:
    """Two servers over one database. Calls are sent once: the SDK would wait as long as a server asks for."""

    def __init__(
        self, target: PostgresTarget, http: aiohttp.ClientSession, organization: UUID
    ) -> None:
        self.target = target
        self.http = http
        self.organization = organization
        self.token = ""
        self.platforms: list[Platform] = []
        self.addresses: list[str] = []
        self.path = f"/api/organization/{organization}/datasets"

    @property
    def password(self) -> str:
        """The password in the address of the database, which no answer may contain."""
        return self.target.dsn.split(":")[2].partition("@")[0]

    async def create(self, server: int, name: str) -> Any:
        """Create a dataset through a server, with its name as the key of the call."""
        return await self.call(
            "POST", server, json={"name": name}, headers={"Idempotency-Key": f"key-{name}"}
        )

    async def names(self, server: int) -> list[str]:
        """The names of all datasets."""
        page = await self.call("GET", server, params={"limit": "1000"})
        return [found["name"] for found in page["items"]]

    async def call(self, method: str, server: int, path: str = "", **more: Any) -> Any:
        """Send a request to a server, by default to its datasets; returns the JSON of the answer.

        Raises:
            RefusedError: The answer is not 2xx.
        """
        address = self.addresses[server] + (path or self.path)
        async with self.http.request(method, address, **more) as answer:
            text = await answer.text()
            assert self.password not in text
            if answer.status >= 300:
                raise RefusedError(answer.status, answer.headers.get("Retry-After"), text)
            return await answer.json()

    async def ready(self, server: int) -> tuple[int, dict[str, Any]]:
        """What a server says of its readiness: the status, and the checks."""
        async with self.http.get(self.addresses[server] + "/readyz") as answer:
            assert self.password not in await answer.text()
            return answer.status, (await answer.json())["checks"]

    async def rows(self, *statements: str) -> list[tuple[Any, ...]]:
        """Run statements in the database; returns the rows of the last one."""
        return await run(self.target.dsn, *statements)

    async def written(self) -> dict[str, int]:
        """How many rows a call writes that creates a dataset: its own, that of the audit, and its answer."""
        tables = ("dataset", "audit", "answered_call")
        counts = ", ".join(f"(select count(*) from {table})" for table in tables)
        (row,) = await self.rows(f"select {counts}")
        return dict(zip(tables, row, strict=True))


@asynccontextmanager
async def served(
    dsn: str,
    folder: Path,
    *,
    objects: str = "",
    count: int = 2,
    settings: ServerSettings | None = None,
    **options: Unpack[PostgresOptions],
) -> AsyncIterator[Servers]:
    """Make a platform in an empty database, and serve it ``count`` times.

    Args:
        dsn: The database.
        folder: Where files are.
        objects: Where the objects are. Default: in the folder.
        count: How many servers.
        settings: Their settings.
        **options: How they use the database.
    """
    target = PostgresTarget(
        dsn=dsn, objects=objects or str(folder / "objects"), scratch_root=folder / "scratch"
    )
    await create_platform(target)
    async with AsyncExitStack() as stack:
        platforms = [
            await stack.enter_async_context(await opened(target, **options)) for _ in range(count)
        ]
        token, _ = await create_token(platforms[0].context, name="test")
        access = await local_access(platforms[0].context)
        http = aiohttp.ClientSession(headers={"Authorization": f"Bearer {token}"})
        await stack.enter_async_context(http)
        servers = Servers(target, http, access.organization_id)
        servers.token, servers.platforms = token, platforms
        for platform in platforms:
            serve = serving(platform, settings=settings)
            servers.addresses.append(await stack.enter_async_context(serve))
        yield servers


async def opened(target: PostgresTarget, **options: Unpack[PostgresOptions]) -> Platform:
    """Open a platform that uses its database in this way."""

    async def open_database(
        target: PostgresTarget, *, query_seconds: float | None = None
    ) -> PostgresDatabase:
        return await PostgresDatabase.open(
            target.dsn, **{"query_seconds": query_seconds, **options}
        )

    with pytest.MonkeyPatch.context() as patch:
        if options:
            patch.setattr("headrace.storage.opening.open_database", open_database)
        return await Platform.open(target.dsn, objects=target.objects)
