"""``headrace token``: create, list and revoke the tokens of a lake's server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headrace.cli.console.options import DEFAULT_OUTPUT, Flag, Output
from headrace.cli.console.result import Result

if TYPE_CHECKING:
    from headrace.platform.accounts.tokens import TokenInfo
    from headrace.platform.platform import Platform


async def create(
    lake: Path,
    /,
    *,
    name: str = "token",
    user: str | None = None,
    days: float | None = None,
    output: Output = DEFAULT_OUTPUT,
) -> Result:
    """Create a token and print it; it cannot be shown again.

    Args:
        lake: The lake's folder.
        name: Name of the token.
        user: User of the token; created if missing. Default: the lake's own account.
        days: Lifetime in days. Default: valid until it is revoked.
    """
    from headrace.platform.accounts.tokens import create_token

    async with _opened(lake) as platform:
        lifetime = None if days is None else days * 86_400
        token, info = await create_token(
            platform.context, name=name, username=user, lifetime=lifetime
        )
    return Result(command="token.create", data={"token": token, **_data(info)}, lines=[token])


async def list_(lake: Path, /, *, output: Output = DEFAULT_OUTPUT) -> Result:
    """List the tokens of a lake: id, state, date of creation, user and name.

    Args:
        lake: The lake's folder.
    """
    from headrace.platform.accounts.tokens import list_tokens

    async with _opened(lake) as platform:
        tokens = await list_tokens(platform.context)
    lines = [
        f"{token.id}  {_state(token):<22}  {_day(token.created)}  {token.username}  {token.name}"
        for token in tokens
    ]
    return Result(
        command="token.list",
        data={"tokens": [_data(token) for token in tokens]},
        lines=lines or ["no tokens yet"],
        next=None if lines else f"headrace token create {lake}",
    )


async def revoke(
    lake: Path, token: str, /, *, dry_run: Flag = False, output: Output = DEFAULT_OUTPUT
) -> Result:
    """Revoke a token; it is invalid at once.

    Args:
        lake: The lake's folder.
        token: Name or id of the token, as shown by headrace token list.
        dry_run: Print which token would be revoked, and do nothing.
    """
    from headrace.platform.accounts.tokens import revoke_token

    async with _opened(lake) as platform:
        info = await revoke_token(platform.context, token, dry_run=dry_run)
    return Result(
        command="token.revoke",
        data={"id": str(info.id), "name": info.name, "dry_run": dry_run},
        lines=[f"Token {info.name} {'would be ' if dry_run else ''}revoked ({info.id})."],
    )


@asynccontextmanager
async def _opened(lake: Path) -> AsyncIterator[Platform]:
    from headrace.platform.platform import Platform

    async with await Platform.open(lake) as platform:
        yield platform


def _data(token: TokenInfo) -> dict[str, Any]:
    return {
        "id": str(token.id),
        "name": token.name,
        "user": token.username,
        "organization": token.organization,
        "created": _iso(token.created),
        "expires": _iso(token.expires),
        "revoked": _iso(token.revoked),
    }


def _state(token: TokenInfo) -> str:
    if token.revoked is not None:
        return f"revoked {_day(token.revoked)}"
    if token.expires is not None:
        return f"until {_day(token.expires)}"
    return "valid"


def _iso(milliseconds: int | None) -> str | None:
    if milliseconds is None:
        return None
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="seconds")


def _day(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).strftime("%Y-%m-%d")
