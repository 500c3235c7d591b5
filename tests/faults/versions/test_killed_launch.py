"""The launch of a campaign, killed or cancelled at any point, goes on to what an undisturbed one makes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from headrace.errors import ConflictError
from headrace.model.enums import JobRunStatus
from headrace.platform.campaigns import sync as campaign_sync
from headrace.platform.jobs import runner as job_runner
from headrace.platform.jobs.work import Progress
from headrace.protocol.operations import campaigns, jobs
from headrace.storage.database.base import Transaction
from tests.support.lakes.campaigns import Run, campaign, user_ids
from tests.support.lakes.forks import rows
from tests.support.lakes.stocked_lake import Stocked, colleague, stocked
from tests.support.processes.waiting import until

ROOT = Path(__file__).parents[3]
SCRIPT = ROOT / "tests" / "support" / "lakes" / "campaigns.py"
ASSETS = 200


async def ready(lake: Stocked, name: str) -> Run:
    """A campaign of a new version, with two who share its tasks, that is not launched."""
    filled = await lake.filled(ASSETS, name)
    await filled.send(*(filled.item(asset, 1) for asset in range(0, ASSETS, 3)))
    users = await user_ids(lake)
    run = await campaign(lake, filled.id)
    await run.step("draw", "ANNOTATION", (users["local"], 1), (users["colleague"], 2))
    await run.step("look", "REVIEW", (users["local"], 1))
    look = (await lake.call(campaigns.LIST_STEPS, campaign_id=run.id)).items[1]
    await lake.call(
        campaigns.UPDATE_CAMPAIGN, campaign_id=run.id, annotated_entry_step_id=str(look.id)
    )
    return run


async def told(run: Run) -> list[Any]:
    """All that is said of the tasks, steps by their place."""
    steps = (await run.lake.call(campaigns.LIST_STEPS, campaign_id=run.id)).items
    order = {step.id: step.order for step in steps}
    return [(order[task.step_id], task.status, task.assigned_user_id) for task in await run.tasks()]


def kill_after(lake: Path, run: UUID, line: str) -> None:
    """Launch in another process; kill it once it has said ``line``."""
    with subprocess.Popen(
        [sys.executable, str(SCRIPT), str(lake), str(run)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    ) as process:
        assert process.stdout is not None
        for said in process.stdout:
            if said.strip() == line:
                process.send_signal(signal.SIGKILL)
                break
        else:
            pytest.fail(f"the process ended without saying {line!r}")
    assert process.returncode == -signal.SIGKILL


@pytest.mark.slow
async def test_a_killed_launch_ends_as_an_undisturbed_one(tmp_path: Path) -> None:
    path = tmp_path / "lake"
    async with stocked(path) as lake:
        await colleague(lake)
        undisturbed = await ready(lake, "undisturbed")
        await undisturbed.launch()
        wanted = await told(undisturbed)
        runs = {line: (await ready(lake, f"v {line}")).id for line in ("25", "100", "200", "end")}
    assert len(wanted) == ASSETS
    for line, launched in runs.items():
        kill_after(path, launched, line)
        async with stocked(path) as lake:
            await until(lambda opened=lake: rows(opened, "job", "state = 'RUNNING'") == 0)
            assert await told(Run(lake, launched)) == wanted


class Stopping(campaign_sync.SyncWork):
    """A launch that somebody cancels after its second range."""

    async def write(self, tx: Transaction, cursor: object, size: int) -> Progress | None:
        done = await super().write(tx, cursor, size)
        if done is not None and done.cursor >= 50:
            await tx.execute("jobs.ask_to_stop", no=self._task.no, now=0)
        return done


async def test_a_cancelled_launch_leaves_whole_tasks_and_can_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("FIRST_SIZE", "MIN_SIZE", "MAX_SIZE"):
        monkeypatch.setattr(job_runner, name, 25)
    async with stocked(tmp_path / "lake") as lake:
        await colleague(lake)
        undisturbed = await ready(lake, "undisturbed")
        await undisturbed.launch()
        wanted = await told(undisturbed)
        run = await ready(lake, "v")
        kinds = lake.platform.jobs._kinds
        monkeypatch.setitem(kinds, campaign_sync.KIND, Stopping)
        answer = await run.launch()
        ended = await lake.call(jobs.GET_JOB_RUN, job_id=answer.job.id)
        assert (ended.status, ended.done) == (JobRunStatus.KILLED, 50)
        assert await told(run) == wanted[:50]
        monkeypatch.setitem(kinds, campaign_sync.KIND, campaign_sync.SyncWork)
        answer = await run.launch()
        assert (answer.job.status, answer.job.done) == (JobRunStatus.SUCCEEDED, ASSETS - 50)
        assert await told(run) == wanted


class Closing(campaign_sync.SyncWork):
    """A launch whose campaign is closed after the first range."""

    async def write(self, tx: Transaction, cursor: object, size: int) -> Progress | None:
        done = await super().write(tx, cursor, size)
        await tx.execute("campaigns.close", no=self._campaign)
        return done


async def test_a_launch_ends_with_its_campaign(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("FIRST_SIZE", "MIN_SIZE", "MAX_SIZE"):
        monkeypatch.setattr(job_runner, name, 25)
    async with stocked(tmp_path / "lake") as lake:
        await colleague(lake)
        run = await ready(lake, "v")
        monkeypatch.setitem(lake.platform.jobs._kinds, campaign_sync.KIND, Closing)
        answer = await run.launch()
        ended = await lake.call(jobs.GET_JOB_RUN, job_id=answer.job.id)
        assert ended.status is JobRunStatus.FAILED
        assert isinstance(ended.error, str)
        assert "closed" in ended.error
        assert len(await run.tasks()) == 25
        with pytest.raises(ConflictError, match="closed"):
            await run.launch()
