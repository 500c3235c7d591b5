"""Opening a client of a lake or a server, and creating lakes."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Generator, Sequence
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, NoReturn, TypedDict, Unpack
from uuid import UUID

from headrace.errors import LakeError
from headrace.event_loop import running_loop
from headrace.net.urls import redact
from headrace.sdk.base.session import Session
from headrace.sdk.client.client import Client
from headrace.settings import TOKEN_VARIABLE


def connect(
    target: str | os.PathLike[str],
    *,
    api_token: str | None = None,
    organization_id: str | UUID | None = None,
    organization_name: str | None = None,
    username: str | None = None,
    profile: str | None = None,
    objects: str | os.PathLike[str] | None = None,
) -> Connection:
    """Open a client of a lake or a server.

    Administrators can open the database of a platform itself: with the rights of its owner, and without a token. Jobs
    that such a client starts are run by the servers of the platform.

    Nothing is opened until the result is awaited or entered. A client that is awaited must be closed.

    Args:
        target: The folder of a lake (also as ``sqlite:///folder``), the URL of a server, or the address of a database,
            ``postgresql://user@host/database``; ``postgresql://`` alone stands for the setting ``database``.
        api_token: The token for a server. Default: that of ``profile``, then the environment variable
            ``HEADRACE_TOKEN``, then the token that ``headrace login`` stored for this server. A lake needs none.
        organization_id: The id of the organization. Default: that of the token.
        organization_name: The name of the organization. Default: that of the token.
        username: The user whose calls these are, in a lake. Default: the own account of the lake.
        profile: The name of a stored token, as given to ``headrace login``. It must be one for this server.
        objects: Where the platform keeps its files, for a database: ``s3://bucket/prefix``, or a folder. Default: the
            setting ``objects``.

    Returns:
        A connection; ``await`` it, or enter it with ``async with``.

    Raises:
        NotALakeError: On opening, if the folder is not a lake.
        AuthenticationError: On opening, if the token is not valid.
        ConnectError: On opening, if the server, the database or the store of its files cannot be reached.
        MissingExtraError: On opening, if a package for PostgreSQL or S3 is missing.
        ConfigurationError: On opening, if ``target`` is another kind of address, or a server gets no token or
            a ``username``, or the token must not be sent there.
        NotFoundError: On opening, if there is no such user or organization.

    Example:
        ```python
        async with headrace.connect("lake/") as client:
            version = await client.version("bccd/v1")
        ```
    """
    return open_connection(
        target,
        api_token=api_token,
        organization_id=organization_id,
        organization_name=organization_name,
        username=username,
        profile=profile,
        objects=objects,
    )


class ConnectKeywords(TypedDict, total=False):
    """The arguments of :func:`connect` that may be left out."""

    api_token: str | None
    organization_id: str | UUID | None
    organization_name: str | None
    username: str | None
    profile: str | None
    objects: str | os.PathLike[str] | None


def open_connection(
    target: str | os.PathLike[str],
    *,
    token_variables: Sequence[str] = (TOKEN_VARIABLE,),
    **chosen: Unpack[ConnectKeywords],
) -> Connection:
    """Open a client like :func:`connect`, with a token from other environment variables.

    Args:
        target: The folder of a lake, or the URL of a server.
        token_variables: The environment variables whose token is meant for this server, in their order.
        **chosen: The arguments of :func:`connect`.
    """
    where = target if isinstance(target, str) else Path(target)
    return Connection(partial(_open_session, where, token_variables, chosen))


async def _open_session(
    target: str | Path, token_variables: Sequence[str], chosen: ConnectKeywords
) -> Session:
    running_loop()
    # Imported late: the HTTP and database packages behind it take most of the import time.
    from headrace.backend.base import Backend
    from headrace.backend.connect import open_backend

    async def open_again() -> Backend:
        backend, _, _ = await open_backend(target, token_variables=token_variables, **chosen)
        return backend

    backend, ping, organization = await open_backend(
        target, token_variables=token_variables, **chosen
    )
    return Session(backend, organization, ping.username, open_again)


async def create_lake(
    path: str | os.PathLike[str], *, objects: str | os.PathLike[str] | None = None
) -> None:
    """Create a lake, or a platform in an empty database of PostgreSQL.

    Args:
        path: A folder that does not exist yet or is empty; or ``postgresql://user@host/database``.
        objects: Where the platform keeps its files, for a database: ``s3://bucket/prefix``, or a folder. Default: the
            setting ``objects``.

    Raises:
        LakeError: If the folder, the database or the place of the files is not empty.
        ConfigurationError: If the database or the place of the files does not exist, or does not let this user in.
        ConnectError: If the database or the place of the files cannot be reached.
    """
    running_loop()
    from headrace.platform.platform import Platform
    from headrace.storage.database.dsn import is_dsn

    place = os.fspath(path)
    if "://" in place and not is_dsn(place):
        raise LakeError(
            f"{redact(place)} is a URL, and a lake is a folder",
            hint="headrace serve makes a server of a lake's folder",
        )
    await Platform.create(place if is_dsn(place) else Path(place), objects=objects)


_HOW_TO_OPEN = (
    "async with headrace.connect(…) as client, or client = await headrace.connect(…); "
    "without await: headrace.blocking.connect(…)"
)


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

    # Type checkers know that these are missing; a person in a notebook learns it from the message.
    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> NoReturn:
            text = f"{type(self).__name__!r} object has no attribute {name!r}"
            if not name.startswith("_") and hasattr(Client, name):
                text = f"the client is not open yet, so it has no {name!r}: {_HOW_TO_OPEN}"
            raise AttributeError(text, name=name, obj=self)

        def __enter__(self) -> NoReturn:
            raise TypeError(f"with cannot open a client: {_HOW_TO_OPEN}")

        def __exit__(self, *error: object) -> None:
            raise NotImplementedError
