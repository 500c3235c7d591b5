"""Receive the rest of a large body on a poller thread, block by block."""

from __future__ import annotations

import ssl

from headrace.errors import TransferError
from headrace.net.errors import broken
from headrace.net.http1.connection import Connection
from headrace.net.http1.exchange import Exchange
from headrace.net.response import StallPolicy, WriteBlock

BLOCK = 1024 * 1024
"""Bytes that are written together."""


class BodyWriter(Exchange):
    """Calls ``write`` with each block of a body, on the poller thread; with ``once`` it ends after the first block.

    ``block`` is the memory of the blocks. When the connection breaks, ``failure`` is the error, and all that was
    received before has been written.
    """

    def __init__(
        self,
        connection: Connection,
        block: bytearray,
        write: WriteBlock,
        stall: StallPolicy,
        *,
        once: bool = False,
    ) -> None:
        super().__init__(connection, stall)
        self.failure: TransferError | None = None
        self._block = memoryview(block)
        self._write = write
        self._once = once
        self._in_body = True
        # What came with the head is the beginning of the first block.
        self._filled = len(connection.prefix)
        self._block[: self._filled] = connection.prefix
        connection.prefix = memoryview(b"")

    def start(self, now: float) -> None:
        """Receive what is there."""
        self._received_at = self._window_from = now
        self.on_readable(now)

    def on_readable(self, now: float) -> None:
        """Receive until nothing is left to read, or a block is full."""
        self._receive(now, len(self._block))
        if not self.ended and (decrypted := self.connection.decrypted):
            self._receive(now, decrypted)

    def check_stall(self, now: float) -> None:
        """Write what has gathered, then look at the time."""
        if self._filled:
            self._flush()
        if not self.ended:
            super().check_stall(now)

    def _receive(self, now: float, size: int) -> None:
        connection, block = self.connection, self._block
        receive = connection.socket.recv_into
        while connection.left and self._filled < size:
            wanted = min(connection.left, size - self._filled)
            try:
                count = receive(block[self._filled :], wanted)
            except (BlockingIOError, ssl.SSLWantReadError):
                return
            except OSError as error:
                self._fail(broken(self._where, error))
                return
            if not count:
                self._fail(broken(self._where))
                return
            self._received_at = now
            self._filled += count
            self._received += count
            connection.left -= count
        self._flush()

    def _flush(self) -> None:
        filled, self._filled = self._filled, 0
        try:
            self._write(self._block[:filled])
        except Exception as error:  # noqa: BLE001  raised where the exchange is awaited
            self.error = error
            self.finish()
            return
        if self._once or not self.connection.left:
            self.finish(usable=True)

    def _fail(self, error: TransferError) -> None:
        self.failure = error
        if self._filled:
            self._flush()
        self.finish()
