"""A fork killed at any point is resumed when the lake is opened next, and ends as an undisturbed one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from uuid import UUID

import pytest

from headrace.model.enums import JobStatus
from headrace.protocol.operations import datasets, jobs
from headrace.protocol.operations.datasets import FIND_VERSION
from tests.support.lakes.forks import fork, origin, rich, rows, told
from tests.support.lakes.stocked_lake import Stocked, stocked
from tests.support.processes.waiting import until
from tests.support.storage import assert_sound

ROOT = Path(__file__).parents[3]
SCRIPT = ROOT / "tests" / "support" / "scripts" / "forker.py"
ASSETS = 200


def kill_after(lake: Path, version: UUID, name: str, line: str, seconds: float) -> None:
    """Fork in another process; kill it ``seconds`` after it has said ``line``."""
    with subprocess.Popen(
        [sys.executable, str(SCRIPT), str(lake), str(version), name],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    ) as process:
        assert process.stdout is not None
        for said in process.stdout:
            if said.strip() == line:
                time.sleep(seconds)
                process.send_signal(signal.SIGKILL)
                break
        else:
            pytest.fail(f"the forker ended without saying {line!r}")
    assert process.returncode == -signal.SIGKILL


def forker(lake: Path, version: UUID) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(SCRIPT), str(lake), str(version), "fork"],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )


async def ended(lake: Stocked) -> None:
    await until(lambda: rows(lake, "job", "state = 'RUNNING'") == 0)


@pytest.mark.slow
async def test_a_killed_fork_ends_as_an_undisturbed_one(tmp_path: Path) -> None:
    path = tmp_path / "lake"
    async with stocked(path) as lake:
        parent = await rich(lake, ASSETS)
        wanted = await told(lake, parent.id)
        dataset = await origin(lake, parent.id)
    # Before the first range is in, between and inside others, and around the last one.
    points = [
        ("25", 0.0),
        ("50", 0.004),
        ("100", 0.0),
        ("150", 0.008),
        ("200", 0.002),
        ("end", 0.0),
    ]
    for number, (line, seconds) in enumerate(points):
        name = f"fork {number}"
        kill_after(path, parent.id, name, line, seconds)
        async with stocked(path) as lake:
            assert_sound(lake)
            found = await lake.call(FIND_VERSION, dataset_id=dataset, version=name)
            await ended(lake)
            assert await told(lake, found.id) == wanted
            assert rows(lake, "shard") == 0
    async with stocked(path) as lake:
        assert rows(lake, "asset") == ASSETS * (1 + len(points))
        assert rows(lake, "job", "kind = 'FORK' and state <> 'SUCCESS'") == 0


async def test_another_process_goes_on_when_it_is_asked(tmp_path: Path) -> None:
    path = tmp_path / "lake"
    async with stocked(path) as lake:
        parent = await rich(lake, ASSETS)
        wanted = await told(lake, parent.id)
        dataset = await origin(lake, parent.id)
        # This process has the lake open all along: it does not open it after the crash.
        kill_after(path, parent.id, "fork", "75", 0.0)
        again = await fork(lake, parent.id, with_tags=True, with_annotations=True)
        done = await lake.call(jobs.GET_JOB, job_id=again.job.id)
        assert done.status is JobStatus.SUCCESS
        found = await lake.call(datasets.FIND_VERSION, dataset_id=dataset, version="fork")
        assert found.id == again.dataset_version.id
        assert await told(lake, found.id) == wanted


async def test_two_processes_do_not_both_work_on_a_job(tmp_path: Path) -> None:
    path = tmp_path / "lake"
    async with stocked(path) as lake:
        parent = await rich(lake, ASSETS)
        wanted = await told(lake, parent.id)
    forkers = [forker(path, parent.id) for _ in range(3)]
    said = [line for process in forkers for line in process.communicate()[0].splitlines()]
    assert [process.returncode for process in forkers] == [0, 0, 0]
    assert said.count("finished") == 3
    # Every range was written once.
    ranges = [str(cursor) for cursor in range(25, ASSETS + 1, 25)]
    assert sorted(line for line in said if line != "finished") == sorted([*ranges, "end"])
    async with stocked(path) as lake:
        found = await lake.call(
            FIND_VERSION, dataset_id=await origin(lake, parent.id), version="fork"
        )
        assert await told(lake, found.id) == wanted
        with lake.raw() as connection:
            (attempts,) = connection.execute(
                "select attempts from job where kind = 'FORK'"
            ).fetchone()
        assert attempts == 1
