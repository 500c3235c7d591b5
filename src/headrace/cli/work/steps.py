"""``headrace campaign add-step`` and ``remove-step``: the workflow of a campaign."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from headrace.cli.console.errors import UsageError
from headrace.cli.console.find import find_step, find_user
from headrace.cli.console.options import (
    DEFAULT_ACCOUNT,
    DEFAULT_OUTPUT,
    Account,
    Flag,
    Output,
    Repeatable,
)
from headrace.cli.console.result import Result
from headrace.cli.console.target import connected, find_version
from headrace.cli.console.wording import plural

if TYPE_CHECKING:
    from headrace.sdk.client.client import Client
    from headrace.sdk.user import User

StepType = Literal["annotation", "review"]


async def add_step(
    target: str,
    version: str,
    step: str,
    /,
    *,
    type: StepType = "annotation",
    description: str | None = None,
    assign: Repeatable = None,
    order: int | None = None,
    sample_rate: float | None = None,
    dry_run: Flag = False,
    output: Output = DEFAULT_OUTPUT,
    account: Account = DEFAULT_ACCOUNT,
) -> Result:
    """Add a step to a campaign; a step that exists is changed instead: its share of assets and who works in it.

    Args:
        target: A lake's folder, a server's URL or postgresql://….
        version: The version, as dataset/version.
        step: Name of the step.
        type: Whether assets are annotated or reviewed in the step.
        description: A description.
        assign: A user who works in the step, as USER or USER:WEIGHT. Repeatable. Default: anyone.
        order: Position in the workflow, from 0. Default: the end.
        sample_rate: Share of all assignments that pass through the step, 0 to 1.
        dry_run: Print what would be added, and do nothing.
    """
    async with connected(target, account) as client:
        campaign = await (await find_version(client, version)).get_campaign()
        users = [await _weighted(client, word) for word in assign or []]
        steps = {each.name: each for each in await campaign.list_steps()}
        if step in steps and not dry_run:
            await steps[step].update(assignees=users or None, sample_rate=sample_rate)
            if users:
                await steps[step].redistribute_assignments()
        elif not dry_run:
            await campaign.add_step(step, type, description, users or None, order, sample_rate)
    done = "changed" if step in steps else "added"
    return Result(
        command="campaign.add-step",
        data={"version": version, "step": step, "added": step not in steps, "dry_run": dry_run},
        lines=[f"{version}: step {step} {'would be ' if dry_run else ''}{done}"],
        next=f"headrace campaign sync {target} {version}",
    )


async def remove_step(
    target: str,
    version: str,
    step: str,
    /,
    *,
    to: str,
    dry_run: Flag = False,
    output: Output = DEFAULT_OUTPUT,
    account: Account = DEFAULT_ACCOUNT,
) -> Result:
    """Remove a step, and move its assignments to another one.

    Args:
        target: A lake's folder, a server's URL or postgresql://….
        version: The version, as dataset/version.
        step: Name of the step.
        to: Name of the step that gets the pending assignments.
        dry_run: Print what would be moved, and do nothing.
    """
    async with connected(target, account) as client:
        campaign = await (await find_version(client, version)).get_campaign()
        found, other = await find_step(campaign, step), await find_step(campaign, to)
        count = await campaign.list_assignments(step_id=found).count()
        if not dry_run:
            await found.delete(other)
    would_be = "would be " if dry_run else ""
    return Result(
        command="campaign.remove-step",
        data={"version": version, "step": step, "moved": count, "to": to, "dry_run": dry_run},
        lines=[f"{version}: step {step} {would_be}removed, {plural(count, 'assignment')} to {to}"],
    )


async def _weighted(client: Client, word: str) -> tuple[User, float]:
    """Return the user and the weight of ``USER`` or ``USER:WEIGHT``."""
    name, colon, weight = word.rpartition(":")
    try:
        return await find_user(client, name if colon else word), float(weight) if colon else 1.0
    except ValueError:
        raise UsageError(f"{word!r} has no weight", hint="write USER or USER:WEIGHT") from None
