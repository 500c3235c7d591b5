"""The two doors to one lake: in this process, and over HTTP to a server process."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from msgspec import Struct

import headrace
from headrace.platform.accounts.tokens import create_token
from headrace.platform.platform import Platform
from headrace.sdk.client.connect import Connection
from tests.support.servers import new_lake, server_process

DOORS = ("lake", "http")


class Door(Struct):
    """Where to connect to; ``lake`` is the folder behind it."""

    target: str
    token: str | None
    lake: Path

    def connect(self) -> Connection:
        return headrace.connect(self.target, api_token=self.token)

    async def connect_as(self, name: str) -> Connection:
        """The same door for a user of that name, who is made where there is none."""
        async with await Platform.open(self.lake) as platform:
            token, _ = await create_token(platform, username=name)
        if self.token is None:
            return headrace.connect(self.target, username=name)
        return headrace.connect(self.target, api_token=token)


@asynccontextmanager
async def open_door(kind: str, folder: Path) -> AsyncIterator[Door]:
    """A new lake in ``folder``, reached as ``kind`` says."""
    lake, token = await new_lake(folder / "lake")
    if kind == "lake":
        yield Door(str(lake), None, lake)
        return
    async with server_process(lake) as server:
        yield Door(server.address, token, lake)
