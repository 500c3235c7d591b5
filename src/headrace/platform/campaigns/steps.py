"""The steps of a campaign's workflow and their assignees."""

from __future__ import annotations

import math
from uuid import UUID

from headrace.errors import BadRequestError
from headrace.model.enums import AssignmentStatus, CampaignStepType
from headrace.model.ids import Kind
from headrace.model.names import safe_name
from headrace.model.records import AssigneeRecord, CampaignStepRecord, Items
from headrace.platform.accounts.users import account_of
from headrace.platform.campaigns.distribution import StepDistributor
from headrace.platform.campaigns.scopes import (
    Campaign,
    Step,
    campaign_scope,
    step_key,
    step_scope,
    steps_of,
)
from headrace.platform.context import Context
from headrace.platform.core.access import Access
from headrace.platform.core.asset_rows import RANGE
from headrace.platform.core.locking import version_locks
from headrace.platform.dispatch import handles
from headrace.protocol.operations.campaigns import (
    ADD_STEP,
    DELETE_STEP,
    GET_STEP,
    LIST_STEPS,
    REDISTRIBUTE,
    UPDATE_STEP,
    AddStep,
    CampaignId,
    DeleteStep,
    StepId,
    UpdateStep,
)
from headrace.storage.database.base import Transaction

MAX_STEPS = 64
OPEN = (AssignmentStatus.TO_DO, AssignmentStatus.TO_REWORK)
"""The statuses of tasks that are still to do."""

_TYPES = (CampaignStepType.ANNOTATION, CampaignStepType.REVIEW)


@handles(ADD_STEP)
async def add_step(context: Context, access: Access, request: AddStep) -> CampaignStepRecord:
    """Add a step at the end of the workflow, or at position ``order``; tasks stay in their steps."""
    name = safe_name(request.name, "name of a step")
    if request.type not in _TYPES:
        raise BadRequestError(
            f"an annotation campaign has no steps of type {request.type}",
            hint="use ANNOTATION or REVIEW",
        )
    _check_rate(request.sample_rate)
    locks = await version_locks(context, request.campaign_id, Kind.CAMPAIGN)
    async with context.database.transaction(*locks) as tx:
        campaign = await campaign_scope(tx, access, request.campaign_id, change=True)
        steps = await steps_of(tx, campaign.no)
        if len(steps) >= MAX_STEPS:
            raise BadRequestError(
                f"the campaign has {len(steps)} steps", hint="a campaign can have no more"
            )
        position = len(steps) if request.order is None else request.order
        if not 0 <= position <= len(steps):
            raise BadRequestError(f"order is {position}", hint=f"give 0 to {len(steps)}")
        row = await tx.fetch_one("campaigns.take_step", campaign=campaign.no)
        assert row is not None
        key = int(row[0])
        await tx.execute("campaigns.make_room", campaign=campaign.no, position=position)
        await tx.execute(
            "campaigns.add_step",
            campaign=campaign.no,
            key=key,
            position=position,
            name=name,
            type=str(request.type),
            description=request.description,
            sample_rate=request.sample_rate,
        )
        await _add_assignees(tx, access, campaign, key, request.assignees or [])
        return await _record(tx, access, campaign, key)


@handles(LIST_STEPS)
async def list_steps(
    context: Context, access: Access, request: CampaignId
) -> Items[CampaignStepRecord]:
    """List the steps in the order of the workflow."""
    campaign = await campaign_scope(context.database, access, request.campaign_id)
    steps = await steps_of(context.database, campaign.no)
    return Items(items=[campaign.step_record(step) for step in steps])


@handles(GET_STEP)
async def get_step(context: Context, access: Access, request: StepId) -> CampaignStepRecord:
    """Get a step by id."""
    campaign, step, _ = await step_scope(context.database, access, request.step_id)
    return campaign.step_record(step)


@handles(UPDATE_STEP)
async def update_step(context: Context, access: Access, request: UpdateStep) -> CampaignStepRecord:
    """Change the fields that are given; new assignees share the tasks that come from now on."""
    name = None if request.name is None else safe_name(request.name, "name of a step")
    _check_rate(request.sample_rate)
    locks = await version_locks(context, request.step_id, Kind.STEP)
    async with context.database.transaction(*locks) as tx:
        campaign, step, _ = await step_scope(tx, access, request.step_id, change=True)
        await tx.execute(
            "campaigns.update_step",
            campaign=campaign.no,
            key=step.key,
            name=name,
            sample_rate=request.sample_rate,
        )
        if request.assignees is not None:
            await tx.execute(
                "campaigns.drop_assignees_of_step", campaign=campaign.no, step=step.key
            )
            await _add_assignees(tx, access, campaign, step.key, request.assignees)
        return await _record(tx, access, campaign, step.key)


