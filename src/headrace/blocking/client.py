"""The client of blocking code, made as the official client is made."""

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
"""Where the official client connects to unless it is told otherwise."""

OFFICIAL_TOKEN_VARIABLE = "PICSELLIA_TOKEN"


class Client(ClientBase):
    """An organization's datalakes and datasets; open at once.

    ``host`` is the address of a platform or a headrace server, or the folder of a lake, which needs no token. Without
    ``api_token`` the environment's ``HEADRACE_TOKEN`` counts, then ``PICSELLIA_TOKEN``. Of the organization, the id
    wins over the name; without both it is the token's own. ``session``, which the official client takes for proxies
    and headers, must be None.

    Close it, use it with ``with``, or leave it open until the process ends. Raises what :func:`headrace.connect`
    raises.
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
                "a session of requests has no effect here", hint="leave session out"
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
    """A client of ``target``; see :func:`headrace.connect`.

    It is open at once. Close it, use it with ``with``, or leave it open until the process ends.
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
