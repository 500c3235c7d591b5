"""The secrets that a server signs file URLs with. They live in the lake, so that a restart keeps URLs good."""

from __future__ import annotations

from msgspec import Struct

from headrace.platform.context import Context

SECRET_BYTES = 32


class SigningKey(Struct, frozen=True):
    """A key by number; the secret never shows."""

    no: int
    secret: bytes

    def __repr__(self) -> str:
        return f"SigningKey({self.no})"


async def signing_keys(context: Context) -> list[SigningKey]:
    """The keys that are good, the newest first: sign with that one, accept all."""
    rows = await context.database.fetch("accounts.signing_keys")
    return [SigningKey(no, secret) for no, secret in rows]
