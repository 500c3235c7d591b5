"""The blocking client, with the constructor of the official client."""

from __future__ import annotations

import os
from pathlib import Path
from uuid import UUID

from headrace.blocking._generated import ClientBase
from headrace.blocking.portal import portal
from headrace.errors import ConfigurationError
from headrace.sdk.client import client as async_client
from headrace.sdk.client import connect as opening
from headrace.settings import TOKEN_VARIABLE

HOST = "https://app.picsellia.com"
"""The default address of the official client."""

OFFICIAL_TOKEN_VARIABLE = "PICSELLIA_TOKEN"


class Client(ClientBase):
    """A connection to a lake or a server, for one user of one organization.

    The client is opened at once. Close it, use it as a context manager, or leave it open until the process ends.
    Errors are those of ``headrace.connect``.

    Args:
        api_token: The token for a server. Default: the environment variable ``HEADRACE_TOKEN``, then
            ``PICSELLIA_TOKEN``, then ``token`` in ``headrace.toml``. A lake needs none.
        organization_id: The id of the organization; takes precedence over the name. Default: that of the token.
        organization_name: The name of the organization.
        host: The URL of a platform or a headrace server, or the folder of a lake.
        session: Must be None; the official client takes a session of ``requests`` here.

    Example:
        ```python
        with Client(host="lake/") as client:
            version = client.version("bccd/v1")
        ```
    """

    __slots__ = ()

    def __init__(
        self,
        api_token: str | None = None,
        organization_id: str | UUID | None = None,
        organization_name: str | None = None,
        host: str | Path = HOST,
        session: None = None,
    ) -> None:
        if session is not None:
            raise ConfigurationError(
                "a session of requests has no effect here", hint="omit session="
            )
        if api_token is None and not os.environ.get(TOKEN_VARIABLE):
            api_token = os.environ.get(OFFICIAL_TOKEN_VARIABLE)

        connection = opening.connect(
            host,
            api_token=api_token,
            organization_id=organization_id,
            organization_name=organization_name,
        )
        super().__init__(_opened(connection))


def connect(
    target: str | os.PathLike[str],
    *,
    api_token: str | None = None,
    organization_id: str | UUID | None = None,
    organization_name: str | None = None,
    username: str | None = None,
) -> Client:
    """Open a client of a lake or a server.

    The client is opened at once. Close it, use it as a context manager, or leave it open until the process ends.

    Args:
        target: The folder of a lake (also as ``sqlite:///folder``), or the URL of a server.
        api_token: The token for a server. Default: the environment variable ``HEADRACE_TOKEN``, then ``token`` in
            ``headrace.toml``. A lake needs none.
        organization_id: The id of the organization. Default: that of the token.
        organization_name: The name of the organization. Default: that of the token.
        username: The user whose calls these are, in a lake. Default: the own account of the lake.

    Returns:
        The open client.

    Raises:
        NotALakeError: If the folder is not a lake.
        AuthenticationError: If the token is not valid.
        ConnectError: If the server cannot be reached.
        ConfigurationError: If ``target`` is another kind of address, or a server gets no token or a ``username``.
        NotFoundError: If there is no such user or organization.
    """
    connection = opening.connect(
        target,
        api_token=api_token,
        organization_id=organization_id,
        organization_name=organization_name,
        username=username,
    )
    client = Client.__new__(Client)
    ClientBase.__init__(client, _opened(connection))
    return client


def _opened(connection: opening.Connection) -> async_client.Client:
    async def opened() -> async_client.Client:
        return await connection

    client = portal().call(opened)
    portal().keep(client.session)
    return client
