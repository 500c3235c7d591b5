"""``headrace user``: list the users of an organization or a dataset, and let users use a dataset."""

from __future__ import annotations

from headrace.cli.console.find import find_user
from headrace.cli.console.options import DEFAULT_ACCOUNT, DEFAULT_OUTPUT, Account, Flag, Output
from headrace.cli.console.result import Result
from headrace.cli.console.target import connected


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
        target: A lake's folder or a server's URL.
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
    """Let users of the organization use a dataset. headrace token create --user makes a user of a lake.

    Args:
        target: A lake's folder or a server's URL.
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
