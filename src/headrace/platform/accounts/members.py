"""The organizations of a lake and their members, for the owner of the lake's folder: the API changes none of them.

A member is an owner or a plain member. Owners may read what programs print that other members launched; an organization
always has one.
"""

from __future__ import annotations

from typing import NamedTuple
from uuid import UUID

from msgspec import Struct

from headrace.errors import ConflictError, NotFoundError
from headrace.model.ids import Kind, encode
from headrace.model.names import safe_name
from headrace.platform.context import Context
from headrace.platform.core.access import OWNER
from headrace.platform.core.audit import record_command
from headrace.platform.core.locking import ACCOUNTS
from headrace.storage.database.base import Statements, Transaction

MEMBER = "member"
CONNECTOR = "lake"
DATALAKE = "default"


class OrganizationInfo(Struct, frozen=True, kw_only=True):
    """An organization, and the roles of its members by user name."""

    id: UUID
    name: str
    members: dict[str, str]


class RemovedUser(NamedTuple):
    """From which organizations a user was removed, and how many valid tokens were revoked."""

    organizations: list[str]
    tokens: int


class Organization(NamedTuple):
    """A row of an organization; ``created`` is in milliseconds since 1970."""

    no: int
    name: str
    created: int


async def list_organizations(context: Context) -> list[OrganizationInfo]:
    """List the organizations of a lake with their members, oldest first."""
    roles: dict[int, dict[str, str]] = {}
    for organization, username, role in await context.database.fetch("accounts.roles"):
        roles.setdefault(organization, {})[username] = role
    return [
        OrganizationInfo(
            id=encode(Kind.ORGANIZATION, created, 0, no), name=name, members=roles.get(no, {})
        )
        for no, name, created in await context.database.fetch("accounts.organizations")
    ]


async def create_organization(
    context: Context, name: str, *, owner: str | None = None, dry_run: bool = False
) -> str:
    """Create an organization with an empty datalake.

    Args:
        context: The open lake.
        name: Its name, unique in the lake.
        owner: The user who becomes its owner; an unknown one is created. Default: the lake's own account.
        dry_run: Only check.

    Returns:
        The user name of the owner.

    Raises:
        ConflictError: The name exists.
    """
    name = safe_name(name, "name of an organization")
    async with context.database.transaction(ACCOUNTS) as tx:
        await _check_new(tx, name)
        if owner is None:
            row = await tx.fetch_one("accounts.first_account")
            owner = "" if row is None else str(row[1])
        owner = safe_name(owner, "name of a user")
        if dry_run:
            return owner
        now = context.clock()
        (no,) = await tx.fetch_one("accounts.next_organization") or (1,)
        await add_organization(tx, no, name, now)
        await put_member(tx, no, owner, OWNER, now)
        await record_command(context, tx, "organization.create", {"name": name, "owner": owner})
    return owner


async def add_organization(tx: Transaction, no: int, name: str, now: int) -> None:
    """Write an organization with its connector and its default datalake; ``now`` is in milliseconds since 1970."""
    await tx.execute("accounts.add_organization", no=no, name=name, created=now)
    (connector,) = await tx.fetch_one("accounts.next_connector") or (1,)
    await tx.execute(
        "accounts.add_connector",
        no=connector,
        organization=no,
        name=CONNECTOR,
        kind="lake",
        created=now,
    )
    (lake,) = await tx.fetch_one("datalake.next_lake") or (1,)
    await tx.execute(
        "datalake.add_lake",
        no=lake,
        bucket=0,
        organization=no,
        connector=connector,
        name=DATALAKE,
        created=now,
        is_default=1,
    )


async def rename_organization(
    context: Context, name: str, new: str, *, dry_run: bool = False
) -> None:
    """Rename an organization; tokens and ids stay valid.

    Raises:
        NotFoundError: There is no such organization.
        ConflictError: The new name exists.
    """
    new = safe_name(new, "name of an organization")
    async with context.database.transaction(ACCOUNTS) as tx:
        found = await organization_of(tx, name)
        if new != name:
            await _check_new(tx, new)
        if not dry_run:
            await tx.execute("accounts.rename_organization", no=found.no, name=new)
            subject = {"old": name, "name": new}
            await record_command(context, tx, "organization.rename", subject)


