"""Programs whose job is cancelled, or whose host is stopped or killed: nothing is left running, and the job says so."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

import headrace
from headrace.errors import JobFailedError
from headrace.model.enums import JobRunStatus
from headrace.platform.accounts.tokens import list_tokens
from headrace.platform.platform import Platform
from headrace.sdk.client.client import Client
from headrace.sdk.job import Job
from tests.support.data.images import draw_images
from tests.support.lakes.doors import open_door
from tests.support.lakes.servers import new_lake, server_process
from tests.support.processes.left_over import all_gone, is_running, numbers_in
from tests.support.processes.programs import STAYS, WAITS, register
from tests.support.scripts import launcher
from tests.support.tiers import slow

LOST = "the process that ran the program ended first"


@pytest.fixture
def pids(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the program that stays writes down its processes."""
    path = tmp_path / "pids"
    monkeypatch.setenv("PIDS", str(path))
    return path


@pytest.fixture
async def lake(tmp_path: Path) -> tuple[Path, str]:
    """A lake with a version ``d/v`` and the processings ``stays`` and ``waits``, and a token."""
    lake, token = await new_lake(tmp_path / "lake")
    await stocked(lake)
    return lake, token


async def stocked(lake: Path) -> None:
    draw_images(lake.parent / "images", 2)
    async with headrace.connect(lake) as client:
        await client.push("d/v", lake.parent / "images")
    await register(lake, "stays", STAYS, variables=["PIDS"])
    await register(lake, "waits", WAITS, variables=["PIDS"])


async def launched(client: Client, name: str = "stays") -> Job:
    version = await client.version("d/v")
    return await version.launch_processing(await client.get_processing(name))


@pytest.mark.parametrize("kind", ["lake", *map(slow, ("http", "process"))])
async def test_a_cancelled_job_leaves_nothing(kind: str, tmp_path: Path, pids: Path) -> None:
    async with open_door(kind, tmp_path) as door:
        await stocked(door.lake)
        async with door.connect() as client:
            job = await launched(client)
            running = await numbers_in(pids, 2)
            await job.cancel()
            while not job.done:
                await job.sync()
            assert job.status is JobRunStatus.KILLED
            assert not any(map(is_running, running))
            assert await job.logs() == "begun\n"
            assert await job.cancel() is JobRunStatus.KILLED


async def test_another_process_may_cancel(lake: tuple[Path, str], pids: Path) -> None:
    async with headrace.connect(lake[0]) as client, headrace.connect(lake[0]) as other:
        job = await launched(client, "waits")
        running = await numbers_in(pids, 2)
        same = await other.get_job_by_id(job.id)
        assert same.status is JobRunStatus.RUNNING
        await same.cancel()
        await all_gone(running)
        with pytest.raises(JobFailedError, match="KILLED"):
            await job.wait_for_done()


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
async def test_a_server_that_ends(lake: tuple[Path, str], pids: Path, how: signal.Signals) -> None:
    folder, token = lake
    async with server_process(folder) as server:
        async with headrace.connect(server.address, api_token=token) as client:
            job = await launched(client)
            running = await numbers_in(pids, 2)
            assert all(map(is_running, running))
        await server.stop(how)
    await all_gone(running)
    async with (
        server_process(folder) as server,
        headrace.connect(server.address, api_token=token) as client,
    ):
        again = await client.get_job_by_id(job.id)
        with pytest.raises(JobFailedError, match=LOST):
            await again.wait_for_done()
        assert await again.logs() == "begun\n"
        # Nothing of it runs again, and it can be launched anew.
        assert len(await numbers_in(pids, 2)) == 2
        anew = await launched(client)
        await numbers_in(pids, 4)
        await anew.cancel()
        while not anew.done:
            await anew.sync()
    async with await Platform.open(folder) as platform:
        assert [each.name for each in await list_tokens(platform.context)] == ["test"]


@pytest.mark.slow
async def test_a_process_with_a_lake_that_is_killed(lake: tuple[Path, str], pids: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, launcher.__file__, str(lake[0]), "d/v", "stays"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(Path.cwd())},
    )
    assert process.stdout is not None
    job_id = (await process.stdout.readline()).decode().strip()
    running = await numbers_in(pids, 2)
    process.kill()
    await process.communicate()
    await all_gone(running)
    async with headrace.connect(lake[0]) as client:
        with pytest.raises(JobFailedError, match=LOST):
            await (await client.get_job_by_id(job_id)).wait_for_done()


async def test_a_lake_that_is_closed(lake: tuple[Path, str], pids: Path) -> None:
    async with headrace.connect(lake[0]) as client:
        job = await launched(client)
        running = await numbers_in(pids, 2)
    assert not any(map(is_running, running))
    async with headrace.connect(lake[0]) as client:
        # The same launch at once is another job: the one before has no process any more.
        anew = await launched(client)
        assert anew != job
        await anew.cancel()
        with pytest.raises(JobFailedError, match=LOST):
            await (await client.get_job_by_id(job.id)).wait_for_done()


async def test_a_lake_is_closed_before_the_program_began(
    lake: tuple[Path, str], pids: Path
) -> None:
    async with headrace.connect(lake[0]) as client:
        job = await launched(client)
    async with headrace.connect(lake[0]) as client:
        with pytest.raises(JobFailedError, match=LOST):
            await (await client.get_job_by_id(job.id)).wait_for_done()
    if pids.exists():
        await all_gone(await numbers_in(pids, 0))


async def test_a_reader_of_the_log_does_not_hold_the_server(
    lake: tuple[Path, str], pids: Path
) -> None:
    """A held answer ends when the server is told to stop, long before it would have by itself."""
    folder, token = lake
    async with (
        server_process(folder) as server,
        headrace.connect(server.address, api_token=token) as patient,
    ):
        client = patient.with_options(retries=0)
        job = await launched(client, "waits")
        pieces = job.iter_logs()
        assert await anext(pieces) == "begun\n"
        waiting = asyncio.ensure_future(anext(pieces))
        await numbers_in(pids, 2)
        assert await server.stop() == 0
        with pytest.raises(headrace.HeadraceError):
            await waiting
