"""Transitions of tasks between steps and statuses.

Only the assignee of an asset's task may change the asset's annotations: every such change calls :func:`claim` first,
which also assigns a free task to the caller. A submitted status then moves the task to the next step, back, or to its
end.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from headrace.errors import BadRequestError, ConflictError
from headrace.model.enums import AnnotationStatus, AssignmentStatus, CampaignStepType
from headrace.model.ids import Kind
from headrace.platform.campaigns.distribution import TaskDistributor
from headrace.platform.campaigns.scopes import Campaign, Step, campaign_of, steps_of
from headrace.platform.core.access import Access
from headrace.platform.core.listing import json_text
from headrace.platform.core.scopes import VersionScope
from headrace.storage.database.base import Statements, Transaction


class ClaimedTask(Struct, frozen=True):
    """The task of an asset, assigned to the caller."""

    campaign: Campaign
    asset: int
    step: int
    status: AssignmentStatus


async def claim(
    tx: Transaction, access: Access, scope: VersionScope, asset: int
) -> ClaimedTask | None:
    """Claim the task of an asset for the caller; None if the asset is in no campaign.

    Raises:
        ConflictError: The campaign is closed, the task is done, or it is assigned to another user.
    """
    if scope.campaign is None:
        return None
    row = await tx.fetch_one(
        "assignments.task", bucket=scope.bucket, campaign=scope.campaign, asset=asset
    )
    if row is None:
        return None
    step, text, account, username = row
    status = AssignmentStatus(text)
    campaign = await campaign_of(tx, access.organization, scope.campaign)
    assert campaign is not None
    named = f"asset {scope.ids(Kind.ASSET).text(asset)}"
    if campaign.closed:
        raise ConflictError(
            f"{named} is in a campaign that is closed",
            hint="delete the campaign, or fork the version",
        )
    if status is AssignmentStatus.DONE:
        raise ConflictError(
            f"{named} is in a campaign, and its task is done",
            hint="delete the campaign, or fork the version",
        )
    if account not in (None, access.account):
        raise ConflictError(
            f"{named} is in a campaign, and its task is {username}'s", hint="reassign it first"
        )
    if account is None:
        await tx.insert_many(
            "assignments.move",
            [(step, str(status), access.account, scope.bucket, scope.campaign, asset)],
        )
    return ClaimedTask(campaign, asset, step, status)


async def claim_for_edit(tx: Transaction, access: Access, scope: VersionScope, asset: int) -> None:
    """Claim the task of an asset for a change of shapes; a skipped task returns to TO_DO."""
    task = await claim(tx, access, scope, asset)
    if task is not None and task.status is AssignmentStatus.SKIPPED:
        await _put(tx, task, task.step, AssignmentStatus.TO_DO, access.account)


async def assets_with_task(
    statements: Statements, scope: VersionScope, assets: Sequence[int]
) -> set[int]:
    """Return the assets that have a task; imports skip them."""
    if scope.campaign is None or not assets:
        return set()
    rows = await statements.fetch(
        "assignments.present",
        bucket=scope.bucket,
        campaign=scope.campaign,
        assets=json_text(assets),
    )
    return {asset for (asset,) in rows}


async def check_without_tasks(
    statements: Statements, scope: VersionScope, assets: Sequence[int] | None
) -> None:
    """Raise a 409 if one of the assets (None: any asset of the version) is in a campaign."""
    if scope.campaign is None:
        return
    if assets is None:
        row = await statements.fetch_one(
            "assignments.any", bucket=scope.bucket, campaign=scope.campaign
        )
        found = row is not None
    else:
        found = bool(await assets_with_task(statements, scope, assets))
    if found:
        raise ConflictError(
            f"assets of {scope.full_name} are in an annotation campaign",
            hint="delete the campaign first; nothing was deleted",
        )


async def move_task(
    tx: Transaction, access: Access, task: ClaimedTask, submitted: AnnotationStatus
) -> None:
    """Move a task by the submitted status.

    ACCEPTED: to the next step whose sample includes the asset, or to its end (DONE). REFUSED, in a review: back to the
    step before, to be reworked by the user who did it. SKIPPED: the task ends in this step. PENDING: a skipped task
    returns to TO_DO.
    """
    if submitted is AnnotationStatus.PENDING:
        if task.status is AssignmentStatus.SKIPPED:
            await _put(tx, task, task.step, AssignmentStatus.TO_DO, access.account)
        return
    steps = await steps_of(tx, task.campaign.no)
    (here,) = [step for step in steps if step.key == task.step]
    if submitted is AnnotationStatus.REFUSED:
        await _send_back(tx, access, task, here, steps)
        return
    await tx.execute(
        "assignments.note_work",
        **task.campaign.params,
        asset=task.asset,
        step=here.key,
        account=access.account,
    )
    following = [step for step in steps if step.position > here.position and step.takes(task.asset)]
    if submitted is AnnotationStatus.SKIPPED:
        await _put(tx, task, here.key, AssignmentStatus.SKIPPED, access.account)
    elif following:
        distributor = TaskDistributor(steps)
        account = distributor.next(following[0].key)
        await _put(tx, task, following[0].key, AssignmentStatus.TO_DO, account)
        await distributor.write(tx, task.campaign.no)
    else:
        await _put(tx, task, here.key, AssignmentStatus.DONE, access.account)
    await tx.execute(
        "campaigns.close_completed", no=task.campaign.no, bucket=task.campaign.version.bucket
    )


async def annotation_status(
    tx: Transaction, task: ClaimedTask, submitted: AnnotationStatus
) -> AnnotationStatus | None:
    """The new status of the newest annotation when a task is submitted; None to leave it unchanged.

    Reviews accept and refuse. Submitting an annotation step changes nothing, except that reworked annotations become
    PENDING again.
    """
    steps = await steps_of(tx, task.campaign.no)
    (here,) = [step for step in steps if step.key == task.step]
    if submitted is AnnotationStatus.ACCEPTED and here.type is CampaignStepType.ANNOTATION:
        return AnnotationStatus.PENDING if task.status is AssignmentStatus.TO_REWORK else None
    return submitted


async def _send_back(
    tx: Transaction, access: Access, task: ClaimedTask, here: Step, steps: list[Step]
) -> None:
    if here.type is not CampaignStepType.REVIEW:
        raise BadRequestError(
            f"step {here.name!r} is not a review: there is nothing to refuse",
            hint="ACCEPTED moves the task on, SKIPPED ends it",
        )
    params = {**task.campaign.params, "asset": task.asset}
    target: Step = here
    account: int | None = access.account
    for step in reversed(steps[: here.position]):
        row = await tx.fetch_one("assignments.trail", **params, step=step.key)
        # An asset may enter the workflow at a later step, without a trail here: skip the reviews it never passed.
        if row is None and step.type is CampaignStepType.REVIEW:
            continue
        target = step
        account = None if row is None else row[0]
        break
    if target is not here and account is None:
        distributor = TaskDistributor(steps)
        account = distributor.next(target.key)
        await distributor.write(tx, task.campaign.no)
    await tx.execute("assignments.note_refusal", **params, step=target.key, account=account)
    await _put(tx, task, target.key, AssignmentStatus.TO_REWORK, account)


async def _put(
    tx: Transaction, task: ClaimedTask, step: int, status: AssignmentStatus, account: int | None
) -> None:
    key = (task.campaign.version.bucket, task.campaign.no, task.asset)
    await tx.insert_many("assignments.move", [(step, str(status), account, *key)])
