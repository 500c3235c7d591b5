"""Runs exchanges on the event loop: for single requests, whose work is too small for the way to a thread and back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from headrace.net.http1.exchange import Exchange


class LoopRunner:
    """Has the interface of :class:`PollerThread`. Its exchanges must not block.

    ``period`` is the number of seconds between two checks for stalled exchanges.
    """

    def __init__(self, period: float) -> None:
        self.exchanges: set[Exchange] = set()
        self._period = period
        self._timer: asyncio.TimerHandle | None = None

    async def run(self, exchange: Exchange) -> None:
        """Run an exchange to its end; a cancellation ends it at once.

        Raises NotImplementedError where the event loop cannot watch sockets (Windows).
        """
        loop = asyncio.get_running_loop()
        loop.add_reader(exchange.file, self._step, exchange, exchange.on_readable)
        self.exchanges.add(exchange)
        if self._timer is None:
            self._timer = loop.call_later(self._period, self._check)
        try:
            self._step(exchange, exchange.start)
            await exchange.outcome
        finally:
            self._end(exchange)
        if exchange.error is not None:
            raise exchange.error

    async def aclose(self) -> None:
        """End all exchanges."""
        for exchange in list(self.exchanges):
            exchange.finish()
            self._end(exchange)
        if self._timer is not None:
            self._timer.cancel()

    def _step(self, exchange: Exchange, act: Callable[[float], None]) -> None:
        if exchange not in self.exchanges:
            return
        try:
            act(asyncio.get_running_loop().time())
        except Exception as error:  # noqa: BLE001  raised where the exchange is awaited
            exchange.error = error
            exchange.finish()
        if exchange.ended:
            self._end(exchange)

    def _end(self, exchange: Exchange) -> None:
        if exchange not in self.exchanges:
            return
        self.exchanges.discard(exchange)
        asyncio.get_running_loop().remove_reader(exchange.file)
        if not exchange.usable:
            exchange.connection.close()
        if not exchange.outcome.done():
            exchange.outcome.set_result(None)

    def _check(self) -> None:
        for exchange in list(self.exchanges):
            self._step(exchange, exchange.check_stall)
        again = bool(self.exchanges)
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(self._period, self._check) if again else None
