"""API tokens: 256 random bits, shown once and stored only as a digest."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import NamedTuple
from uuid import UUID

from msgspec import Struct

from headrace.errors import (
    AuthenticationError,
    ConflictError,
    NotFoundError,
    PermissionDeniedError,
)
from headrace.model.ids import Kind, encode
from headrace.model.names import safe_name
from headrace.platform.context import Context
from headrace.platform.core.access import Membership, choose, membership_from_row, memberships

PREFIX = "hr_"


class TokenInfo(Struct, frozen=True, kw_only=True):
    """A token's details, without the token itself. Times are milliseconds since 1970."""

    id: UUID
    name: str
    username: str
    organization: str | None
    created: int
    expires: int | None = None
    revoked: int | None = None


class Caller(NamedTuple):
    """The account of a token, and the organization of the call."""

    account: int
    username: str
    membership: Membership


async def create_token(
    context: Context,
    *,
    name: str = "token",
    username: str | None = None,
    organization_name: str | None = None,
    lifetime: float | None = None,
) -> tuple[str, TokenInfo]:
    """Create a token for one organization.

    Args:
        context: The open lake.
        name: What the list of tokens calls it.
        username: The user of the token; an unknown one is created and joins the organization. Default: the lake's
            first account.
        organization_name: Default: the first account's oldest organization.
        lifetime: Seconds until the token expires. Default: it does not.

    Returns:
        The token, which cannot be read again, and its details.
    """
    row = await context.database.fetch_one("accounts.first_account")
    if row is None:
        raise NotFoundError("the lake has no account")
    account, owner, _ = row
    membership = choose(await memberships(context, account), name=organization_name)
    if username is None or username == owner:
        username = owner
    else:
        account = await _member(context, membership, safe_name(username, "name of a user"))
    token, (number, created, expires) = await issue_token(
        context,
        account=account,
        organization=membership.organization,
        name=safe_name(name),
        lifetime=lifetime,
    )
    return token, TokenInfo(
        id=encode(Kind.TOKEN, created, 0, number),
        name=name,
        username=username,
        organization=membership.name,
        created=created,
        expires=expires,
    )


async def issue_token(
    context: Context, *, account: int, organization: int, name: str, lifetime: float | None
) -> tuple[str, tuple[int, int, int | None]]:
    """Store a new token; returns it with its number, creation and expiry (milliseconds since 1970)."""
    token = PREFIX + secrets.token_urlsafe(32)
    created = context.clock()
    expires = None if lifetime is None else created + int(lifetime * 1000)
    async with context.database.transaction() as tx:
        added = await tx.fetch_one(
            "accounts.add_token",
            account=account,
            organization=organization,
            name=name,
            digest=_digest(token),
            created=created,
            expires=expires,
        )
    assert added is not None
    return token, (added[0], created, expires)


async def _member(context: Context, membership: Membership, username: str) -> int:
    """Return the account of a user as a member of the organization; creates what is missing."""
    async with context.database.transaction() as tx:
        row = await tx.fetch_one("accounts.account", username=username)
        if row is None:
            account = (await tx.fetch_one("accounts.next_account") or (1,))[0]
            await tx.execute(
                "accounts.add_account", no=account, username=username, created=context.clock()
            )
        else:
            account = row[0]
        await tx.execute(
            "accounts.add_membership",
            organization=membership.organization,
            account=account,
            role="member",
        )
    return int(account)


async def list_tokens(context: Context) -> list[TokenInfo]:
    """List all tokens of the lake, including revoked ones, oldest first."""
    rows = await context.database.fetch("accounts.tokens")
    return [
        TokenInfo(
            id=encode(Kind.TOKEN, created, 0, no),
            name=name,
            username=username,
            organization=organization,
            created=created,
            expires=expires,
            revoked=revoked,
        )
        for no, name, username, organization, created, expires, revoked in rows
    ]


async def revoke_token(
    context: Context, id_or_name: UUID | str, *, dry_run: bool = False
) -> TokenInfo:
    """Revoke a token at once. Revoking it again changes nothing. With ``dry_run`` it is only found.

    Raises:
        NotFoundError: There is no such token.
        ConflictError: Several valid tokens have this name.
    """
    wanted = str(id_or_name)
    tokens = await list_tokens(context)
    named = [token for token in tokens if token.name == wanted]
    valid = [token for token in named if token.revoked is None]
    found = [token for token in tokens if str(token.id) == wanted.lower()] or valid or named[:1]
    if not found:
        raise NotFoundError(f"there is no token {wanted!r}", hint="see: headrace token list")
    if len(found) > 1:
        raise ConflictError(
            f"{len(found)} tokens are named {wanted!r}", hint="revoke by id: headrace token list"
        )
    number = found[0].id.int & ((1 << 57) - 1)
    if not dry_run:
        await context.database.execute("accounts.revoke_token", no=number, now=context.clock())
    return found[0]


async def authenticate(
    context: Context, token: str | None, organization_id: UUID | None = None
) -> Caller:
    """Find the account of a token and the organization of the call.

    Args:
        context: The open lake.
        token: The token that was sent, None if there was none.
        organization_id: The requested organization. Default: the token's own.

    Raises:
        AuthenticationError: The token is missing, unknown, revoked or expired.
        PermissionDeniedError: The token is not for this organization.
    """
    if not token:
        raise AuthenticationError("no token was sent", hint="pass api_token= or set HEADRACE_TOKEN")
    digest = _digest(token)
    rows = await context.database.fetch("accounts.token", digest=digest)
    if not rows or not hmac.compare_digest(rows[0][0], digest):
        raise AuthenticationError("the token is unknown", hint="make one: headrace token create")
    _, account, username, expires, revoked, first_organization, *_ = rows[0]
    if revoked is not None:
        raise AuthenticationError("the token was revoked", hint="make one: headrace token create")
    if expires is not None and expires <= context.clock():
        raise AuthenticationError("the token has expired", hint="make one: headrace token create")
    found = [] if first_organization is None else [membership_from_row(row[5:]) for row in rows]
    return Caller(account, username, choose(found, organization_id))


async def user_of(context: Context, token: str) -> str | None:
    """Return the user of a token of this lake; None for any other text, since a lake needs no token."""
    try:
        return (await authenticate(context, token, None)).username
    except (AuthenticationError, PermissionDeniedError):
        return None


def _digest(token: str) -> bytes:
    # Callers may send any text, lone surrogates included: those must not raise here.
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
