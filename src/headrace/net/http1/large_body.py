"""The rest of a large body, received and written by the block on a thread's thread.

The socket is another handle of a connection that the event loop has and does not read meanwhile.
"""

from __future__ import annotations

import socket

from headrace.errors import TransferError
from headrace.net.errors import broken, silent, slow
from headrace.net.http1.exchange import Exchange
from headrace.net.response import StallPolicy, WriteBlock


class BodyWriter(Exchange):
    """``left`` bytes to come after those that are ``here`` and those that fill the ``block`` so far.

    ``failure`` is what it broke off with, when all that came was written. ``sock`` is closed when it has ended.
    """

    def __init__(
        self,
        sock: socket.socket,
        where: str,
        here: list[memoryview],
        block: bytearray,
        filled: int,
        left: int,
        write: WriteBlock,
        stall: StallPolicy,
    ) -> None:
        super().__init__(sock.fileno())
        self.failure: TransferError | None = None
        self._socket = sock
        self._where = where
        self._here = here
        self._space = memoryview(block)
        self._filled = filled
        self._left = left
        self._write = write
        self._stall = stall
        self._heard_at = self._window_from = 0.0
        self._window_bytes = 0

    def start(self, now: float) -> None:
        """Write what is here already."""
        self._heard_at = self._window_from = now
        for block in self._here:
            self._put(block)
        self._flush()

    def on_readable(self, now: float) -> None:
        """Receive until there is no more for now, or a block is full."""
        self._heard_at = now
        space, receive = self._space, self._socket.recv_into
        room = len(space)
        while self._left and self._filled < room:
            try:
                count = receive(space[self._filled :], min(self._left, room - self._filled))
            except BlockingIOError:
                return
            except OSError as error:
                self._fail(broken(self._where, error))
                return
            if not count:
                self._fail(broken(self._where))
                return
            self._filled += count
            self._left -= count
            self._window_bytes += count
        self._flush()

    def check_stall(self, now: float) -> None:
        """Write what has gathered, then be patient or not."""
        self._flush()
        if self.ended:
            return
        stall = self._stall
        window = now - self._window_from
        if now - self._heard_at >= stall.silence:
            self._fail(silent(self._where))
        elif window >= stall.silence:
            if self._window_bytes < stall.speed * window:
                self._fail(slow(self._where, self._window_bytes / window))
                return
            self._window_from, self._window_bytes = now, 0

    def close(self) -> None:
        """Close this handle; the connection has its own."""
        self._socket.close()

    def _flush(self) -> None:
        filled, self._filled = self._filled, 0
        self._put(self._space[:filled])
        if not self._left:
            self.finish()

    def _put(self, block: memoryview) -> None:
        if self.ended or not len(block):
            return
        try:
            self._write(block)
        except Exception as error:  # noqa: BLE001  it is raised where the exchange is waited for
            self.error = error
            self.finish()

    def _fail(self, failure: TransferError) -> None:
        self.failure = failure
        self._flush()
        self.finish()
