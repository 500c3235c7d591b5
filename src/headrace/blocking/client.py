"""The blocking client, with the constructor of the official client."""

from __future__ import annotations

import os
from pathlib import Path
from uuid import UUID

from headrace.blocking import habits
from headrace.blocking._generated import ClientBase
from headrace.blocking.portal import portal
from headrace.credentials.find import get_profile
from headrace.errors import ConfigurationError
from headrace.sdk.client import client as async_client
from headrace.sdk.client import connect as opening
from headrace.settings import TOKEN_VARIABLE

HOST = "https://app.picsellia.com"
"""The default address of the official client."""

OFFICIAL_TOKEN_VARIABLE = "PICSELLIA_TOKEN"


class Client(ClientBase):
    """A connection to a lake or a server, for one user of one organization; made like the official client.

    The client is opened at once. Close it, use it as a context manager, or leave it open until the process ends.
    Errors are those of ``headrace.connect``.

    Made by its name, it keeps what scripts of the official client count on: a listing without items raises
    ``NoDataError``, and some refusals are built-in errors too. A client of ``blocking.connect`` does not.

    Args:
        api_token: The token for a server. Default: that of ``profile``, then the environment variable
            ``HEADRACE_TOKEN``, but only where ``host`` is given; then ``PICSELLIA_TOKEN``, then the token that
            ``headrace login`` stored for this server. A lake needs none; one that it issued chooses its user.
        organization_id: The id of the organization; takes precedence over the name. Default: that of the token.
        organization_name: The name of the organization.
        host: The URL of a platform or a headrace server, or the folder of a lake. Default: the server of ``profile``,
            or the platform of the official client.
        session: Must be None; the official client takes a session of ``requests`` here.
        profile: The name of a stored token, as given to ``headrace login``.

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
        host: str | Path | None = None,
        session: None = None,
        *,
        profile: str | None = None,
    ) -> None:
        if session is not None:
            raise ConfigurationError(
                "a session of requests has no effect here", hint="omit session="
            )
        # HEADRACE_TOKEN is for a server that the script names, never for the default one.
        variables = (
            [OFFICIAL_TOKEN_VARIABLE] if host is None else [TOKEN_VARIABLE, OFFICIAL_TOKEN_VARIABLE]
        )
        if host is None:
            host = HOST if profile is None else get_profile(profile).address
        connection = opening.open_connection(
            host,
            token_variables=variables,
            api_token=api_token,
            organization_id=organization_id,
            organization_name=organization_name,
            profile=profile,
        )
        client = _opened(connection)
        habits.adopt(client.session)
        super().__init__(client)


def connect(
    target: str | os.PathLike[str],
    *,
    api_token: str | None = None,
    organization_id: str | UUID | None = None,
    organization_name: str | None = None,
    username: str | None = None,
    profile: str | None = None,
    objects: str | os.PathLike[str] | None = None,
) -> Client:
    """Open a client of a lake or a server.

    Administrators can open the database of a platform itself: with the rights of its owner, and without a token. Jobs
    that such a client starts are run by the servers of the platform.

    The client is opened at once. Close it, use it as a context manager, or leave it open until the process ends.

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
        The open client.

    Raises:
        NotALakeError: If the folder is not a lake.
        AuthenticationError: If the token is not valid.
        ConnectError: If the server, the database or the store of its files cannot be reached.
        MissingExtraError: If a package for PostgreSQL or S3 is missing.
        ConfigurationError: If ``target`` is another kind of address, a server gets no token or a ``username``, or the
            token must not be sent there.
        NotFoundError: If there is no such user or organization.
    """
    connection = opening.connect(
        target,
        api_token=api_token,
        organization_id=organization_id,
        organization_name=organization_name,
        username=username,
        profile=profile,
        objects=objects,
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
