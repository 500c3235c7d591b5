"""A look at a job that still runs is held open over HTTP: until it ends, or until the server is told to stop."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from headrace.backend.connect import open_backend
from headrace.model.enums import JobStatus
from headrace.platform.core.access import local_access
from headrace.platform.jobs import runner as job_runner
from headrace.platform.versions.fork import ForkWork
from headrace.protocol.operations import datasets, jobs
from tests.support.lakes.forks import rich
from tests.support.lakes.servers import running
from tests.support.lakes.stocked_lake import Stocked


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
    """What every range of a fork waits for."""
    opened = asyncio.Event()

    async def prepare(self: ForkWork, cursor: Any, size: int) -> None:
        await opened.wait()

    monkeypatch.setattr(ForkWork, "prepare", prepare)
    monkeypatch.setattr("headrace.platform.jobs.records.ANSWER_SECONDS", 0.05)
    monkeypatch.setattr(job_runner, "_LOOK_SECONDS", 0.02)
    return opened


@pytest.mark.one_platform("one server stops")
async def test_looks_are_held_until_the_end_or_the_stop(
    tmp_path: Path, gate: asyncio.Event
) -> None:
    async with running(tmp_path / "lake") as server:
        lake = Stocked(server.platform, await local_access(server.platform.context))
        parent = await rich(lake, 20)
        dataset = (await lake.call(datasets.GET_VERSION, version_id=parent.id)).origin_id
        backend, _, _ = await open_backend(server.address, api_token=server.token)
        try:

            async def fork(name: str) -> UUID:
                request = datasets.Fork(dataset_id=dataset, parent_id=parent.id, version=name)
                answer = await backend.call(datasets.FORK_VERSION, request)
                assert answer.job.status is JobStatus.RUNNING
                return answer.job.id

            async def look(job: UUID) -> JobStatus:
                return (await backend.call(jobs.GET_JOB, jobs.JobId(job_id=job))).status

            first = asyncio.create_task(look(await fork("first")))
            await asyncio.sleep(0.1)
            assert not first.done()
            gate.set()
            assert await first is JobStatus.SUCCESS
            gate.clear()
            second = asyncio.create_task(look(await fork("second")))
            await asyncio.sleep(0.1)
            assert not second.done()
            server.platform.jobs.end_waits()
            assert await asyncio.wait_for(second, 10) is JobStatus.RUNNING
        finally:
            await backend.aclose()


@pytest.mark.one_platform("one server stops")
async def test_a_server_stops_while_somebody_waits_for_a_job(
    tmp_path: Path, gate: asyncio.Event
) -> None:
    async with running(tmp_path / "lake") as server:
        lake = Stocked(server.platform, await local_access(server.platform.context))
        parent = await rich(lake, 5)
        dataset = (await lake.call(datasets.GET_VERSION, version_id=parent.id)).origin_id
        backend, _, _ = await open_backend(server.address, api_token=server.token)
        request = datasets.Fork(dataset_id=dataset, parent_id=parent.id, version="fork")
        job = (await backend.call(datasets.FORK_VERSION, request)).job
        waiting = asyncio.create_task(backend.call(jobs.GET_JOB, jobs.JobId(job_id=job.id)))
        await asyncio.sleep(0.1)
        assert not waiting.done()
    # The server is gone, and its last word was the answer.
    assert (await waiting).status is JobStatus.RUNNING
    await backend.aclose()
