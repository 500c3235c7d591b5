"""A listing by a query ends when its client has gone; what writes is finished."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import anyio
import pytest

import headrace
from headrace.platform.platform import Platform
from headrace.protocol.operations.datalake import LIST_DATA
from headrace.protocol.operations.datasets import CREATE_DATASET
from headrace.sdk.data import MultiData
from headrace.sdk.datalake import Datalake
from tests.support.lakes.servers import Running, running

pytestmark = pytest.mark.one_platform("holds the calls of one server")


class Slow:
    """Makes two calls of a platform wait until they are told to go on."""

    def __init__(self, platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
        self.begun, self.go_on, self.ended = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self.cancelled = False
        answer = platform.call

        async def call(access: Any, operation: Any, request: Any, **more: Any) -> Any:
            if operation not in (LIST_DATA, CREATE_DATASET):
                return await answer(access, operation, request, **more)
            self.begun.set()
            try:
                await self.go_on.wait()
                return await answer(access, operation, request, **more)
            except asyncio.CancelledError:
                self.cancelled = True
                raise
            finally:
                self.ended.set()

        monkeypatch.setattr(platform, "call", call)


async def _list(lake: Datalake) -> MultiData:
    return await lake.list_data(q='filename ~ "a"')


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Running]:
    async with running(tmp_path / "lake") as opened:
        yield opened


async def test_a_listing_by_a_query_ends_with_its_client(
    server: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = Slow(server.platform, monkeypatch)
    async with headrace.connect(server.address, api_token=server.token) as client:
        lake = await client.get_datalake()
        async with anyio.create_task_group() as group:
            group.start_soon(_list, lake)
            await slow.begun.wait()
            group.cancel_scope.cancel()
    with anyio.fail_after(20):
        await slow.ended.wait()
    assert slow.cancelled


async def test_what_writes_is_finished_without_its_client(
    server: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = Slow(server.platform, monkeypatch)
    async with headrace.connect(server.address, api_token=server.token) as client:
        async with anyio.create_task_group() as group:
            group.start_soon(client.create_dataset, "street")
            await slow.begun.wait()
            group.cancel_scope.cancel()
        slow.go_on.set()
        with anyio.fail_after(20):
            await slow.ended.wait()
        assert not slow.cancelled
        assert (await client.get_dataset("street")).name == "street"


async def test_an_answer_and_an_error_come_as_without_a_query(server: Running) -> None:
    async with headrace.connect(server.address, api_token=server.token) as client:
        lake = await client.get_datalake()
        assert len(await _list(lake)) == 0
        with pytest.raises(headrace.errors.BadRequestError, match="no field 'size2'"):
            await lake.list_data(q="size2 = 1")
