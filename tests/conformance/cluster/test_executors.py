"""Shards run on every executor alike: their results, their errors, dead workers, cancellations."""

from __future__ import annotations

import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest

from headrace.engine.cluster.executor import Executor, ShardOutcome, gather_shards, map_shards
from headrace.engine.cluster.opening import opened_executor
from headrace.errors import ConfigurationError, ConnectError, NotFoundError, WorkerProcessError
from tests.support.dask_cluster import dask_cluster
from tests.support.processes.waiting import until
from tests.support.shard_calls import Done, Work, do_work, workers

KINDS = ["inline", "local", pytest.param("dask", marks=pytest.mark.slow)]
WITH_PROCESSES = KINDS[1:]


@asynccontextmanager
async def executor_of(kind: str, slots: int = 2) -> AsyncIterator[Executor]:
    if kind != "dask":
        async with opened_executor(f"{kind}:{slots}") as executor:
            assert executor is not None
            yield executor
        return
    with dask_cluster(workers=slots) as cluster:
        async with opened_executor(cluster.address) as executor:
            assert executor is not None
            yield executor


async def outcomes(executor: Executor, works: list[Work]) -> dict[int, ShardOutcome[Work, Done]]:
    found: dict[int, ShardOutcome[Work, Done]] = {}

    async def keep(outcome: ShardOutcome[Work, Done]) -> None:
        assert outcome.number not in found
        found[outcome.number] = outcome

    await map_shards(executor, do_work, works, keep)
    assert sorted(found) == [*range(len(works))]
    return found


@pytest.mark.parametrize("kind", KINDS)
async def test_results_come_in_the_order_of_the_shards(kind: str) -> None:
    works = [Work(number, seconds=0.05 * (number % 3)) for number in range(20)]
    async with executor_of(kind) as executor:
        done = await gather_shards(executor, do_work, works)
    assert [each.number for each in done] == [*range(20)]
    processes = {each.process for each in done}
    assert (processes == {os.getpid()}) if kind == "inline" else len(processes) == 2


@pytest.mark.parametrize("kind", KINDS)
async def test_an_error_keeps_its_class_and_its_words_and_stops_no_other_shard(kind: str) -> None:
    works = [Work(0), Work(1, fail=True), Work(2)]
    async with executor_of(kind) as executor:
        found = await outcomes(executor, works)
        assert isinstance(found[1].error, NotFoundError)
        assert str(found[1].error) == "nothing has the number 1 (take another one)"
        assert [found[n].error for n in (0, 2)] == [None, None]
        with pytest.raises(NotFoundError, match="number 1"):
            await gather_shards(executor, do_work, works)


@pytest.mark.parametrize("kind", KINDS)
async def test_shards_are_taken_as_slots_become_free(kind: str) -> None:
    taken = 0

    def works() -> Iterator[Work]:
        nonlocal taken
        for taken in range(100):
            yield Work(taken)

    async def stop(outcome: ShardOutcome[Work, Done]) -> None:
        raise KeyError(outcome.number)

    async with executor_of(kind) as executor:
        with pytest.raises(KeyError):
            await map_shards(executor, do_work, works(), stop)
    assert taken < 10


@pytest.mark.parametrize("kind", WITH_PROCESSES)
async def test_a_shard_whose_worker_dies_runs_again_and_a_poisonous_one_fails_alone(
    kind: str, tmp_path: Path
) -> None:
    works = [Work(number, str(tmp_path), seconds=0.02) for number in range(30)]
    works[3].die = 1
    works[7].die = 1000
    async with executor_of(kind) as executor:
        found = await outcomes(executor, works)
    failed = {number for number, outcome in found.items() if outcome.error is not None}
    assert failed == {7}
    assert isinstance(found[7].error, WorkerProcessError)
    assert "shard 7 failed: its worker died 3 times" in str(found[7].error)
    assert {path.name for path in tmp_path.glob("done-*")} == {
        f"done-{number}" for number in range(30) if number != 7
    }


