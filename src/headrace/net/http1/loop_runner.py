"""Runs exchanges on the event loop: for single requests, whose work is too small for the way to a thread and back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from headrace.net.http1.connection import Connection
from headrace.net.http1.exchange import Exchange


class LoopRunner:
    """Runs exchanges that do not block, one for each connection at a time.

    A connection stays registered with the event loop until :meth:`unwatch`, so that further requests need no system
    call for it; one that becomes readable while it is idle is closed. ``period`` is the number of seconds between two
    checks for stalled exchanges.
    """

    def __init__(self, period: float) -> None:
        self._period = period
        self._exchanges: dict[Connection, Exchange] = {}
        self._watched: set[Connection] = set()
        self._timer: asyncio.TimerHandle | None = None

    async def run(self, exchange: Exchange) -> None:
        """Run an exchange to its end; a cancellation ends it at once.

        Raises NotImplementedError where the event loop cannot watch sockets (Windows).
        """
        connection = exchange.connection
        loop = asyncio.get_running_loop()
        if connection not in self._watched:
            loop.add_reader(exchange.file, self._on_readable, connection)
            self._watched.add(connection)
        self._exchanges[connection] = exchange
        if self._timer is None:
            self._timer = loop.call_later(self._period, self._check)
        try:
            self._step(exchange, exchange.start)
            await exchange.outcome
        finally:
            self._end(exchange)
        if exchange.error is not None:
            raise exchange.error

    def unwatch(self, connection: Connection) -> None:
        """Leave a connection to a thread, or let it be closed."""
        if connection in self._watched:
            self._watched.discard(connection)
            asyncio.get_running_loop().remove_reader(connection.socket)

    def close(self) -> None:
        """End all exchanges."""
        for exchange in list(self._exchanges.values()):
            exchange.finish()
            self._end(exchange)
        for connection in list(self._watched):
            self.unwatch(connection)
        if self._timer is not None:
            self._timer.cancel()

    def _on_readable(self, connection: Connection) -> None:
        exchange = self._exchanges.get(connection)
        if exchange is not None:
            self._step(exchange, exchange.on_readable)
        else:
            self.unwatch(connection)
            connection.close()

    def _step(self, exchange: Exchange, act: Callable[[float], None]) -> None:
        try:
            act(asyncio.get_running_loop().time())
        except Exception as error:  # noqa: BLE001  raised where the exchange is awaited
            exchange.error = error
            exchange.finish()
        if exchange.ended:
            self._end(exchange)

    def _end(self, exchange: Exchange) -> None:
        connection = exchange.connection
        if self._exchanges.pop(connection, None) is None:
            return
        if not exchange.usable or connection.left:
            # A body that is left in the connection is for a thread to receive.
            self.unwatch(connection)
        if not exchange.usable:
            connection.close()
        if not exchange.outcome.done():
            exchange.outcome.set_result(None)

    def _check(self) -> None:
        for exchange in list(self._exchanges.values()):
            self._step(exchange, exchange.check_stall)
        loop = asyncio.get_running_loop()
        again = bool(self._exchanges)
        self._timer = loop.call_later(self._period, self._check) if again else None
