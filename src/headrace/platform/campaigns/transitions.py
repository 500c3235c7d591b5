"""How tasks move: whoever writes to an asset takes its task, and what is said of the work moves it on, back, or ends it.

An asset of a campaign is written to by the one who has its task, and by nobody else: :func:`claim` stands in front of
every write to its annotations.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

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
    """The task of an asset, in the hands of the caller."""

    campaign: Campaign
    asset: int
    step: int
    status: AssignmentStatus


async def claim(
    tx: Transaction, access: Access, scope: VersionScope, asset: int
) -> ClaimedTask | None:
    """Take the task of an asset that is about to be written to; None where the asset is in no campaign.

    Raises a 409 where the campaign is closed, the task is done, or somebody else has it.
    """
    if scope.campaign is None:
        return None
    place: dict[str, Any] = {"bucket": scope.bucket, "campaign": scope.campaign}
    row = await tx.fetch_one("assignments.task", **place, asset=asset)
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
    """The same for a change of shapes: a task that was skipped is to do again."""
    task = await claim(tx, access, scope, asset)
    if task is not None and task.status is AssignmentStatus.SKIPPED:
        await _put(tx, task, task.step, AssignmentStatus.TO_DO, access.account)


async def assets_with_task(
    statements: Statements, scope: VersionScope, assets: Sequence[int]
) -> set[int]:
    """Those of some assets that have a task: what is imported passes them over."""
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
    """A 409 where one of the assets, or of all assets for None, is in a campaign."""
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
    tx: Transaction, access: Access, task: ClaimedTask, said: AnnotationStatus
) -> None:
    """What the caller says of the work moves the task.

    ACCEPTED: to the next step that takes the asset, or done. REFUSED, in a review: to the step before, to be done
    again by the one who did it. SKIPPED: it ends where it is. PENDING: a skipped one is to do again.
    """
    if said is AnnotationStatus.PENDING:
        if task.status is AssignmentStatus.SKIPPED:
            await _put(tx, task, task.step, AssignmentStatus.TO_DO, access.account)
        return
    steps = await steps_of(tx, task.campaign.no)
    (here,) = [step for step in steps if step.key == task.step]
    if said is AnnotationStatus.REFUSED:
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
    if said is AnnotationStatus.SKIPPED:
        await _put(tx, task, here.key, AssignmentStatus.SKIPPED, access.account)
    elif following:
        dealers = TaskDistributor(steps)
        account = dealers.next(following[0].key)
        await _put(tx, task, following[0].key, AssignmentStatus.TO_DO, account)
        await dealers.write(tx, task.campaign.no)
    else:
        await _put(tx, task, here.key, AssignmentStatus.DONE, access.account)
    await tx.execute(
        "campaigns.close_completed", no=task.campaign.no, bucket=task.campaign.version.bucket
    )


async def annotation_status(
    tx: Transaction, task: ClaimedTask, said: AnnotationStatus
) -> AnnotationStatus | None:
    """The status that the newest annotation gets when a task is submitted; None where it stays as it is.

    Reviews accept and refuse; whoever annotates only hands on, and takes back what a review has refused.
    """
    steps = await steps_of(tx, task.campaign.no)
    (here,) = [step for step in steps if step.key == task.step]
    if said is AnnotationStatus.ACCEPTED and here.type is CampaignStepType.ANNOTATION:
        return AnnotationStatus.PENDING if task.status is AssignmentStatus.TO_REWORK else None
    return said


async def _send_back(
    tx: Transaction, access: Access, task: ClaimedTask, here: Step, steps: list[Step]
) -> None:
    if here.type is not CampaignStepType.REVIEW:
        raise BadRequestError(
            f"step {here.name!r} is no review: there is nothing to refuse",
            hint="ACCEPTED hands the work on, SKIPPED ends it",
        )
    place = {**task.campaign.params, "asset": task.asset}
    target: Step = here
    account: int | None = access.account
    for step in reversed(steps[: here.position]):
        row = await tx.fetch_one("assignments.trail", **place, step=step.key)
        # Where the asset entered the campaign later, nobody worked there: it is annotated, not reviewed first.
        if row is None and step.type is CampaignStepType.REVIEW:
            continue
        target = step
        account = None if row is None else row[0]
        break
    if target is not here and account is None:
        dealers = TaskDistributor(steps)
        account = dealers.next(target.key)
        await dealers.write(tx, task.campaign.no)
    await tx.execute("assignments.note_refusal", **place, step=target.key, account=account)
    await _put(tx, task, target.key, AssignmentStatus.TO_REWORK, account)


async def _put(
    tx: Transaction, task: ClaimedTask, step: int, status: AssignmentStatus, account: int | None
) -> None:
    place = (task.campaign.version.bucket, task.campaign.no, task.asset)
    await tx.insert_many("assignments.move", [(step, str(status), account, *place)])
