"""Campaigns in tests: on a stocked version, launched, and killed while they are. ``launching.py LAKE CAMPAIGN`` launches
one in many small ranges from a process of its own, and says when it is about to commit each."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any
from uuid import UUID

from headrace.model.enums import CampaignStepType
from headrace.model.records import AssigneeRecord, AssignmentRecord
from headrace.platform.campaigns import sync as campaign_sync
from headrace.platform.jobs import runner as job_runner
from headrace.platform.jobs.work import Progress
from headrace.protocol.operations import assignments, campaigns, jobs, users
from headrace.storage.database.base import Transaction
from tests.support.lakes.stocked_lake import Stocked, stocked


class Run:
    """A campaign and short ways to call it."""

    def __init__(self, lake: Stocked, id: UUID) -> None:
        self.lake = lake
        self.id = id

    async def step(
        self, name: str, kind: str = "ANNOTATION", *shares: tuple[UUID, float], **more: Any
    ) -> UUID:
        """A new step with assignees and their weights; its id."""
        made = await self.lake.call(
            campaigns.ADD_STEP,
            campaign_id=self.id,
            name=name,
            type=CampaignStepType(kind),
            assignees=[AssigneeRecord(user_id=user, weight=weight) for user, weight in shares],
            **more,
        )
        return made.id

    async def launch(self, **more: Any) -> Any:
        """Take assets in; what the call answers."""
        return await self.lake.call(assignments.SYNC_ASSETS, campaign_id=self.id, **more)

    async def tasks(self, **filters: Any) -> list[AssignmentRecord]:
        """The tasks, oldest asset first."""
        found: list[AssignmentRecord] = []
        cursor = None
        while True:
            page = await self.lake.call(
                assignments.LIST_ASSIGNMENTS, campaign_id=self.id, cursor=cursor, **filters
            )
            found += page.items
            cursor = page.next_cursor
            if cursor is None:
                assert len(found) == page.count
                return found[::-1]

    async def record(self) -> Any:
        """The campaign as it is now."""
        return await self.lake.call(campaigns.GET_CAMPAIGN, campaign_id=self.id)


async def campaign(lake: Stocked, version: UUID, **more: Any) -> Run:
    """A new campaign of a version."""
    made = await lake.call(campaigns.CREATE_CAMPAIGN, version_id=version, **more)
    return Run(lake, made.id)


async def submit(lake: Stocked, task: AssignmentRecord, **more: Any) -> AssignmentRecord:
    """Submit a task as the caller of ``lake``."""
    return await lake.call(assignments.SUBMIT_ASSIGNMENT, assignment_id=task.id, **more)


async def user_ids(lake: Stocked) -> dict[str, UUID]:
    """The ids of the users by name."""
    answer = await lake.call(
        users.LIST_ORGANIZATION_USERS, organization_id=lake.access.organization_id
    )
    return {user.username: user.id for user in answer.users}


class ToldWork(campaign_sync.SyncWork):
    """A launch that says when it is about to commit a range."""

    async def write(self, tx: Transaction, cursor: object, size: int) -> Progress | None:
        done = await super().write(tx, cursor, size)
        print("end" if done is None else done.cursor, flush=True)
        return done


async def main(path: str, id: str) -> None:
    async with stocked(Path(path)) as lake:
        begun = await Run(lake, UUID(id)).launch()
        while (await lake.call(jobs.GET_JOB_RUN, job_id=begun.job.id)).status == "RUNNING":
            pass
        print("finished", flush=True)


if __name__ == "__main__":
    from headrace.platform.platform import JOB_KINDS

    JOB_KINDS[campaign_sync.KIND] = ToldWork
    job_runner.FIRST_SIZE = job_runner.MIN_SIZE = job_runner.MAX_SIZE = 25
    asyncio.run(main(*sys.argv[1:]))