async def test_random_deaths_condemn_none(tmp_path: Path) -> None:
    """Each of a few workers is killed once, while it runs a shard that is not to blame."""
    works = [Work(number, str(tmp_path), seconds=0.1) for number in range(24)]
    async with executor_of("local") as executor, anyio.create_task_group() as group:

        async def kill() -> None:
            for _ in range(4):
                await anyio.sleep(0.3)
                for child in workers():
                    os.kill(child, signal.SIGKILL)
                    break

        group.start_soon(kill)
        found = await outcomes(executor, works)
    assert [outcome for outcome in found.values() if outcome.error is not None] == []


@pytest.mark.parametrize("kind", KINDS)
async def test_a_cancellation_ends_what_runs(kind: str, tmp_path: Path) -> None:
    works = [Work(number, str(tmp_path), seconds=60.0) for number in range(4)]
    async with executor_of(kind) as executor:
        async with anyio.create_task_group() as group:
            group.start_soon(gather_shards, executor, do_work, works)
            await until(lambda: any(tmp_path.glob("begun-*")))
            group.cancel_scope.cancel()
        await until(lambda: any(tmp_path.glob("cancelled-*")))
        # The executor can be used again.
        assert [each.number for each in await gather_shards(executor, do_work, [Work(5)])] == [5]
    assert not any(tmp_path.glob("done-*"))


async def test_processes_end_with_their_executor() -> None:
    async with executor_of("local") as executor:
        await gather_shards(executor, do_work, [Work(number, seconds=0.2) for number in range(4)])
        assert len(workers()) == 2
    assert workers() == []


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("loca", "did you mean 'local'"),
        ("", "write local, local:4 or dask://host:port"),
        ("local:", "write local, local:4"),
        ("local:two", "write local, local:4"),
        ("local:0", "write local:1 or more"),
        ("dask://nowhere", "write dask://host:port"),
        ("dask://127.0.0.1:9/path", "write dask://host:port"),
        ("dask://me:secret@127.0.0.1:9", "write dask://host:port"),
        ("dask://cluster.example.com:8786", "must have TLS"),
        ("dask://10.1.2.3:8786", "must have TLS"),
    ],
)
async def test_names_that_are_none(name: str, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words) as caught:
        async with opened_executor(name):
            raise AssertionError
    assert "secret" not in str(caught.value)


@pytest.mark.slow
async def test_a_scheduler_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("headrace.engine.cluster.dask._CONNECT_SECONDS", 1.0)
    with pytest.raises(ConnectError, match=r"dask://127\.0\.0\.1:9: no Dask scheduler"):
        async with opened_executor("dask://127.0.0.1:9"):
            raise AssertionError


@pytest.mark.slow
async def test_a_worker_with_another_version_is_named() -> None:
    words = r"has headrace 0\.0\.7, and this is"
    with (
        dask_cluster(workers=1, version="0.0.7") as cluster,
        pytest.raises(ConfigurationError, match=words),
    ):
        async with opened_executor(cluster.address):
            raise AssertionError


@pytest.mark.slow
async def test_a_scheduler_that_dies_while_shards_run(tmp_path: Path) -> None:
    works = [Work(number, str(tmp_path), seconds=30.0) for number in range(4)]
    with dask_cluster(workers=2) as cluster:
        async with opened_executor(cluster.address) as executor, anyio.create_task_group() as group:
            assert executor is not None

            async def kill() -> None:
                await until(lambda: any(tmp_path.glob("begun-*")))
                cluster.kill_scheduler()

            group.start_soon(kill)
            with pytest.raises(ConnectError, match="has gone"):
                await gather_shards(executor, do_work, works)


def test_a_worker_runs_no_other_function() -> None:
    from headrace.engine.cluster.calls import run_call

    for name in ("os:system", "headrace:connect", "headrace.nothing:here"):
        answer = anyio.run(run_call, name, do_work.encode(Work(1)))
        with pytest.raises(Exception, match=r"workers do not run|No module"):
            do_work.decode(answer)
