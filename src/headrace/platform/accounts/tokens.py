"""Tokens: 256 random bits that are shown once and kept only as a digest."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import NamedTuple
from uuid import UUID

from msgspec import Struct

from headrace.errors import AuthenticationError, ConflictError, NotFoundError
from headrace.model.ids import Kind, encode
from headrace.model.names import safe_name
from headrace.platform.context import Context
from headrace.platform.core.access import Membership, choose, memberships

PREFIX = "hr_"


class TokenInfo(Struct, frozen=True, kw_only=True):
    """What is known of a token, never the token itself. Times are milliseconds since 1970."""

    id: UUID
    name: str
    username: str
    organization: str | None
    created: int
    expires: int | None = None
    revoked: int | None = None


class Caller(NamedTuple):
    """Whose token came, and the organization that the call is made for."""

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
    """A new token of the lake's account, or of the user of a name; good for one organization, for ``lifetime`` seconds.

    Who is new becomes a member of that organization. The token is returned this once and cannot be read again.
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
    """A new token of an account for an organization: the token, and its number, creation and end."""
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
    """The account of a name as a member of an organization, made where there is none."""
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
    """All tokens of the lake, revoked ones too, the oldest first."""
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


async def revoke_token(context: Context, id_or_name: UUID | str) -> TokenInfo:
    """End a token at once; a token that is revoked already stays so.

    Raises :class:`NotFoundError`, or :class:`ConflictError` where several live tokens have the name.
    """
    wanted = str(id_or_name)
    tokens = await list_tokens(context)
    named = [token for token in tokens if token.name == wanted]
    live = [token for token in named if token.revoked is None]
    found = [token for token in tokens if str(token.id) == wanted.lower()] or live or named[:1]
    if not found:
        raise NotFoundError(f"there is no token {wanted!r}", hint="see: headrace token list")
    if len(found) > 1:
        raise ConflictError(
            f"{len(found)} tokens are named {wanted!r}", hint="revoke by id: headrace token list"
        )
    number = found[0].id.int & ((1 << 57) - 1)
    await context.database.execute("accounts.revoke_token", no=number, now=context.clock())
    return found[0]


async def authenticate(
    context: Context, token: str | None, organization_id: UUID | None = None
) -> Caller:
    """Who a token belongs to, and the organization: the one asked for, else the token's own.

    Raises :class:`AuthenticationError` for a token that is missing, unknown, revoked or expired, and
    :class:`PermissionDeniedError` for an organization that it is not for.
    """
    if not token:
        raise AuthenticationError("no token was sent", hint="pass api_token or HEADRACE_TOKEN")
    digest = _digest(token)
    row = await context.database.fetch_one("accounts.token", digest=digest)
    if row is None or not hmac.compare_digest(row[0], digest):
        raise AuthenticationError("the token is unknown", hint="make one: headrace token create")
    _, account, username, organization, expires, revoked = row
    if revoked is not None:
        raise AuthenticationError("the token was revoked", hint="make one: headrace token create")
    if expires is not None and expires <= context.clock():
        raise AuthenticationError("the token has expired", hint="make one: headrace token create")
    found = await memberships(context, account)
    if organization is not None:
        found = [membership for membership in found if membership.organization == organization]
    return Caller(account, username, choose(found, organization_id))


def _digest(token: str) -> bytes:
    # A token may be any text a caller sends; what is no Unicode is no token of ours either.
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
