"""Create the tasks of assets: a job creates those of existing assets in ranges, new assets get theirs when added."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Struct

from headrace.errors import ConflictError, NotFoundError
from headrace.model.enums import AssignmentStatus, JobStatus
from headrace.model.ids import MAX_SEQ, Kind
from headrace.model.records import SyncAnswer, SyncRecord
from headrace.platform.campaigns.distribution import TaskDistributor
from headrace.platform.campaigns.scopes import (
    ENDED,
    Campaign,
    Step,
    campaign_of,
    campaign_scope,
    check_open,
    step_key,
    steps_of,
)
from headrace.platform.context import Context
from headrace.platform.core.access import Access
from headrace.platform.core.counters import asset_count
from headrace.platform.core.listing import json_text
from headrace.platform.core.locking import locks_of_campaign, version_locks
from headrace.platform.dispatch import handles, then
from headrace.platform.jobs.records import JOB_RUN, Job, record_job, start_job_run
from headrace.platform.jobs.work import JobTask, Progress
from headrace.protocol.operations.assignments import SYNC_ASSETS, SYNC_AVAILABLE, SyncAssets
from headrace.protocol.operations.campaigns import CampaignId
from headrace.storage.database.base import Row, Statements, Transaction
from headrace.storage.database.locks import Lock
from headrace.threads import in_thread

KIND = "CAMPAIGN_SYNC"

TaskRow = tuple[int, int, int, int, str, int | None]


class SyncSpec(Struct, frozen=True):
    """The step in which annotated assets begin; None for the campaign's default."""

    annotated: int | None


@handles(SYNC_AVAILABLE)
async def sync_available(context: Context, access: Access, request: CampaignId) -> SyncRecord:
    """Count the assets without a task, and say what prevents a sync."""
    campaign = await campaign_scope(context.database, access, request.campaign_id)
    steps = await steps_of(context.database, campaign.no)
    count = await _unsynced(context.database, campaign)
    job = await _running_job(context.database, access, campaign)
    reason = _reason(campaign, steps, count, job)
    return SyncRecord(is_sync_available=reason is None, unsynced_item_count=count, reason=reason)


@handles(SYNC_ASSETS)
async def sync_assets(context: Context, access: Access, request: SyncAssets) -> SyncAnswer:
    """Record a job that creates a task for every asset without one; returns the running job if there is one."""
    locks = await version_locks(context, request.campaign_id, Kind.CAMPAIGN)
    async with context.database.transaction(*locks) as tx:
        campaign = await campaign_scope(tx, access, request.campaign_id, change=True)
        steps = await steps_of(tx, campaign.no)
        wanted = request.existing_annotations_step_id
        spec = SyncSpec(annotated=None if wanted is None else step_key(campaign, steps, wanted))
        job = await _running_job(tx, access, campaign)
        if job is None:
            count = await _unsynced(tx, campaign)
            reason = _reason(campaign, steps, count, None)
            if reason is not None:
                raise ConflictError(f"no asset can be added to the campaign: {reason}")
            job = await record_job(
                context,
                tx,
                access.organization,
                kind=KIND,
                subject=campaign.no,
                state=JobStatus.RUNNING,
                spec=msgspec.json.encode(spec).decode(),
                total=count,
                wire=JOB_RUN,
            )
    return SyncAnswer(campaign=campaign.record, job=job.run_record)


@then(SYNC_ASSETS)
async def run_sync(context: Context, access: Access, answer: SyncAnswer) -> SyncAnswer:
    """Start the job unless it runs or has ended; the answer shows it, and the campaign, as they are now."""
    job = await start_job_run(context, access, answer.job)
    campaign = await campaign_scope(context.database, access, answer.campaign.id)
    return SyncAnswer(campaign=campaign.record, job=job)


async def add_new_assets(
    tx: Transaction, organization: int, campaign_no: int | None, assets: Sequence[int]
) -> None:
    """Create tasks for assets that were just added, if the version's campaign is open and adds new assets."""
    if campaign_no is None or not assets:
        return
    campaign = await campaign_of(tx, organization, campaign_no)
    if campaign is None or campaign.closed or not campaign.auto_add:
        return
    steps = await steps_of(tx, campaign.no)
    if steps:
        rows = await tx.fetch(
            "assignments.annotated",
            bucket=campaign.version.bucket,
            version=campaign.version.no,
            assets=json_text(list(assets)),
        )
        await _add(tx, campaign, steps, rows, campaign.annotated)


