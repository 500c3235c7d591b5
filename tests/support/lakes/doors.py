"""The doors to a lake: its folder, a server in this process, and a server in a process of its own (slow tier).

Behind the door ``plain`` is no lake, but a platform that knows nothing of headrace.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from msgspec import Struct

import headrace
from headrace.platform.accounts.tokens import create_token
from headrace.platform.platform import Platform
from headrace.sdk.client.connect import Connection
from tests.support.data.images import drawn_image
from tests.support.lakes.marks import check_marks
from tests.support.lakes.servers import served, server_process
from tests.support.lakes.templates import COUNT, copy_with_token, copy_with_version
from tests.support.plain_platform import PlainPlatform, plain_platform
from tests.support.storage import rows_of_lake

DOORS = ("lake", "http", pytest.param("process", marks=pytest.mark.slow))
"""Parameters of tests that run on every door to a lake. ``http`` serves in this process, ``process`` in another one."""
ALL_DOORS = (*DOORS, "plain")


class Door(Struct):
    """Where to connect to; ``lake`` is the folder behind it, or ``plain`` the platform."""

    target: str
    token: str | None
    lake: Path | None
    plain: PlainPlatform | None = None

    def connect(self) -> Connection:
        return headrace.connect(self.target, api_token=self.token)

    async def connect_as(self, name: str) -> Connection:
        """The same door for a user of that name, who is made where there is none."""
        if self.plain is not None:
            return headrace.connect(self.target, api_token=self.plain.add_user(name))
        assert self.lake is not None
        async with await Platform.open(self.lake) as platform:
            token, _ = await create_token(platform.context, username=name)
        if self.token is None:
            return headrace.connect(self.target, username=name)
        return headrace.connect(self.target, api_token=token)


@asynccontextmanager
async def open_door(kind: str, folder: Path, *, with_version: bool = False) -> AsyncIterator[Door]:
    """A new lake in ``folder``, reached as ``kind`` says; with a version ``drawings/first`` where one is asked for."""
    if kind == "plain":
        async with plain_platform() as plain:
            if with_version:
                plain.store.add_version(
                    "drawings", "first", [drawn_image(index) for index in range(COUNT)]
                )
            yield Door(plain.address, plain.token, None, plain)
        return
    lake = folder / "lake"
    token = (copy_with_version if with_version else copy_with_token)(lake)
    if kind == "lake":
        yield Door(str(lake), None, lake)
    elif kind == "http":
        async with served(lake) as (address, _):
            yield Door(address, token, lake)
    else:
        async with server_process(lake) as server:
            yield Door(server.address, token, lake)
    with rows_of_lake(lake) as connection:
        check_marks(connection)
