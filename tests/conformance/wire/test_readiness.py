"""``/readyz``: 503 where the server cannot do its work, and which part of it is in the way."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import apsw
import pytest

from headrace.platform.platform import Platform
from headrace.server.process_board import ProcessBoard, Slot, board_file
from headrace.server.serve import serving
from headrace.server.settings import ServerSettings
from tests.support import storage
from tests.support.lakes.servers import Running, running
from tests.support.lakes.templates import copy_empty
from tests.support.processes.waiting import until

QUICK = ServerSettings(ready_seconds=0.3)
READERS = 4
ENDLESS = (
    " union all select (with recursive n(i) as (select cast(1 as bigint) union all"
    " select i + 1 from n where i < :most) select count(*) from n)"
)


async def ready(address: str) -> tuple[int, dict[str, Any]]:
    """The status and the checks."""
    async with aiohttp.ClientSession() as http, http.get(address + "/readyz") as answer:
        body = await answer.json()
    assert body["status"] == ("ok" if answer.status == 200 else "failing")
    return answer.status, body["checks"]


def failing(checks: dict[str, Any]) -> set[str]:
    return {name for name, check in checks.items() if not check["ok"]}


async def says(address: str, *expected: str) -> bool:
    status, checks = await ready(address)
    return (status, failing(checks)) == (503 if expected else 200, set(expected))


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Running]:
    async with running(tmp_path / "lake", QUICK) as found:
        yield found


async def test_a_server_that_can_work_says_what_it_has_checked(server: Running) -> None:
    status, checks = await ready(server.address)
    assert (status, failing(checks)) == (200, set())
    assert set(checks) == {"lake", "disk", "readers", "writer"}
    assert checks["disk"]["free_bytes"] > checks["disk"]["floor_bytes"]
    assert checks["readers"] == {"ok": True, "busy_seconds": 0.0, "limit_seconds": 0.3}


async def test_a_full_disk(tmp_path: Path) -> None:
    """No disk has as much room as this floor asks for."""
    async with running(tmp_path / "lake", ServerSettings(ready_free_bytes=1 << 62)) as server:
        status, checks = await ready(server.address)
        assert (status, failing(checks)) == (503, {"disk"})
        assert checks["disk"]["floor_bytes"] == 1 << 62


async def test_readers_that_are_all_busy(server: Running) -> None:
    database = server.platform.context.database

    async def ask() -> None:
        await database.fetch("marks.labels", filters=ENDLESS, version=1, most=10**12)

    # More than there are readers: PostgreSQL has some more for composed queries alone.
    asked = [asyncio.create_task(ask()) for _ in range(READERS)]
    try:
        # The answer does not wait for a reader.
        await until(lambda: says(server.address, "readers"))
    finally:
        for task in asked:
            task.cancel()
        await asyncio.gather(*asked, return_exceptions=True)
    await until(lambda: says(server.address))


async def test_a_reader_that_is_left_is_enough(server: Running) -> None:
    database = server.platform.context.database
    call = database.fetch("marks.labels", filters=ENDLESS, version=1, most=10**12)
    asked = asyncio.create_task(call)
    await asyncio.sleep(0.5)
    await until(lambda: says(server.address))
    asked.cancel()
    await asyncio.gather(asked, return_exceptions=True)


async def test_a_call_that_waits_for_another_one_that_writes(server: Running) -> None:
    database, sources = server.platform.context.database, {"organization": 1, "created": 1}
    async with database.transaction() as tx:
        await tx.fetch_one("datalake.add_source", name="a", **sources)
        waiting = asyncio.create_task(database.execute("datalake.update_metadata", **NOTHING))
        await until(lambda: says(server.address, "writer"))
    await waiting
    await until(lambda: says(server.address))


NOTHING = {"bucket": 0, "no": 1, "metadata": None}


@asynccontextmanager
async def writing_elsewhere(lake: Path) -> AsyncIterator[None]:
    """Another connection holds the write lock, as another process would."""
    if storage.target_of(lake) is not None:
        async with await Platform.open(lake) as other, other.context.database.transaction():
            yield
        return
    held, end = threading.Event(), threading.Event()

    def hold() -> None:
        connection = apsw.Connection(str(lake / "headrace.db"))
        connection.set_busy_timeout(20_000)
        connection.execute("begin immediate")
        held.set()
        end.wait(60)
        connection.execute("rollback")
        connection.close()

    thread = threading.Thread(target=hold)
    thread.start()
    # The loop must go on: what the server itself writes has to end first.
    assert await asyncio.to_thread(held.wait, 20)
    try:
        yield
    finally:
        end.set()
        await asyncio.to_thread(thread.join)


async def test_a_call_that_waits_for_another_process_that_writes(server: Running) -> None:
    database = server.platform.context.database
    async with writing_elsewhere(server.platform.context.path):
        waiting = asyncio.create_task(database.execute("datalake.update_metadata", **NOTHING))
        await until(lambda: says(server.address, "writer"))
    await waiting
    await until(lambda: says(server.address))


@pytest.mark.folder_of_files("moves the folder")
async def test_a_lake_without_its_objects(server: Running) -> None:
    objects = server.platform.context.path / "objects"
    objects.rename(objects.with_name("elsewhere"))
    assert await says(server.address, "lake")
    objects.with_name("elsewhere").rename(objects)
    assert await says(server.address)


@asynccontextmanager
async def served_by_two(
    lake: Path, settings: ServerSettings
) -> AsyncIterator[tuple[str, ProcessBoard]]:
    """A server in this process as one of two; the board of the other one."""
    copy_empty(lake)
    with board_file(2) as file:
        own, other = (ProcessBoard(file, 2, number) for number in range(2))
        async with (
            await Platform.open(lake) as platform,
            serving(platform, settings=settings, board=own) as address,
        ):
            yield address, other


async def test_one_process_answers_for_all(tmp_path: Path) -> None:
    async with served_by_two(tmp_path / "lake", ServerSettings(ready_seconds=8.0)) as (
        address,
        other,
    ):
        status, checks = await ready(address)
        assert (status, checks["processes"]) == (200, {"ok": True, "count": 1, "silent": 0})
        for load, expected in (
            ((0.0, 0.0), ()),
            ((9.0, 0.0), ("readers",)),
            ((0.0, 9.0), ("writer",)),
        ):
            other.update(Slot(0.0, *load))
            status, checks = await ready(address)
            assert (status, failing(checks)) == (503 if expected else 200, set(expected))
            assert checks["processes"]["count"] == 2


async def test_a_process_that_says_nothing_any_more(tmp_path: Path) -> None:
    async with served_by_two(tmp_path / "lake", QUICK) as (address, other):
        other.update(Slot(0.0, 0.0, 0.0))
        await until(lambda: says(address, "processes"))
        # It has ended, and its parent knows.
        other.clear(1)
        await until(lambda: says(address))