class SyncWork:
    """Creates the tasks of the assets of the next range. The cursor is the last asset's sequence number."""

    def __init__(self, context: Context, task: JobTask) -> None:
        assert task.subject is not None
        self._context = context
        self._task = task
        self._campaign = task.subject
        self._spec = msgspec.json.decode(task.spec, type=SyncSpec)

    async def locks(self, cursor: Any) -> tuple[Lock, ...]:
        """The version of the campaign."""
        return await locks_of_campaign(self._context, self._campaign)

    async def prepare(self, cursor: Any, size: int) -> None:
        """Do nothing: a range must read the assets in its own transaction."""

    async def write(self, tx: Transaction, cursor: Any, size: int) -> Progress | None:
        """Create tasks for the next assets without one."""
        campaign = await campaign_of(tx, self._task.organization, self._campaign)
        if campaign is None:
            raise NotFoundError("the campaign was deleted during the sync")
        check_open(campaign)
        after = int(cursor or 0)
        params: dict[str, Any] = {
            "bucket": campaign.version.bucket,
            "version": campaign.version.no,
            "after": after,
        }
        row = await tx.fetch_one("fork.end_of_range", horizon=MAX_SEQ + 1, limit=size, **params)
        if row is None or row[0] is None:
            return None
        rows = await tx.fetch("assignments.unsynced", campaign=campaign.no, until=row[0], **params)
        steps = await steps_of(tx, campaign.no)
        if rows and not steps:
            raise ConflictError("the last step of the campaign was deleted during the sync")
        annotated = campaign.annotated if self._spec.annotated is None else self._spec.annotated
        await _add(tx, campaign, steps, rows, annotated)
        return Progress(row[0], len(rows))

    async def finish(self, tx: Transaction) -> None:
        """Close the campaign if all its tasks are done already."""
        campaign = await campaign_of(tx, self._task.organization, self._campaign)
        if campaign is not None:
            await tx.execute(
                "campaigns.close_completed", no=campaign.no, bucket=campaign.version.bucket
            )

    async def abandon(self, tx: Transaction) -> None:
        """Keep the tasks that exist; the next sync creates the others."""

    async def after_end(self) -> None:
        """Do nothing."""


async def _add(
    tx: Transaction,
    campaign: Campaign,
    steps: list[Step],
    rows: Sequence[Row],
    annotated: int | None,
) -> None:
    """Create tasks. ``rows`` are assets and whether each is annotated; a deleted step counts as not given."""
    if not rows:
        return
    distributor = TaskDistributor(steps)
    tasks = await in_thread(_tasks, campaign, steps, rows, annotated, distributor)
    await tx.insert_many("assignments.add", tasks)
    await distributor.write(tx, campaign.no)


def _tasks(
    campaign: Campaign,
    steps: list[Step],
    rows: Sequence[Row],
    annotated: int | None,
    distributor: TaskDistributor,
) -> list[TaskRow]:
    keys = {step.key for step in steps}
    entry = campaign.entry if campaign.entry in keys else steps[0].key
    key = (campaign.version.bucket, campaign.no)
    tasks: list[TaskRow] = []
    for asset, has_annotation in rows:
        if has_annotation and annotated == ENDED:
            tasks.append((*key, asset, steps[-1].key, str(AssignmentStatus.DONE), None))
            continue
        step = annotated if has_annotation and annotated in keys else entry
        assert step is not None
        tasks.append((*key, asset, step, str(AssignmentStatus.TO_DO), distributor.next(step)))
    return tasks


async def _unsynced(statements: Statements, campaign: Campaign) -> int:
    row = await statements.fetch_one("assignments.count", **campaign.params)
    assert row is not None
    assets = await asset_count(statements, campaign.version.bucket, campaign.version.no)
    return max(0, assets - int(row[0]))


async def _running_job(statements: Statements, access: Access, campaign: Campaign) -> Job | None:
    row = await statements.fetch_one(
        "jobs.under_way", kind=KIND, subject=campaign.no, organization=access.organization
    )
    return None if row is None else Job(*row)


def _reason(campaign: Campaign, steps: list[Step], count: int, job: Job | None) -> str | None:
    if campaign.closed:
        return "the campaign is closed"
    if job is not None:
        return "a sync is running"
    if not steps:
        return "the campaign has no step"
    if count == 0:
        return "every asset is in the campaign already"
    return None
