"""``headrace user``: list the users of an organization or a dataset, let users use a dataset, remove users."""

from __future__ import annotations

from headrace.cli.console.find import find_user
from headrace.cli.console.options import DEFAULT_ACCOUNT, DEFAULT_OUTPUT, Account, Flag, Output
from headrace.cli.console.result import Result
from headrace.cli.console.target import connected, opened_lake
from headrace.cli.console.wording import plural


async def list_(
    target: str,
    dataset: str | None = None,
    /,
    *,
    output: Output = DEFAULT_OUTPUT,
    account: Account = DEFAULT_ACCOUNT,
) -> Result:
    """List the users of the organization, or those who may use and annotate a dataset.

    Args:
        target: A lake's folder, a server's URL or postgresql://….
        dataset: Name of the dataset. Default: all users of the organization.
    """
    async with connected(target, account) as client:
        if dataset is None:
            users = await client.list_users()
        else:
            users = await (await client.get_dataset(dataset)).list_users()
        rows = [{"user": user.username, "id": str(user.id)} for user in users]
    return Result(
        command="user.list",
        data={"dataset": dataset, "users": rows},
        lines=[row["user"] for row in rows] or ["no users"],
    )


async def add(
    target: str,
    dataset: str,
    /,
    *users: str,
    role: str | None = None,
    dry_run: Flag = False,
    output: Output = DEFAULT_OUTPUT,
    account: Account = DEFAULT_ACCOUNT,
) -> Result:
    """Let users of the organization use a dataset. headrace organization add makes a user of a lake.

    Args:
        target: A lake's folder, a server's URL or postgresql://….
        dataset: Name of the dataset.
        users: Names of the users.
        role: Role of the users in the dataset; without effect on headrace.
        dry_run: Print who would be added, and do nothing.
    """
    async with connected(target, account) as client:
        found = await client.get_dataset(dataset)
        known = [await find_user(client, name) for name in users]
        if not dry_run:
            for user in known:
                await found.add_user(user, role)
    would = "would be allowed" if dry_run else "allowed"
    return Result(
        command="user.add",
        data={"dataset": dataset, "users": list(users), "dry_run": dry_run},
        lines=[f"{', '.join(users)} {would} to use {dataset}"],
    )


async def remove(
    lake: str,
    user: str,
    /,
    *,
    organization: str | None = None,
    dry_run: Flag = False,
    output: Output = DEFAULT_OUTPUT,
) -> Result:
    """Remove a user from a lake, and revoke the user's tokens. What the user made stays.

    The last owner of an organization cannot be removed. URLs of files that were handed out stay valid until their end:
    see headrace token rotate-key --drop-old.

    Args:
        lake: The lake's folder, or postgresql://….
        user: Name of the user.
        organization: Remove from this organization only. Default: from all.
        dry_run: Print what would be removed, and do nothing.
    """
    from headrace.platform.accounts.members import remove_user

    async with opened_lake(lake) as platform:
        removed = await remove_user(
            platform.context, user, organization=organization, dry_run=dry_run
        )
    would = "would be " if dry_run else ""
    where = ", ".join(removed.organizations)
    return Result(
        command="user.remove",
        data={
            "user": user,
            "organizations": removed.organizations,
            "tokens": removed.tokens,
            "dry_run": dry_run,
        },
        lines=[
            f"{user} {would}removed from {where}; {plural(removed.tokens, 'token')} {would}revoked."
        ],
    )
