"""Opening a lake or a server."""

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
    """A client of ``target``: a lake's folder, or the address of a server.

    Use it as ``async with connect("lake/") as client``, or ``client = await connect("lake/")`` and close it yourself.
    A server needs a token: ``api_token``, else the environment's ``HEADRACE_TOKEN``, else the ``token`` of a
    ``headrace.toml``. Without an organization, the token's own is meant. In a lake the calls are its own account's, or
    those of the user ``username``.

    Opening raises NotALakeError for a folder that is no lake, AuthenticationError for a token that is not good,
    ConnectError for a server that cannot be reached, ConfigurationError for a target or a token that cannot be meant.
    """

    async def open_session() -> Session:
        # Late: the HTTP and database packages behind it are what makes imports slow.
        from headrace.backend.base import Backend
        from headrace.backend.connect import open_backend

        async def again() -> Backend:
            backend, _, _ = await open_backend(
                place,
                api_token=api_token,
                organization_id=organization_id,
                organization_name=organization_name,
                username=username,
            )
            return backend

        backend, ping, organization = await open_backend(
            place,
            api_token=api_token,
            organization_id=organization_id,
            organization_name=organization_name,
            username=username,
        )
        return Session(backend, organization, ping.username, again)

    place: str | Path = target if isinstance(target, str) else Path(target)
    return Connection(open_session)


async def create_lake(path: str | os.PathLike[str]) -> None:
    """Make a new lake in a folder that does not exist yet or is empty; LakeError where it is in use."""
    from headrace.platform.platform import Platform

    await Platform.create(Path(path))


class Connection:
    """A client that is about to be opened: await it, or enter it."""

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
