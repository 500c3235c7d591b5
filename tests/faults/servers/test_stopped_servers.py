"""The server that holds a lease is stopped for two leases and wakes up: others have gone on, and it writes nothing more."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from headrace.sdk.client.client import Client
from tests.support.data.images import draw_images, write_coco
from tests.support.processes.waiting import until
from tests.support.servers import MAINTENANCE, QUICK, RUNNER, Cluster, cluster

pytestmark = pytest.mark.slow

COUNT = 60
POSTGRES = "headrace.storage.database.postgres.connections"
SLOW = {**QUICK, f"{RUNNER}.PAUSE_SECONDS": 0.5, f"{MAINTENANCE}.RANGE": 5}
"""A job that holds its lease for three seconds, and then some more on the server that takes it over."""


@pytest.fixture
async def made(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Cluster]:
    """Two servers of a platform with an annotated version, ``d/calm``."""
    draw_images(tmp_path / "images", COUNT)
    names = [f"image_{index:04d}.jpg" for index in range(COUNT)]
    file = write_coco(tmp_path / "instances.json", names, boxes=2)
    constants = {
        **SLOW,
        # A change that stands still is rolled back soon.
        f"{POSTGRES}._IDLE_WRITER_SECONDS": 2,
        f"{MAINTENANCE}.STALLED_SECONDS": 2,
        f"{MAINTENANCE}.WATCH_SECONDS": 0.5,
    }
    async with cluster(tmp_path / "platform", constants=constants) as made:
        async with made.connect(0) as client:
            await client.push("d/calm", tmp_path / "images")
            await (await client.version("d/calm")).import_annotations(file)
        yield made
        await made.assert_sound()


async def forking(client: Client, name: str) -> None:
    """Ask for a fork, and wait for no end of it."""
    calm = await client.version("d/calm")
    await calm.fork(name, with_annotations=True, with_tags=True, wait=False)


async def job(made: Cluster) -> tuple[Any, ...]:
    """The state, owner, attempts and work of the only fork."""
    (row,) = await made.rows("select state, owner, attempts, done from job where kind = 'FORK'")
    return row


async def test_between_two_ranges(made: Cluster) -> None:
    """It wakes up while the other one is at work, and lets go of the job."""
    async with made.connect(0) as first, made.connect(1) as second:
        call = asyncio.create_task(forking(first, "fork"))
        await until(lambda: begun(made))
        made.servers[0].pause()
        state, owner, _, done = await job(made)
        assert state == "RUNNING"
        assert 0 < done < COUNT

        async def taken() -> bool:
            row = await job(made)
            return row[1] not in (owner, None) and row[3] > done

        await until(taken)
        # Two ranges of the other one later, the first one wants to go on.
        made.servers[0].resume()
        await until(lambda: ended(made))
        await call
        assert (await job(made))[0] == "SUCCESS"
        wanted = await (await second.version("d/calm")).digest()
        for client in (first, second):
            assert await (await client.version("d/fork")).digest() == wanted
    # All ranges were counted once.
    assert (await job(made))[3] == COUNT


async def test_in_the_middle_of_a_range(made: Cluster) -> None:
    """Its transaction is rolled back: PostgreSQL ends it between two statements, the other server in a batch of them."""
    async with made.connect(0) as first, made.connect(1) as second:
        async with made.holding("annotation") as waiting:
            call = asyncio.create_task(forking(first, "fork"))
            await waiting()
            made.servers[0].pause()
        await until(lambda: ended(made), 30)
        made.servers[0].resume()
        await call
        wanted = await (await second.version("d/calm")).digest()
        for client in (first, second):
            assert await (await client.version("d/fork")).digest() == wanted
    assert (await job(made))[3] == COUNT


@pytest.mark.parametrize("table", ["asset", "sequence"])
async def test_who_purges(made: Cluster, table: str) -> None:
    """Another server purges instead, and both agree that what is left stays. It is stopped in a step, or as it renews its lease."""
    async with made.connect(0) as first, made.connect(1) as second:
        calm = await first.version("d/calm")
        for name in ("a", "b"):
            await calm.fork(name, with_annotations=True)
        async with made.holding(table) as waiting:
            delete = asyncio.create_task((await first.version("d/a")).delete(undo=False))
            await waiting()
            made.servers[0].pause()
        b = await second.version("d/b")
        async with made.holding("annotation") as waiting:
            await b.delete(undo=False)
            # The other one has taken over, and both want to go on at once.
            await waiting()
            made.servers[0].resume()
            await delete

        async def purged() -> bool:
            return await made.rows("select count(*) from version") == [(1,)]

        await until(purged)
        assert await calm.digest() == await (await second.version("d/calm")).digest()
    assert await made.rows("select count(*) from asset") == [(COUNT,)]


async def begun(made: Cluster) -> bool:
    rows = await made.rows("select done from job where kind = 'FORK'")
    return bool(rows) and rows[0][0] > 0


async def ended(made: Cluster) -> bool:
    return bool((await job(made))[0] != "RUNNING")
