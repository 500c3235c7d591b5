"""Notice a PostgreSQL that accepts connections and answers nothing, as one on a frozen machine or behind a dead network.

A statement may take long, so how long one takes says nothing. But a server that works answers a new connection, if only
with a refusal. Where some connection has been in use for a while, a new one is tried; if it gets no answer, all are ended,
and their calls fail with :class:`~headrace.errors.UnavailableError`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from headrace.storage.database.postgres.pools import ConnectionPool

SILENCE_SECONDS: Final = 10.0
"""How long a connection is in use before the server is tried, and how long the server has to answer."""


class SilenceWatch:
    """Tries the server while connections are in use for long.

    Args:
        answers: Whether the server answers a new connection.
        pools: The pools whose connections are ended where it does not.
        seconds: See :data:`SILENCE_SECONDS`.
    """

    def __init__(
        self,
        answers: Callable[[], Awaitable[bool]],
        pools: Sequence[ConnectionPool],
        seconds: float,
    ) -> None:
        self._answers = answers
        self._pools = pools
        self._seconds = seconds
        self._timer: asyncio.TimerHandle | None = None
        self._trial: asyncio.Task[None] | None = None
        for pool in pools:
            pool.on_lend = self._lent

    def stop(self) -> None:
        """Try the server no more. The event loop may be closed."""
        for pool in self._pools:
            pool.on_lend = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._trial is not None and not self._trial.get_loop().is_closed():
            self._trial.cancel()
        self._trial = None

    def _lent(self) -> None:
        if self._timer is None and self._trial is None:
            self._look_in(self._seconds)

    def _look_in(self, seconds: float) -> None:
        self._timer = asyncio.get_running_loop().call_later(seconds, self._look)

    def _look(self) -> None:
        self._timer = None
        longest = max(pool.lent_seconds for pool in self._pools)
        if longest >= self._seconds:
            self._trial = asyncio.ensure_future(self._try())
        elif longest:
            self._look_in(self._seconds - longest)

    async def _try(self) -> None:
        try:
            if not await self._answers():
                for pool in self._pools:
                    pool.end_all()
        finally:
            if self._trial is asyncio.current_task():
                self._trial = None
                # A stream may be in use for an hour: the server is tried now and then meanwhile.
                if any(pool.lent_seconds for pool in self._pools):
                    self._look_in(self._seconds)