@handles(DELETE_STEP)
async def delete_step(context: Context, access: Access, request: DeleteStep) -> None:
    """Delete a step. Its tasks move to another step, where the open ones are distributed to its assignees.

    The tasks move in short transactions; the last one deletes the step.
    """
    while True:
        locks = await version_locks(context, request.step_id, Kind.STEP)
        async with context.database.transaction(*locks) as tx:
            campaign, step, steps = await step_scope(tx, access, request.step_id, change=True)
            wanted = step_key(campaign, steps, request.destination_step_id_for_pending_assignments)
            if wanted == step.key:
                raise BadRequestError(
                    "the tasks of a step cannot move to the same step", hint="name another step"
                )
            (target,) = [one for one in steps if one.key == wanted]
            moved = await _distribute(tx, campaign, step.key, target, after=0)
            if moved is None:
                await tx.execute(
                    "campaigns.drop_assignees_of_step", campaign=campaign.no, step=step.key
                )
                await tx.execute("campaigns.drop_step", campaign=campaign.no, key=step.key)
                await tx.execute("campaigns.close_up", campaign=campaign.no, position=step.position)
                await tx.execute("campaigns.forget_step", campaign=campaign.no, key=step.key)
                return


@handles(REDISTRIBUTE)
async def redistribute_assignments(context: Context, access: Access, request: StepId) -> None:
    """Distribute the open tasks of a step to its assignees from scratch, in short transactions."""
    after: int | None = 0
    first = True
    while after is not None:
        locks = await version_locks(context, request.step_id, Kind.STEP)
        async with context.database.transaction(*locks) as tx:
            campaign, step, _ = await step_scope(tx, access, request.step_id, change=True)
            if first:
                accounts = [assignee.account for assignee in step.assignees]
                await tx.insert_many(
                    "campaigns.count_dealt",
                    [(0, campaign.no, step.key, account) for account in accounts],
                )
                campaign, step, _ = await step_scope(tx, access, request.step_id)
            after = await _distribute(tx, campaign, step.key, step, after)
        first = False


async def _distribute(
    tx: Transaction, campaign: Campaign, source: int, target: Step, after: int
) -> int | None:
    """Move the next tasks of a step to ``target``; returns the last asset read, None if no task was left."""
    rows = await tx.fetch(
        "assignments.in_step", **campaign.params, step=source, after=after, limit=RANGE
    )
    distributor = StepDistributor(target)
    await tx.insert_many(
        "assignments.deal",
        [
            (target.key, distributor.next(), campaign.version.bucket, campaign.no, asset)
            for asset, status in rows
            if status in OPEN
        ],
    )
    if source != target.key:
        key = (campaign.version.bucket, campaign.no)
        await tx.insert_many(
            "assignments.put",
            [(target.key, *key, asset) for asset, status in rows if status not in OPEN],
        )
        await tx.insert_many(
            "assignments.put_trail",
            [(target.key, *key, asset, source) for asset, _ in rows],
        )
    await distributor.write(tx, campaign.no)
    return rows[-1][0] if rows else None


async def _record(
    tx: Transaction, access: Access, campaign: Campaign, key: int
) -> CampaignStepRecord:
    step_id: UUID = campaign.ids(Kind.STEP).id(key)
    _, step, _ = await step_scope(tx, access, step_id)
    return campaign.step_record(step)


async def _add_assignees(
    tx: Transaction, access: Access, campaign: Campaign, step: int, assignees: list[AssigneeRecord]
) -> None:
    accounts: dict[int, float] = {}
    for assignee in assignees:
        if not (math.isfinite(assignee.weight) and assignee.weight > 0):
            raise BadRequestError(f"a weight is {assignee.weight}", hint="give a number above 0")
        account = await account_of(tx, access, assignee.user_id)
        if account in accounts:
            raise BadRequestError(f"user {assignee.user_id} is named twice for one step")
        accounts[account] = assignee.weight
    await tx.insert_many(
        "campaigns.add_assignee",
        [(campaign.no, step, account, weight) for account, weight in accounts.items()],
    )


def _check_rate(rate: float | None) -> None:
    if rate is not None and not 0 <= rate <= 1:
        raise BadRequestError(f"sample_rate is {rate}", hint="give a share from 0 to 1")
