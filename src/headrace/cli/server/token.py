"""``headrace token``: create, list and revoke the tokens of a lake's server, and change the key of its file URLs."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter
from cyclopts.validators import Number

from headrace.cli.console.options import DEFAULT_OUTPUT, Flag, Output
from headrace.cli.console.result import Result
from headrace.cli.console.target import opened_lake, shown

if TYPE_CHECKING:
    from headrace.platform.accounts.tokens import TokenInfo


async def create(
    lake: str,
    /,
    *,
    name: str = "token",
    user: str | None = None,
    organization: str | None = None,
    days: Annotated[float | None, Parameter(validator=Number(gte=0))] = None,
    read_only: Flag = False,
    output: Output = DEFAULT_OUTPUT,
) -> Result:
    """Create a token and print it; it cannot be shown again.

    Args:
        lake: The lake's folder, or postgresql://….
        name: Name of the token.
        user: User of the token; created if missing. Default: the lake's own account.
        organization: Name of the organization that the token is for. Default: the one of the lake's own account.
        days: Lifetime in days. Default: valid until it is revoked.
        read_only: Refuse every call with this token that changes something.
    """
    from headrace.platform.accounts.tokens import create_token

    async with opened_lake(lake) as platform:
        token, info = await create_token(
            platform.context,
            name=name,
            username=user,
            organization_name=organization,
            lifetime=None if days is None else days * 86_400,
            read_only=read_only,
        )
    return Result(command="token.create", data={"token": token, **_data(info)}, lines=[token])


async def list_(lake: str, /, *, output: Output = DEFAULT_OUTPUT) -> Result:
    """List the tokens of a lake: id, state, date of creation, last use, user and name.

    Args:
        lake: The lake's folder, or postgresql://….
    """
    from headrace.platform.accounts.tokens import list_tokens

    async with opened_lake(lake) as platform:
        tokens = await list_tokens(platform.context)
    lines = [
        f"{token.id}  {_state(token):<28}  {_day(token.created)}  {_used(token):<22}"
        f"  {token.username}  {token.name}"
        for token in tokens
    ]
    return Result(
        command="token.list",
        data={"tokens": [_data(token) for token in tokens]},
        lines=lines or ["no tokens yet"],
        next=None if lines else f"headrace token create {shown(lake)}",
    )


async def revoke(
    lake: str, token: str, /, *, dry_run: Flag = False, output: Output = DEFAULT_OUTPUT
) -> Result:
    """Revoke a token; it is invalid at once.

    Args:
        lake: The lake's folder, or postgresql://….
        token: Name or id of the token, as shown by headrace token list.
        dry_run: Print which token would be revoked, and do nothing.
    """
    from headrace.platform.accounts.tokens import revoke_token

    async with opened_lake(lake) as platform:
        info = await revoke_token(platform.context, token, dry_run=dry_run)
    return Result(
        command="token.revoke",
        data={"id": str(info.id), "name": info.name, "dry_run": dry_run},
        lines=[f"Token {info.name} {'would be ' if dry_run else ''}revoked ({info.id})."],
    )


async def rotate_key(
    lake: str,
    /,
    *,
    drop_old: Flag = False,
    dry_run: Flag = False,
    output: Output = DEFAULT_OUTPUT,
) -> Result:
    """Make a new key to sign the URLs of files with. A running server uses it within seconds.

    URLs that were signed before stay valid until their end. After a leak of the lake's folder or of a URL, end them at
    once with --drop-old; clients of headrace ask for new ones by themselves.

    Args:
        lake: The lake's folder, or postgresql://….
        drop_old: End all URLs that were signed before.
        dry_run: Print what would be done, and do nothing.
    """
    from headrace.platform.accounts.signing_keys import rotate_signing_key

    async with opened_lake(lake) as platform:
        key, dropped = await rotate_signing_key(
            platform.context, drop_old=drop_old, dry_run=dry_run
        )
    until = "URLs signed before are no longer valid" if drop_old else "older ones end in their time"
    done = f"Key {key.no} signs file URLs now; {until}."
    return Result(
        command="token.rotate-key",
        data={"key": key.no, "dropped": dropped, "dry_run": dry_run},
        lines=[f"Key {key.no} would be replaced; {until}." if dry_run else done],
    )


def _data(token: TokenInfo) -> dict[str, Any]:
    return {
        "id": str(token.id),
        "name": token.name,
        "user": token.username,
        "organization": token.organization,
        "read_only": token.read_only,
        "created": _iso(token.created),
        "expires": _iso(token.expires),
        "revoked": _iso(token.revoked),
        "last_used": _iso(token.last_used),
    }


def _state(token: TokenInfo) -> str:
    kind = ", read-only" if token.read_only else ""
    if token.revoked is not None:
        return f"revoked {_day(token.revoked)}{kind}"
    if token.expires is not None:
        word = "until" if token.expires > time.time() * 1000 else "expired"
        return f"{word} {_day(token.expires)}{kind}"
    return f"valid{kind}"


def _used(token: TokenInfo) -> str:
    if token.last_used is None:
        return "never used"
    used = datetime.fromtimestamp(token.last_used / 1000, UTC)
    return f"used {used:%Y-%m-%d %H:%M}"


def _iso(milliseconds: int | None) -> str | None:
    if milliseconds is None:
        return None
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="seconds")


def _day(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).strftime("%Y-%m-%d")