async def set_member(
    context: Context, organization: str, username: str, role: str, *, dry_run: bool = False
) -> str | None:
    """Make a user a member or an owner of an organization; an unknown user is created.

    Args:
        context: The open lake.
        organization: Name of the organization.
        username: The user.
        role: ``owner`` or ``member``.
        dry_run: Only check.

    Returns:
        The role until now; None for a new member.

    Raises:
        NotFoundError: There is no such organization.
        ConflictError: The last owner would become a plain member.
    """
    username = safe_name(username, "name of a user")
    async with context.database.transaction(ACCOUNTS) as tx:
        found = await organization_of(tx, organization)
        row = await tx.fetch_one("accounts.role_of", organization=found.no, username=username)
        if row is not None and role != OWNER:
            await _check_other_owner(tx, found, username)
        if not dry_run:
            await put_member(tx, found.no, username, role, context.clock())
            subject = {"name": organization, "username": username, "role": role}
            await record_command(context, tx, "organization.add", subject)
    return None if row is None else str(row[0])


async def put_member(tx: Transaction, organization: int, username: str, role: str, now: int) -> int:
    """Write a membership with its role, and the account where there is none; returns the account's row number."""
    account = await account_named(tx, username, now)
    await tx.execute(
        "accounts.set_membership", organization=organization, account=account, role=role
    )
    return account


async def account_named(tx: Transaction, username: str, now: int) -> int:
    """Return the row number of an account, which is created where there is none."""
    row = await tx.fetch_one("accounts.account", username=username)
    if row is not None:
        return int(row[0])
    (account,) = await tx.fetch_one("accounts.next_account") or (1,)
    await tx.execute("accounts.add_account", no=account, username=username, created=now)
    return int(account)


async def remove_user(
    context: Context, username: str, *, organization: str | None = None, dry_run: bool = False
) -> RemovedUser:
    """Remove a user from an organization, or from all, and revoke the tokens; what the user made stays.

    Args:
        context: The open lake.
        username: The user.
        organization: Name of the organization. Default: all of them.
        dry_run: Only check.

    Raises:
        NotFoundError: There is no such user or organization, or the user is no member of it.
        ConflictError: The user is the last owner of an organization.
    """
    async with context.database.transaction(ACCOUNTS) as tx:
        row = await tx.fetch_one("accounts.account", username=username)
        rows = [] if row is None else await tx.fetch("accounts.memberships", account=row[0])
        found = [Organization(*each[:3]) for each in rows]
        if organization is not None:
            wanted = await organization_of(tx, organization)
            found = [each for each in found if each.no == wanted.no]
        if row is None or not found:
            where = "the lake" if organization is None else f"organization {organization!r}"
            raise NotFoundError(
                f"{where} has no user {username!r}", hint="see: headrace organization list"
            )
        tokens = 0
        for each in found:
            await _check_other_owner(tx, each, username)
            whose = {"account": row[0], "organization": each.no}
            counted = await tx.fetch_one("accounts.count_tokens", now=context.clock(), **whose)
            tokens += 0 if counted is None else counted[0]
            if not dry_run:
                await tx.execute("accounts.drop_membership", **whose)
                await tx.execute("accounts.revoke_tokens", now=context.clock(), **whose)
        names = [each.name for each in found]
        if not dry_run:
            subject = {"username": username, "organizations": names, "tokens": tokens}
            await record_command(context, tx, "user.remove", subject)
    context.callers.forget()
    return RemovedUser(names, tokens)


async def organization_of(statements: Statements, name: str) -> Organization:
    """Find an organization of the lake by name; the hint of a NotFoundError names those that exist."""
    rows = await statements.fetch("accounts.organizations")
    for row in rows:
        if row[1] == name:
            return Organization(*row)
    names = ", ".join(row[1] for row in rows)
    raise NotFoundError(f"there is no organization {name!r}", hint=f"the lake has: {names}")


async def _check_new(tx: Transaction, name: str) -> None:
    rows = await tx.fetch("accounts.organizations")
    if any(row[1] == name for row in rows):
        raise ConflictError(
            f"there is an organization {name!r} already", hint="choose another name"
        )


async def _check_other_owner(tx: Transaction, organization: Organization, username: str) -> None:
    """Raise ConflictError where the user is the only owner."""
    rows = await tx.fetch("accounts.owners", organization=organization.no)
    if [row[0] for row in rows] == [username]:
        raise ConflictError(
            f"{username} is the last owner of organization {organization.name!r}",
            hint="make another user an owner first: headrace organization add --role owner",
        )
