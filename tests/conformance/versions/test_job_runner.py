"""Jobs: whose they are, how they end, how they go on, and who waits for them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import pytest

from headrace.errors import (
    DiskFullError,
    HeadraceError,
    LockedError,
    NotFoundError,
    UnavailableError,
)
from headrace.model.enums import JobStatus
from headrace.platform.context import Context
from headrace.platform.jobs import runner as job_runner
from headrace.platform.jobs.records import job_id, record_job
from headrace.platform.jobs.work import JobTask, Progress
from headrace.platform.platform import JOB_KINDS
from headrace.protocol.operations import annotations, jobs
from headrace.storage.database.base import Transaction
from headrace.storage.database.locks import Lock
from tests.support.lakes.forks import rows
from tests.support.lakes.stocked_lake import Filled, Stocked, stocked, stranger
from tests.support.processes.waiting import until

RANGES = 5


class Counting:
    """Work of five ranges that does what the test says before each of them."""

    before: Callable[[int], Any] = staticmethod(lambda number: None)
    told: list[str] = []  # noqa: RUF012 - made anew by the fixture

    def __init__(self, context: Context, task: JobTask) -> None:
        self.task = task

    async def locks(self, cursor: Any) -> tuple[Lock, ...]:
        return ()

    async def prepare(self, cursor: Any, size: int) -> None:
        number = int(cursor or 0)
        happened = type(self).before(number)
        if happened is not None:
            await happened

    async def write(self, tx: Transaction, cursor: Any, size: int) -> Progress | None:
        number = int(cursor or 0)
        if number == RANGES:
            return None
        self.told.append(str(number))
        return Progress(number + 1, 10)

    async def finish(self, tx: Transaction) -> None:
        self.told.append("finished")

    async def abandon(self, tx: Transaction) -> None:
        self.told.append("abandoned")

    async def after_end(self) -> None:
        self.told.append("after")


@pytest.fixture
def counting(monkeypatch: pytest.MonkeyPatch) -> type[Counting]:
    monkeypatch.setitem(JOB_KINDS, "COUNT", Counting)
    monkeypatch.setattr(Counting, "told", [])
    monkeypatch.setattr(Counting, "before", staticmethod(lambda number: None))
    monkeypatch.setattr(job_runner, "_RETRY_SECONDS", 0.01)
    return Counting


async def begin(lake: Stocked) -> Any:
    async with lake.platform.context.database.transaction() as tx:
        job = await record_job(
            lake.platform.context,
            tx,
            lake.access.organization,
            kind="COUNT",
            subject=None,
            state=JobStatus.RUNNING,
            spec="{}",
            total=50,
        )
    lake.platform.jobs.start(job.no)
    return job


async def look(lake: Stocked, job: Any) -> Any:
    return await lake.call(jobs.GET_JOB, job_id=job_id(job.no, job.created))


async def test_ranges_in_order_then_the_end(lake: Stocked, counting: type[Counting]) -> None:
    found = await look(lake, await begin(lake))
    assert (found.status, found.done, found.total, found.error) == (JobStatus.SUCCESS, 50, 50, None)
    await until(lambda: counting.told == ["0", "1", "2", "3", "4", "finished", "after"])
    assert rows(lake, "shard") == 0


async def test_a_refusal_fails_the_job_at_once(lake: Stocked, counting: type[Counting]) -> None:
    def refuse(number: int) -> None:
        if number == 2:
            raise LockedError("somebody locked it")

    counting.before = staticmethod(refuse)  # type: ignore[method-assign]
    found = await look(lake, await begin(lake))
    assert (found.status, found.done, found.error) == (JobStatus.FAILED, 20, "somebody locked it")
    assert counting.told == ["0", "1", "abandoned", "after"]


async def test_a_fault_of_our_own_fails_it_without_its_words(
    lake: Stocked, counting: type[Counting]
) -> None:
    def break_down(number: int) -> None:
        raise RuntimeError("secret")

    counting.before = staticmethod(break_down)  # type: ignore[method-assign]
    found = await look(lake, await begin(lake))
    assert found.status is JobStatus.FAILED
    assert "secret" not in found.error
    assert counting.told == ["abandoned", "after"]


@pytest.mark.parametrize(
    "error", [DiskFullError("the disk is full"), UnavailableError("the database is away")]
)
async def test_a_storage_that_recovers_lets_it_go_on(
    lake: Stocked, counting: type[Counting], error: HeadraceError
) -> None:
    left = [3]

    def full(number: int) -> None:
        if number == 2 and left[0]:
            left[0] -= 1
            raise error

    counting.before = staticmethod(full)  # type: ignore[method-assign]
    found = await look(lake, await begin(lake))
    assert (found.status, found.error) == (JobStatus.SUCCESS, None)
    assert counting.told[:6] == ["0", "1", "2", "3", "4", "finished"]
    assert left == [0]


async def test_a_storage_that_does_not_recover_ends_it(
    lake: Stocked, counting: type[Counting]
) -> None:
    def full(number: int) -> None:
        if number == 2:
            raise DiskFullError("the disk is full")

    counting.before = staticmethod(full)  # type: ignore[method-assign]
    found = await look(lake, await begin(lake))
    assert found.status is JobStatus.FAILED
    assert found.error == "given up after 5 attempts: the disk is full"
    assert counting.told == ["0", "1", "abandoned", "after"]


async def test_who_lost_the_lease_writes_nothing_more(
    lake: Stocked, counting: type[Counting]
) -> None:
    def steal(number: int) -> None:
        if number == 2:
            with lake.raw() as connection:
                connection.execute("update job set owner = 'other:1:x', lease = lease + 60000")

    counting.before = staticmethod(steal)  # type: ignore[method-assign]
    job = await begin(lake)
    await until(lambda: rows(lake, "job", "owner = 'other:1:x'") == 1)
    await anyio.sleep(0.05)
    assert counting.told == ["0", "1", "after"]
    assert rows(lake, "job", "state = 'RUNNING' and done = 20") == 1
    # The other one's lease ends: whoever asks goes on from the ledger.
    counting.before = staticmethod(lambda number: None)  # type: ignore[method-assign]
    with lake.raw() as connection:
        connection.execute("update job set lease = 1")
    assert (await look(lake, job)).status is JobStatus.SUCCESS
    assert counting.told[3:6] == ["2", "3", "4"]


async def test_closing_is_no_attempt_and_opening_goes_on(
    tmp_path: Path, counting: type[Counting]
) -> None:
    path = tmp_path / "often"

    def wait(number: int) -> Any:
        return anyio.sleep(60) if number == stop else None

    counting.before = staticmethod(wait)  # type: ignore[method-assign]
    stop = 1
    async with stocked(path) as lake:
        await begin(lake)
        # Until its transaction has ended: what is closed before that is rolled back, and done again.
        await until(lambda: rows(lake, "job", "done = 10") == 1)
    for _ in range(2 * job_runner.MAX_ATTEMPTS):
        async with stocked(path) as lake:
            await until(lambda: rows(lake, "job", "owner is not null") == 1)
        async with stocked(path) as lake:
            assert rows(lake, "job", "state = 'RUNNING'") == 1
    stop = -1
    async with stocked(path) as lake:
        await until(lambda: rows(lake, "job", "state = 'SUCCESS'") == 1)
    assert counting.told[:6] == ["0", "1", "2", "3", "4", "finished"]


@pytest.mark.one_platform("lets go of the looks at one platform")
async def test_a_look_is_held_and_let_go(
    lake: Stocked, counting: type[Counting], monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = asyncio.Event()
    counting.before = staticmethod(lambda number: gate.wait())  # type: ignore[method-assign]
    job = await begin(lake)
    # Held until it ends.
    waiting = asyncio.create_task(look(lake, job))
    await anyio.sleep(0.05)
    assert not waiting.done()
    gate.set()
    assert (await waiting).status is JobStatus.SUCCESS
    # Held for so long only.
    gate.clear()
    second = await begin(lake)
    monkeypatch.setattr("headrace.platform.jobs.records.HOLD_SECONDS", 0.05)
    assert (await look(lake, second)).status is JobStatus.RUNNING
    # Let go where the server is about to stop.
    monkeypatch.setattr("headrace.platform.jobs.records.HOLD_SECONDS", 600)
    waiting = asyncio.create_task(look(lake, second))
    await anyio.sleep(0.05)
    lake.platform.jobs.end_waits()
    assert (await asyncio.wait_for(waiting, 10)).status is JobStatus.RUNNING
    assert (await look(lake, second)).status is JobStatus.RUNNING


async def test_a_ledger_is_cancelled_at_once(filled: Filled, lake: Stocked) -> None:
    begun = await lake.call(annotations.START_IMPORT, version_id=filled.id, source="s")
    found = await lake.call(jobs.CANCEL_JOB, job_id=begun.id)
    assert found.status is JobStatus.TERMINATED
    assert (await lake.call(jobs.CANCEL_JOB, job_id=begun.id)).status is JobStatus.TERMINATED
    again = await lake.call(annotations.START_IMPORT, version_id=filled.id, source="s")
    assert again.id != begun.id


async def test_a_stranger_cancels_nothing(lake: Stocked, counting: type[Counting]) -> None:
    gate = asyncio.Event()
    counting.before = staticmethod(lambda number: gate.wait())  # type: ignore[method-assign]
    job = await begin(lake)
    foreign = await stranger(lake)
    with pytest.raises(NotFoundError):
        await foreign.call(jobs.CANCEL_JOB, job_id=job.id)
    gate.set()
    assert (await look(lake, job)).status is JobStatus.SUCCESS
