"""Opening a client of a lake or a server, and creating lakes."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Generator
from pathlib import Path
from types import TracebackType
from typing import Any
from uuid import UUID

from headrace.sdk.base.session import Session
from headrace.sdk.client.client import Client


def connect(
    target: str | os.PathLike[str],
    *,
    api_token: str | None = None,
    organization_id: str | UUID | None = None,
    organization_name: str | None = None,
    username: str | None = None,
) -> Connection:
    """Open a client of a lake or a server.

    Nothing is opened until the result is awaited or entered. A client that is awaited must be closed.

    Args:
        target: The folder of a lake (also as ``sqlite:///folder``), or the URL of a server.
        api_token: The token for a server. Default: the environment variable ``HEADRACE_TOKEN``, then ``token`` in
            ``headrace.toml``. A lake needs none.
        organization_id: The id of the organization. Default: that of the token.
        organization_name: The name of the organization. Default: that of the token.
        username: The user whose calls these are, in a lake. Default: the own account of the lake.

    Returns:
        A connection; ``await`` it, or enter it with ``async with``.

    Raises:
        NotALakeError: On opening, if the folder is not a lake.
        AuthenticationError: On opening, if the token is not valid.
        ConnectError: On opening, if the server cannot be reached.
        ConfigurationError: On opening, if ``target`` is another kind of address, or a server gets no token or
            a ``username``.
        NotFoundError: On opening, if there is no such user or organization.

    Example:
        ```python
        async with headrace.connect("lake/") as client:
            version = await client.version("bccd/v1")
        ```
    """

    async def open_session() -> Session:
        # Imported late: the HTTP and database packages behind it take most of the import time.
        from headrace.backend.base import Backend
        from headrace.backend.connect import open_backend

        async def open_again() -> Backend:
            backend, _, _ = await open_backend(
                where,
                api_token=api_token,
                organization_id=organization_id,
                organization_name=organization_name,
                username=username,
            )
            return backend

        backend, ping, organization = await open_backend(
            where,
            api_token=api_token,
            organization_id=organization_id,
            organization_name=organization_name,
            username=username,
        )
        return Session(backend, organization, ping.username, open_again)

    where: str | Path = target if isinstance(target, str) else Path(target)
    return Connection(open_session)


async def create_lake(path: str | os.PathLike[str]) -> None:
    """Create a lake.

    Args:
        path: A folder that does not exist yet or is empty.

    Raises:
        LakeError: If the folder is not empty.
    """
    from headrace.platform.platform import Platform

    await Platform.create(Path(path))


class Connection:
    """A client that is opened when it is awaited or entered."""

    __slots__ = ("_client", "_open")

    def __init__(self, open_session: Callable[[], Awaitable[Session]]) -> None:
        self._open = open_session
        self._client: Client | None = None

    def __await__(self) -> Generator[Any, None, Client]:
        return self._opened().__await__()

    async def __aenter__(self) -> Client:
        self._client = await self._opened()
        return self._client

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    async def _opened(self) -> Client:
        return Client(await self._open())

    def __repr__(self) -> str:
        return "<connect: await it, or enter it with async with>"
