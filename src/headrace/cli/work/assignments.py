"""``headrace campaign``: the assignments of a campaign: create, list, give to users, submit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter
from cyclopts.validators import Number

from headrace.cli.console.find import find_step, find_user
from headrace.cli.console.options import (
    DEFAULT_ACCOUNT,
    DEFAULT_OUTPUT,
    Account,
    Flag,
    Output,
    Query,
    Status,
)
from headrace.cli.console.result import Result
from headrace.cli.console.target import connected, find_version
from headrace.cli.console.wording import plural
from headrace.errors import NotFoundError

if TYPE_CHECKING:
    from headrace.sdk.campaign.campaign import AnnotationCampaign
    from headrace.sdk.client.client import Client

UNASSIGNED = "unassigned"
OPEN = ("TO_DO", "TO_REWORK")
"""Statuses of assignments that are still to be worked on; only these change hands."""


async def sync(
    target: str,
    version: str,
    /,
    *,
    annotated_to: str | None = None,
    dry_run: Flag = False,
    output: Output = DEFAULT_OUTPUT,
    account: Account = DEFAULT_ACCOUNT,
) -> Result:
    """Create an assignment for every asset that has none, and wait until that is done.

    Args:
        target: A lake's folder, a server's URL or postgresql://….
        version: The version, as dataset/version.
        annotated_to: Name of the first step of annotated assets, or DONE to skip them. Default: the first step.
        dry_run: Print how many assets have no assignment, and do nothing.
    """
    async with connected(target, account) as client:
        found = await find_version(client, version)
        campaign = await found.get_campaign()
        entry = annotated_to
        if entry is not None and entry != "DONE":
            entry = str((await find_step(campaign, entry)).id)
        before = await campaign.list_assignments().count()
        missing = await found.list_assets().count() - before
        if not dry_run:
            job = await campaign.sync_assets(entry)
            await job.wait_for_done(attempts=600)
        count = before if dry_run else await campaign.list_assignments().count()
    would_be = f"{plural(missing, 'assignment')} would be created, " if dry_run else ""
    return Result(
        command="campaign.sync",
        data={"version": version, "missing": missing, "assignments": count, "dry_run": dry_run},
        lines=[f"{version}: {would_be}{plural(count, 'assignment')} in the campaign"],
        next=f"headrace campaign show {target} {version}",
    )


async def assignments(
    target: str,
    version: str,
    /,
    *,
    q: Query = None,
    step: str | None = None,
    user: str | None = None,
    limit: Annotated[int, Parameter(validator=Number(gte=0))] = 20,
    output: Output = DEFAULT_OUTPUT,
    account: Account = DEFAULT_ACCOUNT,
) -> Result:
    """List the assignments of a campaign: file, step, status and user.

    Args:
        target: A lake's folder, a server's URL or postgresql://….
        version: The version, as dataset/version.
        q: Only assignments of assets that fulfil this condition.
        step: Only assignments in this step.
        user: Only assignments of this user, or unassigned.
        limit: Maximum number of assignments to list; 0 only counts.
    """
    async with connected(target, account) as client:
        campaign = await (await find_version(client, version)).get_campaign()
        names = {each.id: each.name for each in await campaign.list_steps()}
        users = {each.id: each.username for each in await client.list_users()}
        chosen = await _chosen(client, campaign, q, step, user)
        count = await campaign.list_assignments(**chosen).count()
        rows: list[dict[str, Any]] = []
        if limit:
            rows = [
                {
                    "file": each.filename,
                    "step": names.get(each.step_id),
                    "status": each.status.value.lower(),
                    "user": users.get(each.user_id) if each.user_id else None,
                    "id": str(each.id),
                }
                async for each in campaign.list_assignments(**chosen, limit=limit)
            ]
    lines = [
        f"{row['file']}  {row['step']}  {row['status']}  {row['user'] or UNASSIGNED}"
        for row in rows
    ]
    return Result(
        command="campaign.assignments",
        data={"version": version, "count": count, "assignments": rows},
        lines=[f"{version}: {plural(count, 'assignment')}", *lines],
    )


async def assign(
    target: str,
    version: str,
    user: str,
    /,
    *,
    q: Query = None,
    step: str | None = None,
    of: str | None = None,
    dry_run: Flag = False,
    output: Output = DEFAULT_OUTPUT,
    account: Account = DEFAULT_ACCOUNT,
) -> Result:
    """Give open assignments of a campaign to a user.

    Args:
        target: A lake's folder, a server's URL or postgresql://….
        version: The version, as dataset/version.
        user: Name of the user, or unassigned.
        q: Only assignments of assets that fulfil this condition.
        step: Only assignments in this step.
        of: Only assignments of this user, or unassigned.
        dry_run: Print how many are chosen, and do nothing.
    """
    async with connected(target, account) as client:
        campaign = await (await find_version(client, version)).get_campaign()
        wanted = None if user == UNASSIGNED else await find_user(client, user)
        chosen = await _chosen(client, campaign, q, step, of)
        found = [
            each async for each in campaign.list_assignments(**chosen) if each.status.value in OPEN
        ]
        changed = 0
        if found and not dry_run:
            changed = len(await campaign.reassign(found, wanted))
    count = len(found) if dry_run else changed
    would_be = "would be " if dry_run else ""
    return Result(
        command="campaign.assign",
        data={"version": version, "user": user, "count": count, "dry_run": dry_run},
        lines=[f"{version}: {plural(count, 'assignment')} {would_be}given to {user}"],
    )


async def submit(
    target: str,
    version: str,
    file: str,
    /,
    *,
    status: Status = "accepted",
    dry_run: Flag = False,
    output: Output = DEFAULT_OUTPUT,
    account: Account = DEFAULT_ACCOUNT,
) -> Result:
    """Submit the work on an assignment: it goes on to the next step, or back.

    Args:
        target: A lake's folder, a server's URL or postgresql://….
        version: The version, as dataset/version.
        file: File name of the asset.
        status: What becomes of the newest annotation: accepted, refused, skipped or pending.
        dry_run: Print the status of the assignment, and do nothing.
    """
    async with connected(target, account) as client:
        campaign = await (await find_version(client, version)).get_campaign()
        query = f"data.filename = {_quoted(file)}"
        found = await campaign.list_assignments(query=query).first()
        if found is None:
            raise NotFoundError(f"no assignment of {file!r}", hint="headrace campaign assignments")
        state = found.status if dry_run else await found.submit(status)
    shown = state.value.lower()
    return Result(
        command="campaign.submit",
        data={"version": version, "file": file, "status": shown, "dry_run": dry_run},
        lines=[f"{file}: {shown}"],
    )


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


async def _chosen(
    client: Client,
    campaign: AnnotationCampaign,
    query: str | None,
    step: str | None,
    user: str | None,
) -> dict[str, Any]:
    """Return the arguments that choose assignments."""
    return {
        "query": query,
        "step_id": None if step is None else await find_step(campaign, step),
        "user": user if user in (None, UNASSIGNED) else await find_user(client, user),
    }
