"""The base class of what is done over one connection, on a poller thread or on the event loop."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod

from headrace.errors import TransferError
from headrace.net.errors import silent, slow
from headrace.net.http1.connection import Connection
from headrace.net.response import StallPolicy


class Exchange(ABC):
    """Started once, then called whenever the socket is readable and at regular intervals, until it has ended.

    All methods but :meth:`cancel` run on one thread. ``outcome`` belongs to the event loop; it is done when the
    exchange has ended. ``error`` is an exception that is not the server's fault. ``usable`` says that the connection
    stays open; otherwise the poller closes it.
    """

    def __init__(self, connection: Connection, stall: StallPolicy) -> None:
        self.connection = connection
        self.file = connection.socket.fileno()
        self.outcome: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.error: Exception | None = None
        self.ended = False
        self.usable = False
        self.cancelled = False
        self._where = connection.origin.origin
        self._stall = stall
        self._in_body = False
        self._received = 0
        self._received_at = self._window_from = 0.0
        self._window_received = 0

    @abstractmethod
    def start(self, now: float) -> None:
        """Begin; ``now`` is the monotonic clock."""

    @abstractmethod
    def on_readable(self, now: float) -> None:
        """Receive: there are bytes, or the connection has ended."""

    @abstractmethod
    def _fail(self, error: TransferError) -> None:
        """End because of the server."""

    def check_stall(self, now: float) -> None:
        """Fail where the server sent nothing, or too little, for the time that the policy allows."""
        stall = self._stall
        window = now - self._window_from
        if now - self._received_at >= stall.silence:
            self._fail(silent(self._where))
        elif window >= stall.silence:
            received = self._received - self._window_received
            if not self._in_body:
                self._fail(silent(self._where))
            elif received < stall.speed * window:
                self._fail(slow(self._where, received / window))
            else:
                self._window_from, self._window_received = now, self._received

    def cancel(self) -> None:
        """Ask the poller thread to end the exchange as soon as it looks. Any thread may call this."""
        self.cancelled = True

    def finish(self, *, usable: bool = False) -> None:
        """End the exchange."""
        self.ended = True
        self.usable = usable
