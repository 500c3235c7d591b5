"""``headrace organization``: the organizations of a lake and the roles of their members."""

from __future__ import annotations

from typing import Literal

from headrace.cli.console.options import DEFAULT_OUTPUT, Flag, Output
from headrace.cli.console.result import Result
from headrace.cli.console.target import opened_lake, shown

Role = Literal["owner", "member"]


async def list_(lake: str, /, *, output: Output = DEFAULT_OUTPUT) -> Result:
    """List the organizations of a lake, with the roles of their members.

    Args:
        lake: The lake's folder, or postgresql://….
    """
    from headrace.platform.accounts.members import list_organizations

    async with opened_lake(lake) as platform:
        found = await list_organizations(platform.context)
    rows = [{"name": each.name, "id": str(each.id), "members": each.members} for each in found]
    lines = []
    for each in found:
        members = (f"{user} ({role})" for user, role in each.members.items())
        lines.append(f"{each.name}  {', '.join(members)}")
    return Result(command="organization.list", data={"organizations": rows}, lines=lines)


async def create(
    lake: str,
    name: str,
    /,
    *,
    owner: str | None = None,
    dry_run: Flag = False,
    output: Output = DEFAULT_OUTPUT,
) -> Result:
    """Create an organization with an empty datalake. Organizations do not see each other's data.

    Args:
        lake: The lake's folder, or postgresql://….
        name: Name of the organization.
        owner: User who looks after it; created if missing. Default: the lake's own account.
        dry_run: Print what would be created, and do nothing.
    """
    from headrace.platform.accounts.members import create_organization

    async with opened_lake(lake) as platform:
        owner = await create_organization(platform.context, name, owner=owner, dry_run=dry_run)
    would = "would be created" if dry_run else "created"
    return Result(
        command="organization.create",
        data={"name": name, "owner": owner, "dry_run": dry_run},
        lines=[f"Organization {name} {would}, owned by {owner}."],
        next=f"headrace token create {shown(lake)} --organization {name} --user {owner}",
    )


async def rename(
    lake: str,
    name: str,
    new: str,
    /,
    *,
    dry_run: Flag = False,
    output: Output = DEFAULT_OUTPUT,
) -> Result:
    """Rename an organization; tokens stay valid.

    Args:
        lake: The lake's folder, or postgresql://….
        name: Name of the organization.
        new: Its new name.
        dry_run: Print what would be renamed, and do nothing.
    """
    from headrace.platform.accounts.members import rename_organization

    async with opened_lake(lake) as platform:
        await rename_organization(platform.context, name, new, dry_run=dry_run)
    would = "would be " if dry_run else ""
    return Result(
        command="organization.rename",
        data={"old": name, "name": new, "dry_run": dry_run},
        lines=[f"Organization {name} {would}renamed to {new}."],
    )


async def add(
    lake: str,
    name: str,
    user: str,
    /,
    *,
    role: Role = "member",
    dry_run: Flag = False,
    output: Output = DEFAULT_OUTPUT,
) -> Result:
    """Add a user to an organization, or change the role of a member. An organization always has an owner.

    Owners may read the logs of programs that other members launched.

    Args:
        lake: The lake's folder, or postgresql://….
        name: Name of the organization.
        user: Name of the user; created if missing.
        role: Role in the organization.
        dry_run: Print what would be changed, and do nothing.
    """
    from headrace.platform.accounts.members import set_member

    async with opened_lake(lake) as platform:
        before = await set_member(platform.context, name, user, role, dry_run=dry_run)
    would = "would be" if dry_run else "is now"
    return Result(
        command="organization.add",
        data={"name": name, "user": user, "role": role, "before": before, "dry_run": dry_run},
        lines=[f"{user} {would} {role} of {name}."],
    )
