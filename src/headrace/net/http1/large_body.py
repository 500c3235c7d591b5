"""The rest of a large body, received and written by the block on a carrier's thread.

The socket is another handle of a connection that the event loop has and does not read meanwhile.
"""

from __future__ import annotations

import socket

from headrace.errors import TransferError
from headrace.net.errors import broken, silent, slow
from headrace.net.http1.exchange import Trip
from headrace.net.response import Patience, Write


class Pour(Trip):
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
        write: Write,
        patience: Patience,
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
        self._patience = patience
        self._heard_at = self._window_from = 0.0
        self._window_bytes = 0

    def begin(self, now: float) -> None:
        """Write what is here already."""
        self._heard_at = self._window_from = now
        for block in self._here:
            self._put(block)
        self._flush()

    def ready(self, now: float) -> None:
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

    def look(self, now: float) -> None:
        """Write what has gathered, then be patient or not."""
        self._flush()
        if self.ended:
            return
        patience = self._patience
        window = now - self._window_from
        if now - self._heard_at >= patience.silence:
            self._fail(silent(self._where))
        elif window >= patience.silence:
            if self._window_bytes < patience.speed * window:
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
            self.end()

    def _put(self, block: memoryview) -> None:
        if self.ended or not len(block):
            return
        try:
            self._write(block)
        except Exception as error:  # noqa: BLE001  it is raised where the trip is waited for
            self.error = error
            self.end()

    def _fail(self, failure: TransferError) -> None:
        self.failure = failure
        self._flush()
        self.end()
