"""Which of the servers that share a platform purges it."""

from __future__ import annotations

import secrets
from contextlib import suppress
from typing import Any

import anyio

from headrace.errors import HeadraceError
from headrace.platform.context import Context
from headrace.platform.jobs.runner import SHARED_LEASE_MS, database_clock

_NAME = "lease/purge"
_OWNERS = 1 << 20
_WAIT_SECONDS = 0.5


class PurgeLease:
    """The right to purge, for a while. A lake needs none: the processes that have it open purge side by side."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._owner = secrets.randbelow(_OWNERS)

    async def take(self) -> bool:
        """Take the lease, or renew it; False while another server has it."""
        if not self._context.shared:
            return True
        now = await database_clock(self._context.database)
        return await self._write(now, now + SHARED_LEASE_MS)

    async def wait(self) -> None:
        """Take the lease as soon as no other server has it."""
        while True:
            if await self.take():
                return
            await anyio.sleep(_WAIT_SECONDS)

    async def was_left(self) -> bool:
        """Whether who had it last has stopped in the middle of a purge: the lease ended, and was not freed."""
        if not self._context.shared:
            return False
        now = await database_clock(self._context.database)
        row = await self._context.database.fetch_one("identifiers.left_lease", name=_NAME, now=now)
        return row is not None

    async def free(self) -> None:
        """Let another server have it."""
        if self._context.shared:
            # Where the database is away, the lease ends by itself.
            with suppress(HeadraceError):
                await self._write(0, 0)

    async def _write(self, now: int, until: int) -> bool:
        params: dict[str, Any] = {"name": _NAME, "now": now, "until": until, "owner": self._owner}
        return await self._context.database.take("identifiers.lease", **params) is not None
