"""``headrace campaign``: list, create, show, change, close and delete annotation campaigns."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headrace.cli.console.confirm import confirm
from headrace.cli.console.options import DEFAULT_ACCOUNT, DEFAULT_OUTPUT, Account, Flag, Output
from headrace.cli.console.result import Result
from headrace.cli.console.target import connected, find_version
from headrace.cli.console.wording import plural
from headrace.errors import UnsupportedError

if TYPE_CHECKING:
    from uuid import UUID

    from headrace.model.enums import AssignmentStatus
    from headrace.sdk.campaign.campaign import AnnotationCampaign


async def list_(
    target: str,
    /,
    *,
    open: Flag = False,
    closed: Flag = False,
    output: Output = DEFAULT_OUTPUT,
    account: Account = DEFAULT_ACCOUNT,
) -> Result:
    """List the annotation campaigns of all versions, newest first.

    Args:
        target: A lake's folder, a server's URL or postgresql://….
        open: Only open campaigns.
        closed: Only closed ones.
    """
    async with connected(target, account) as client:
        wanted = None if open == closed else closed
        rows = []
        for campaign in await client.list_annotation_campaigns(is_closed=wanted):
            version = await client.get_dataset_version_by_id(campaign.dataset_version_id)
            rows.append({"version": f"{version.name}/{version.version}", **_data(campaign)})
    return Result(
        command="campaign.list",
        data={"campaigns": rows},
        lines=[f"{row['version']}  {row['state']}" for row in rows] or ["no campaigns yet"],
    )


async def create(
    target: str,
    version: str,
    /,
    *,
    description: str | None = None,
    instructions: Path | None = None,
    end_date: date | None = None,
    auto_add: Flag = False,
    auto_close: Flag = False,
    dry_run: Flag = False,
    output: Output = DEFAULT_OUTPUT,
    account: Account = DEFAULT_ACCOUNT,
) -> Result:
    """Create the annotation campaign of a version; add steps to it, then sync it.

    Args:
        target: A lake's folder, a server's URL or postgresql://….
        version: The version, as dataset/version.
        description: A description.
        instructions: A file with instructions for the annotators; it is uploaded.
        end_date: The planned end, as YYYY-MM-DD.
        auto_add: Create an assignment for every asset that is added later.
        auto_close: Close the campaign when its last assignment is done.
        dry_run: Print what would be created, and do nothing.
    """
    async with connected(target, account) as client:
        found = await find_version(client, version)
        campaign = None
        if not dry_run:
            campaign = await found.create_campaign(
                description=description,
                instructions_file_path=instructions,
                end_date=end_date,
                auto_add_new_assets=auto_add,
                auto_close_on_completion=auto_close,
            )
    would_be = "would be " if dry_run else ""
    return Result(
        command="campaign.create",
        data={"version": version, "dry_run": dry_run, "id": str(campaign.id) if campaign else None},
        lines=[f"{version}: campaign {would_be}created"],
        next=f"headrace campaign add-step {target} {version} draw",
    )


async def show(
    target: str,
    version: str,
    /,
    *,
    instructions: Path | None = None,
    output: Output = DEFAULT_OUTPUT,
    account: Account = DEFAULT_ACCOUNT,
) -> Result:
    """Show the campaign of a version: its steps, and how many assignments each of them has.

    Args:
        target: A lake's folder, a server's URL or postgresql://….
        version: The version, as dataset/version.
        instructions: Download the file with instructions into this folder.
    """
    async with connected(target, account) as client:
        campaign = await (await find_version(client, version)).get_campaign()
        data: dict[str, Any] = _data(campaign)
        data["steps"] = [
            {"name": step.name, "type": step.type.value.lower(), "id": str(step.id)}
            for step in await campaign.list_steps()
        ]
        data["progress"] = await _progress(campaign)
        data["issues"] = [
            {**issue, "user_id": str(issue["user_id"])}
            for issue in await campaign.get_campaign_issue_counts()
        ]
        if instructions is not None:
            data["instructions"] = await campaign.download_instructions_file(instructions)
    lines = [f"{version}: {data['state']}, {plural(len(data['steps']), 'step')}"]
    for step in data["steps"]:
        counts = data["progress"].get(step["name"], {})
        shown = ", ".join(f"{number:,} {status}" for status, number in counts.items())
        lines.append(f"  {step['name']} ({step['type']})" + (f": {shown}" if shown else ""))
    return Result(command="campaign.show", data={"version": version, **data}, lines=lines)


async def edit(
    target: str,
    version: str,
    /,
    *,
    description: str | None = None,
    instructions: Path | None = None,
    end_date: date | None = None,
    auto_add: bool | None = None,
    auto_close: bool | None = None,
    dry_run: Flag = False,
    output: Output = DEFAULT_OUTPUT,
    account: Account = DEFAULT_ACCOUNT,
) -> Result:
    """Change the description, instructions or settings of a campaign.

    Args:
        target: A lake's folder, a server's URL or postgresql://….
        version: The version, as dataset/version.
        description: The description.
        instructions: A file with instructions for the annotators; it is uploaded.
        end_date: The planned end, as YYYY-MM-DD.
        auto_add: Create an assignment for every asset that is added later.
        auto_close: Close the campaign when its last assignment is done.
        dry_run: Print what would be changed, and do nothing.
    """
    async with connected(target, account) as client:
        campaign = await (await find_version(client, version)).get_campaign()
        if not dry_run:
            await campaign.update(
                description=description,
                end_date=end_date,
                auto_add_new_assets=auto_add,
                auto_close_on_completion=auto_close,
            )
            if instructions is not None:
                await campaign.upload_instructions_file(instructions)
    would_be = "would be " if dry_run else ""
    return Result(
        command="campaign.edit",
        data={"version": version, "dry_run": dry_run, "id": str(campaign.id)},
        lines=[f"{version}: campaign {would_be}changed"],
    )


async def close(
    target: str,
    version: str,
    /,
    *,
    yes: Flag = False,
    dry_run: Flag = False,
    output: Output = DEFAULT_OUTPUT,
    account: Account = DEFAULT_ACCOUNT,
) -> Result:
    """Close a campaign for good: its assignments, and the annotations of its assets, cannot be changed afterwards.

    On a terminal the name of the version must be typed; elsewhere --yes is needed.

    Args:
        target: A lake's folder, a server's URL or postgresql://….
        version: The version, as dataset/version.
        yes: Close without asking.
        dry_run: Print what would be closed, and do nothing.
    """
    async with connected(target, account) as client:
        campaign = await (await find_version(client, version)).get_campaign()
        count = await campaign.list_assignments().count()
        action = f"close the campaign of {version} with {plural(count, 'assignment')}, for good"
        if not dry_run:
            await confirm(action, version, yes=yes)
            await campaign.close()
    return Result(
        command="campaign.close",
        data={"version": version, "assignments": count, "dry_run": dry_run},
        lines=[f"would {action}" if dry_run else action.replace("close", "closed", 1)],
    )


async def delete(
    target: str,
    version: str,
    /,
    *,
    yes: Flag = False,
    dry_run: Flag = False,
    output: Output = DEFAULT_OUTPUT,
    account: Account = DEFAULT_ACCOUNT,
) -> Result:
    """Delete the campaign of a version with its steps and assignments; assets and annotations remain.

    On a terminal the name of the version must be typed; elsewhere --yes is needed. This cannot be undone.

    Args:
        target: A lake's folder, a server's URL or postgresql://….
        version: The version, as dataset/version.
        yes: Delete without asking.
        dry_run: Print what would be deleted, and do nothing.
    """
    async with connected(target, account) as client:
        campaign = await (await find_version(client, version)).get_campaign()
        count = await campaign.list_assignments().count()
        action = f"delete the campaign of {version} with {plural(count, 'assignment')}, for good"
        if not dry_run:
            await confirm(action, version, yes=yes)
            await campaign.delete()
    return Result(
        command="campaign.delete",
        data={"version": version, "assignments": count, "dry_run": dry_run},
        lines=[f"would {action}" if dry_run else action.replace("delete", "deleted", 1)],
    )


def _data(campaign: AnnotationCampaign) -> dict[str, Any]:
    return {"id": str(campaign.id), "state": "closed" if campaign.closed else "open"}


async def _progress(campaign: AnnotationCampaign) -> dict[str, dict[str, int]]:
    """Return the numbers of assignments by step and status; counted one by one on a platform that does not count."""
    names = {step.id: step.name for step in await campaign.list_steps()}
    counts: dict[str, dict[str, int]] = {}

    def add(step: UUID, status: AssignmentStatus, number: int) -> None:
        by_status = counts.setdefault(names.get(step, str(step)), {})
        by_status[status.value.lower()] = by_status.get(status.value.lower(), 0) + number

    try:
        for record in await campaign.get_progress():
            add(record.step_id, record.status, record.count)
    except UnsupportedError:
        async for assignment in campaign.list_assignments():
            add(assignment.step_id, assignment.status, 1)
    return counts
