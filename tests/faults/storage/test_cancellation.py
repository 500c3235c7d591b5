"""A call cancelled at any moment leaves the lake whole, and nothing under way behind."""

from __future__ import annotations

import asyncio
import itertools
import types
from collections.abc import AsyncIterator, Coroutine, Generator
from pathlib import Path
from typing import Any

import apsw
import pytest

from headrace.model.records import DataRecord
from headrace.protocol.operations.datalake import (
    DELETE_DATA,
    LIST_DATA,
    REGISTER_DATA,
    DataId,
    ListData,
)
from headrace.protocol.operations.tags import CREATE_DATA_TAG, DataTagName
from tests.support.lakes.lake import Lake, opened_lake, png


@pytest.fixture
async def lake(tmp_path: Path) -> AsyncIterator[Lake]:
    async with opened_lake(tmp_path / "lake") as opened:
        yield opened


async def journey(lake: Lake, number: int) -> None:
    """What a client does with a file, from its name to its end."""
    tag = await lake.call(CREATE_DATA_TAG, DataTagName(datalake_id=lake.id, name=f"t{number}"))
    name = await lake.store(png())
    data = await lake.call(
        REGISTER_DATA, lake.registration(name, tags=[tag.id], filename=f"{number}.png")
    )
    await lake.call(DELETE_DATA, DataId(data_id=data.id))


async def whole(lake: Lake) -> list[DataRecord]:
    """All data, after a look at what must hold: every data has its file, and nothing is under way."""
    page = await lake.call(LIST_DATA, ListData(datalake_id=lake.id))
    assert page.count == len(page.items)
    for item in page.items:
        info = await lake.platform.context.objects.head(item.object_name)
        assert info is not None
        assert info.size == item.size
    assert list((lake.platform.context.path / "objects" / ".incoming").iterdir()) == []
    return page.items


async def cancelled_at(step: int, work: Coroutine[Any, Any, None]) -> bool:
    """Run ``work`` and cancel it when it waits for the ``step``-th time; whether it came to its end before that."""

    @types.coroutine
    def stepped() -> Generator[Any, None, None]:
        error: BaseException | None = None
        for number in itertools.count():
            try:
                awaited = work.send(None) if error is None else work.throw(error)
            except StopIteration:
                return
            error = None
            if number == step:
                task.cancel()
            try:
                yield awaited
            except BaseException as raised:
                error = raised

    async def run() -> None:
        await stepped()

    task = asyncio.create_task(run())
    await asyncio.wait([task])
    return not task.cancelled()


async def test_cancelled_wherever_it_waits_the_lake_is_whole(lake: Lake) -> None:
    for step in itertools.count():
        ended = await cancelled_at(step, journey(lake, step))
        await whole(lake)
        if ended:
            break
    assert step > 10
    added = await lake.add("after.png")
    assert added.id in [item.id for item in await whole(lake)]
    connection = apsw.Connection(str(lake.platform.context.path / "headrace.db"))
    assert list(connection.execute("pragma integrity_check")) == [("ok",)]
    assert list(connection.execute("pragma foreign_key_check")) == []
    connection.close()


async def test_many_cancelled_at_once_leave_room_for_the_next(lake: Lake) -> None:
    for _ in range(5):
        tasks = [asyncio.create_task(journey(lake, number)) for number in range(20)]
        await asyncio.sleep(0.02)
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        await whole(lake)
    await lake.add("after.png")
    assert "after.png" in [item.filename for item in await whole(lake)]
