"""The secrets that sign file URLs. They are stored in the lake, so URLs stay valid when a server restarts."""

from __future__ import annotations

import secrets

from msgspec import Struct

from headrace.platform.context import Context
from headrace.platform.core.audit import record_command
from headrace.platform.core.locking import ACCOUNTS

SECRET_BYTES = 32

KEEP_MS = 30 * 24 * 3600 * 1000
"""How long a replaced key is kept (milliseconds); no URL that it signed may be valid for longer."""


class SigningKey(Struct, frozen=True):
    """A signing key. Its repr hides the secret.

    ``retired`` is the time (milliseconds since 1970) when a newer key replaced it.
    """

    no: int
    secret: bytes
    retired: int | None = None

    def __repr__(self) -> str:
        return f"SigningKey({self.no})"


async def signing_keys(context: Context) -> list[SigningKey]:
    """List the valid keys, newest first: sign with the first, accept all."""
    rows = await context.database.fetch("accounts.signing_keys")
    return [SigningKey(no, secret, retired) for no, secret, retired in rows]


async def rotate_signing_key(
    context: Context, *, drop_old: bool = False, dry_run: bool = False
) -> tuple[SigningKey, int]:
    """Make a new key to sign file URLs with. Running servers use it within seconds.

    Args:
        context: The open lake.
        drop_old: End all URLs that older keys signed at once. Default: they stay valid until their end.
        dry_run: Change nothing; the result is the current key.

    Returns:
        The new key, and how many older ones were dropped.
    """
    if dry_run:
        keys = await signing_keys(context)
        return keys[0], len(keys) if drop_old else 0
    now = context.clock()
    async with context.database.transaction(ACCOUNTS) as tx:
        await tx.execute("accounts.retire_signing_keys", now=now)
        secret = secrets.token_bytes(SECRET_BYTES)
        row = await tx.fetch_one("accounts.add_signing_key", secret=secret, created=now)
        assert row is not None
        before = now + 1 if drop_old else now - KEEP_MS
        dropped = await tx.execute("accounts.drop_signing_keys", before=before)
        subject = {"key": row[0], "dropped": dropped}
        await record_command(context, tx, "token.rotate-key", subject)
    return SigningKey(row[0], secret), dropped
