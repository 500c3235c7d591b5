"""One connection over which small files come, one after another, each given to whoever takes it on the spot.

An answer that is not plain (see ``headrace.net.http1.response_head``), is no file or is too long ends the batch, as the end of the
connection does; what is known of the file that comes next is left in ``next``.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
from collections.abc import Callable, Iterator

from multidict import CIMultiDict

from headrace.errors import TransferError
from headrace.net.errors import broken, silent, slow
from headrace.net.http1.exchange import Exchange
from headrace.net.http1.origins import Origin
from headrace.net.http1.response_head import ResponseHead
from headrace.net.response import BufferedResponse, StallPolicy, StreamingResponse

WHOLE = 256 * 1024
"""Bodies of more bytes than that come another way."""

SHAKE_SECONDS = 5.0
"""A TLS handshake that takes longer is left to the general way."""

_FIRST = 64 * 1024
"""Bytes that are received at once before it is known what comes; a head must fit into them."""

OnFile = Callable[[memoryview, dict[str, str]], bool]
"""Gets a whole file and the fields of its head, both for as long as it runs; False ends the batch. It may block."""


class BatchConnection:
    """A socket that does not block, how many ``answered`` requests it has seen, and the memory for the next answer."""

    __slots__ = ("answered", "buffer", "rested_at", "shaken", "socket")

    def __init__(self, sock: socket.socket) -> None:
        self.socket = sock
        self.answered = 0
        self.buffer = bytearray(_FIRST)
        self.rested_at = 0.0
        self.shaken = not isinstance(sock, ssl.SSLSocket)

    @property
    def is_quiet(self) -> bool:
        """Whether it is there still, with nothing to be read that nobody asked for."""
        try:
            return not socket.socket.recv(self.socket, 1, socket.MSG_PEEK)
        except BlockingIOError:
            return True
        except OSError:
            return False

    def close(self) -> None:
        """End it."""
        self.socket.close()


class KeepAliveBatch(Exchange):
    """``requests`` over one connection, each made when it is sent, and none after ``until`` on the monotonic clock.

    When it has ended, ``delivered`` of their files came whole, and ``next`` is what asking for the next one has come to:
    an answer or an error, None where it is to be asked for anew. ``unsupported`` says that the answer was not plain.
    """

    def __init__(
        self,
        connection: BatchConnection,
        origin: Origin,
        requests: Iterator[bytes],
        take: OnFile,
        may_go_on: Callable[[], bool],
        until: float,
        stall: StallPolicy,
    ) -> None:
        super().__init__(connection.socket.fileno())
        self.connection = connection
        self.delivered = 0
        self.next: StreamingResponse | TransferError | None = None
        self.unsupported = False
        self._where = origin.origin
        self._read = origin.parser.parse
        self._requests = requests
        self._take = take
        self._may_go_on = may_go_on
        self._until = until
        self._stall = stall
        self._encrypted = origin.encrypted
        self._receive = connection.socket.recv_into
        self._buffer = connection.buffer
        self._all = self._space = memoryview(self._buffer)
        self._filled = 0
        self._head: ResponseHead | None = None
        self._start = self._end = 0
        self._heard_at = self._window_from = 0.0
        self._window_filled = 0

    def start(self, now: float) -> None:
        """Ask for the first file, or for a handshake."""
        self._heard_at = now
        if not self.connection.shaken:
            self._shake(now)
        elif not self._ask(now):
            self.finish(usable=True)

    def on_readable(self, now: float) -> None:
        """There is something to be read, or the connection has ended."""
        if not self.connection.shaken and not self._shake(now):
            return
        while not self.ended:
            try:
                count = self._receive(self._space)
            except (BlockingIOError, ssl.SSLWantReadError):
                return
            except OSError as error:
                self._break(error)
                return
            if not count:
                self._break(None)
                return
            self._heard_at = now
            self._filled += count
            if self._head is not None or self._read_head():
                if self._filled >= self._end:
                    self._came(now)
                else:
                    # The byte more shows whether the other side sends more than it said.
                    self._space = self._all[self._filled : self._end + 1]
            # What TLS has unpacked already makes no socket readable.
            if not self._encrypted:
                return

    def check_stall(self, now: float) -> None:
        """End where the other side has said too little for too long."""
        stall = self._stall
        if not self.connection.shaken:
            if now - self._heard_at >= SHAKE_SECONDS:
                self.unsupported = True
                self.finish()
            return
        window = now - self._window_from
        if now - self._heard_at >= stall.silence:
            self._fail(silent(self._where))
        elif self._head is None:
            if window >= stall.silence:
                self._fail(silent(self._where))
        elif window >= stall.silence:
            came = self._filled - self._window_filled
            if came < stall.speed * window:
                self._fail(slow(self._where, came / window))
                return
            self._window_from, self._window_filled = now, self._filled

    def close(self) -> None:
        """End the connection."""
        self.connection.close()

    def _shake(self, now: float) -> bool:
        sock = self.connection.socket
        try:
            if isinstance(sock, ssl.SSLSocket):
                sock.do_handshake()
        except ssl.SSLWantReadError:
            return False
        except OSError:
            # The general way says what is wrong with it.
            self.unsupported = True
            self.finish()
            return False
        self.connection.shaken = True
        self._ask(now)
        return True

    def _ask(self, now: float) -> bool:
        """Send the next request; False where there is none."""
        request = next(self._requests, None)
        if request is None:
            return False
        self._head = None
        self._filled = 0
        self._space = self._all
        self._heard_at = self._window_from = now
        try:
            sent = self.connection.socket.send(request)
        except OSError:
            sent = 0
        if sent < len(request):
            # Not taken at once although nothing lies before it: the connection is no good, and reading will say so.
            with contextlib.suppress(OSError):
                self.connection.socket.shutdown(socket.SHUT_RDWR)
        return True

    def _read_head(self) -> bool:
        end = self._buffer.find(b"\r\n\r\n", 0, self._filled) + 4
        if end < 4:
            if self._filled >= _FIRST:
                self.unsupported = True
                self.finish()
            else:
                self._space = self._all[self._filled :]
            return False
        head = self._read(bytes(self._all[:end]))
        if head is None or head.length > WHOLE:
            self.unsupported = head is None
            self.finish()
            return False
        self._head = head
        self._start, self._end = end, end + head.length
        self._window_filled = end
        if self._end >= len(self._buffer):
            buffer = bytearray(_FIRST + WHOLE + 1)
            buffer[: self._filled] = self._all[: self._filled]
            self.connection.buffer = self._buffer = buffer
            self._all = memoryview(buffer)
        return True

    def _came(self, now: float) -> None:
        head = self._head
        assert head is not None
        body = self._all[self._start : self._end]
        keep_alive = head.keep_alive and self._filled == self._end
        self.connection.answered += 1
        if head.status != 200 or "content-encoding" in head.fields:
            self.next = self._opened(head, bytes(body))
            self.finish(usable=keep_alive)
            return
        # The other side prepares the next file while this one is taken.
        going = (
            keep_alive
            and now < self._until
            and not self.cancelled
            and self._may_go_on()
            and self._ask(now)
        )
        try:
            wanted = self._take(body, head.fields)
            self.delivered += 1
        except Exception as error:  # noqa: BLE001  it is raised where the batch is waited for
            self.error = error
            wanted = False
        body.release()
        if not going:
            self.finish(usable=keep_alive and wanted)
        elif not wanted:
            self.finish()

    def _break(self, error: OSError | None) -> None:
        if not self._filled and self.connection.answered:
            # A connection that has rested may have been closed meanwhile: the request may never have been seen.
            self.finish()
        else:
            self._fail(broken(self._where, error))

    def _fail(self, error: TransferError) -> None:
        head = self._head
        if head is None:
            self.next = error
        else:
            self.next = self._opened(head, bytes(self._all[self._start : self._filled]), error)
        self.finish()

    def _opened(
        self, head: ResponseHead, body: bytes, error: TransferError | None = None
    ) -> BufferedResponse:
        return BufferedResponse(head.status, CIMultiDict(head.fields), self._where, body, error)
