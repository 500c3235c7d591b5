"""The secrets that sign file URLs. They are stored in the lake, so URLs stay valid when a server restarts."""

from __future__ import annotations

from msgspec import Struct

from headrace.platform.context import Context

SECRET_BYTES = 32


class SigningKey(Struct, frozen=True):
    """A signing key. Its repr hides the secret."""

    no: int
    secret: bytes

    def __repr__(self) -> str:
        return f"SigningKey({self.no})"


async def signing_keys(context: Context) -> list[SigningKey]:
    """List the valid keys, newest first: sign with the first, accept all."""
    rows = await context.database.fetch("accounts.signing_keys")
    return [SigningKey(no, secret) for no, secret in rows]
