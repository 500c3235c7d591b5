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
from headrace.platform.accounts.members import (
    MEMBER,
    account_named,
    organization_of,
    put_member,
)
from headrace.platform.context import Context
from headrace.platform.core.access import Membership, choose, membership_from_row, memberships
from headrace.platform.core.audit import record_command
from headrace.platform.core.locking import ACCOUNTS
from headrace.storage.database.base import Transaction

PREFIX = "hr_"

USED_EVERY_MS = 300_000
"""How old the recorded time of a token's last use becomes before it is written again."""


class TokenInfo(Struct, frozen=True, kw_only=True):
    """A token's details, without the token itself. Times are milliseconds since 1970."""

    id: UUID
    name: str
    username: str
    organization: str | None
    created: int
    expires: int | None = None
    revoked: int | None = None
    last_used: int | None = None
    read_only: bool = False


class UnknownTokenError(AuthenticationError):
    """The lake never had such a token: it may be a guess."""


class Caller(NamedTuple):
    """The account of a token, and the organization of the call; ``digest`` is that of the token."""

    account: int
    username: str
    membership: Membership
    read_only: bool
    digest: bytes


async def create_token(
    context: Context,
    *,
    name: str = "token",
    username: str | None = None,
    organization_name: str | None = None,
    lifetime: float | None = None,
    read_only: bool = False,
) -> tuple[str, TokenInfo]:
    """Create a token for one organization.

    Args:
        context: The open lake.
        name: What the list of tokens calls it.
        username: The user of the token; an unknown one is created and joins the organization. Default: the lake's
            first account.
        organization_name: Default: the first account's oldest organization.
        lifetime: Seconds until the token expires. Default: it does not.
        read_only: Whether the token is refused for every call that changes something.

    Returns:
        The token, which cannot be read again, and its details.
    """
    row = await context.database.fetch_one("accounts.first_account")
    if row is None:
        raise NotFoundError("the lake has no account")
    if organization_name is None:
        organization = choose(await memberships(context, row[0]))[:2]
    else:
        organization = (await organization_of(context.database, organization_name))[:2]
    async with context.database.transaction(ACCOUNTS) as tx:
        may_join = username is not None
        username = safe_name(row[1] if username is None else username, "name of a user")
        account = await _member(tx, context.clock(), organization, username, may_join=may_join)
        token, (number, created, expires) = await issue_token(
            tx,
            context.clock(),
            account=account,
            organization=organization[0],
            name=safe_name(name),
            lifetime=lifetime,
            read_only=read_only,
        )
        token_id = encode(Kind.TOKEN, created, 0, number)
        subject = {"id": str(token_id), "name": name, "username": username, "read_only": read_only}
        await record_command(context, tx, "token.create", subject)
    return token, TokenInfo(
        id=token_id,
        name=name,
        username=username,
        organization=organization[1],
        created=created,
        expires=expires,
        read_only=read_only,
    )


async def issue_token(
    tx: Transaction,
    now: int,
    *,
    account: int,
    organization: int,
    name: str,
    lifetime: float | None,
    read_only: bool = False,
) -> tuple[str, tuple[int, int, int | None]]:
    """Store a new token; returns it with its number, creation and expiry. Times are milliseconds since 1970."""
    token = PREFIX + secrets.token_urlsafe(32)
    expires = None if lifetime is None else now + int(lifetime * 1000)
    added = await tx.fetch_one(
        "accounts.add_token",
        account=account,
        organization=organization,
        name=name,
        digest=digest_of(token),
        created=now,
        expires=expires,
        read_only=int(read_only),
    )
    assert added is not None
    return token, (added[0], now, expires)


async def _member(
    tx: Transaction, now: int, organization: tuple[int, str], username: str, *, may_join: bool
) -> int:
    """Return the account of a member of an organization; one who may join is made a member, and created if unknown."""
    no, name = organization
    if await tx.fetch_one("accounts.role_of", organization=no, username=username) is not None:
        return await account_named(tx, username, now)
    if not may_join:
        raise NotFoundError(
            f"{username} is no member of organization {name!r}",
            hint="name one of its users: headrace token create --user",
        )
    return await put_member(tx, no, username, MEMBER, now)


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
            last_used=last_used,
            read_only=bool(read_only),
        )
        for no, name, username, organization, created, expires, revoked, last_used, read_only in rows
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
        async with context.database.transaction(ACCOUNTS) as tx:
            await tx.execute("accounts.revoke_token", no=number, now=context.clock())
            subject = {"id": str(found[0].id), "name": found[0].name, "username": found[0].username}
            await record_command(context, tx, "token.revoke", subject)
        context.callers.forget()
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
        UnknownTokenError: The lake never had such a token.
        AuthenticationError: The token is missing, revoked or expired.
        PermissionDeniedError: The token is not for this organization.
    """
    if not token:
        raise AuthenticationError("no token was sent", hint="pass api_token= or set HEADRACE_TOKEN")
    digest = digest_of(token)
    known: tuple[Caller, int | None] | None = context.callers.find((digest, organization_id))
    if known is not None:
        _check_not_expired(context, known[1])
        return known[0]
    began = context.callers.now()
    rows = await context.database.fetch("accounts.token", digest=digest)
    if not rows or not hmac.compare_digest(rows[0][0], digest):
        raise UnknownTokenError("the token is unknown", hint="make one: headrace token create")
    _, account, username, expires, revoked, no, last_used, read_only, organization, *_ = rows[0]
    if revoked is not None:
        raise AuthenticationError("the token was revoked", hint="make one: headrace token create")
    _check_not_expired(context, expires)
    found = [] if organization is None else [membership_from_row(row[8:]) for row in rows]
    caller = Caller(account, username, choose(found, organization_id), bool(read_only), digest)
    _note_use(context, no, last_used)
    context.callers.keep((digest, organization_id), (caller, expires), began)
    return caller


def _check_not_expired(context: Context, expires: int | None) -> None:
    if expires is not None and expires <= context.clock():
        raise AuthenticationError("the token has expired", hint="make one: headrace token create")


def _note_use(context: Context, no: int, last_used: int | None) -> None:
    """Record the use of a token beside the call, unless a recent one is recorded, here or by another process."""
    now = context.clock()
    before = now - USED_EVERY_MS
    recent = last_used is not None and last_used >= before
    if recent or no in context.noted_tokens or context.database.read_only:
        return
    context.noted_tokens.add(no)
    context.background.start(_record_use, context, no, now, before)


async def _record_use(context: Context, no: int, now: int, before: int) -> None:
    try:
        await context.database.execute("accounts.use_token", no=no, now=now, before=before)
    finally:
        context.noted_tokens.discard(no)


async def valid_digests(context: Context, limit: int) -> list[bytes]:
    """Return the digests of at most ``limit`` valid tokens, those that were used last first."""
    rows = await context.database.fetch("accounts.valid_digests", now=context.clock(), limit=limit)
    return [digest for (digest,) in rows]


async def user_of(context: Context, token: str) -> str | None:
    """Return the user of a token of this lake; None for any other text, since a lake needs no token."""
    try:
        return (await authenticate(context, token, None)).username
    except (AuthenticationError, PermissionDeniedError):
        return None


def digest_of(token: str) -> bytes:
    """Return what a lake stores of a token."""
    # Callers may send any text, lone surrogates included: those must not raise here.
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
