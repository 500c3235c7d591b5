"""Send GET requests over one connection, one after another: a single one on the event loop, batches on a poller thread."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator

from headrace.errors import TransferError
from headrace.net.errors import broken
from headrace.net.http1.connection import HEAD_BYTES, Connection
from headrace.net.http1.exchange import Exchange
from headrace.net.http1.response_head import ResponseHead
from headrace.net.response import BufferedResponse, OnFile, StallPolicy

WHOLE = 256 * 1024
"""Bodies of up to this many bytes are received in one piece."""

HANDSHAKE_SECONDS = 5.0
"""A TLS handshake that takes longer is left to aiohttp."""


class GetExchange(Exchange):
    """Sends ``requests``, each as soon as the response before it is complete.

    With ``on_file``, each small file that arrives complete (status 200) is passed to it, and the next request is sent
    before that, as long as ``may_continue`` allows it. Without, the exchange ends with the first response.

    When it has ended, ``delivered`` files were passed on, and ``next`` is the response to the request after them, or
    the error: None if that request should be sent again. ``pending`` is the head of a response whose body is left in
    the connection: a large body, or that of an error. ``unsupported`` says that the response is one for aiohttp.
    """

    def __init__(
        self,
        connection: Connection,
        requests: Iterator[bytes],
        stall: StallPolicy,
        *,
        on_file: OnFile | None = None,
        may_continue: Callable[[float], bool] | None = None,
    ) -> None:
        super().__init__(connection, stall)
        self.delivered = 0
        self.next: BufferedResponse | TransferError | None = None
        self.pending: ResponseHead | None = None
        self.unsupported = False
        self._requests = requests
        self._on_file = on_file
        self._may_continue = may_continue
        origin = connection.origin
        self._parse = origin.parser.parse
        # No poll reports what TLS has decrypted already. In a batch, other connections have their turn.
        self._drain = origin.encrypted or on_file is None
        self._receive = connection.socket.recv_into
        self._buffer = connection.buffer
        self._all = self._space = memoryview(self._buffer)
        self._head: ResponseHead | None = None
        self._start = self._end = 0

    def start(self, now: float) -> None:
        """Send the first request, or begin the TLS handshake."""
        self._received_at = now
        if not self.connection.is_handshaken:
            self._handshake(now)
        elif not self._send(now):
            self.finish(usable=True)

    def on_readable(self, now: float) -> None:
        """Receive until the response is complete."""
        if not self.connection.is_handshaken and not self._handshake(now):
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
            self._received_at = now
            self._received += count
            if self._head is not None or self._read_head():
                if self._received >= self._end:
                    self._complete(now)
                else:
                    # One byte more than expected shows whether the server sends more than it announced.
                    self._space = self._all[self._received : self._end + 1]
            if not self._drain:
                return

    def check_stall(self, now: float) -> None:
        """Fail where the handshake or the response takes too long."""
        if self.connection.is_handshaken:
            super().check_stall(now)
        elif now - self._received_at >= HANDSHAKE_SECONDS:
            self._refuse()

    def _handshake(self, now: float) -> bool:
        try:
            if not self.connection.handshake():
                return False
        except OSError:
            # aiohttp says what is wrong with it.
            self._refuse()
            return False
        self._send(now)
        return True

    def _send(self, now: float) -> bool:
        """Send the next request; False if there is none."""
        request = next(self._requests, None)
        if request is None:
            return False
        self._head = None
        self._in_body = False
        self._received = 0
        self._space = self._all
        self._received_at = self._window_from = now
        self.connection.send(request)
        return True

    def _read_head(self) -> bool:
        """Whether the head is complete and the body is to be received here."""
        end = self._buffer.find(b"\r\n\r\n", 0, self._received) + 4
        if end < 4:
            if self._received >= HEAD_BYTES:
                self._refuse()
            else:
                self._space = self._all[self._received :]
            return False
        head = self._parse(bytes(self._all[:end]))
        if head is None:
            self._refuse()
            return False
        self._start, self._end = end, end + head.length
        if self._received < self._end and self._is_left(head):
            self._leave(head)
            return False
        self._head = head
        self._in_body = True
        self._window_received = end
        if self._end >= len(self._buffer):
            self._grow()
        return True

    def _grow(self) -> None:
        """Make room for the body: in a batch for all that follow too, else in memory that the response keeps."""
        size = self._end if self._on_file is None else HEAD_BYTES + WHOLE
        buffer = bytearray(size + 1)
        buffer[: self._received] = self._all[: self._received]
        self._buffer = buffer
        self._all = memoryview(buffer)
        if self._on_file is not None:
            self.connection.buffer = buffer

    def _is_left(self, head: ResponseHead) -> bool:
        return head.length > WHOLE or (self._on_file is None and head.status >= 300)

    def _leave(self, head: ResponseHead) -> None:
        """End before the body; in a batch the file is requested again by itself."""
        if self._on_file is None:
            self.pending = head
            self.connection.answered += 1
            self.connection.prefix = self._all[self._start : self._received]
            self.connection.left = self._end - self._received
            self.finish(usable=True)
        else:
            self.finish()

    def _complete(self, now: float) -> None:
        head, on_file = self._head, self._on_file
        assert head is not None
        body = self._all[self._start : self._end]
        keep_alive = head.keep_alive and self._received == self._end
        self.connection.answered += 1
        if on_file is None or head.status != 200 or "content-encoding" in head.fields:
            self.next = self._response(head, body)
            self.finish(usable=keep_alive)
            return
        # The server prepares the next file while this one is processed.
        sent = (
            keep_alive
            and not self.cancelled
            and (self._may_continue is None or self._may_continue(now))
            and self._send(now)
        )
        try:
            wanted = on_file(body, head.fields)
            self.delivered += 1
        except Exception as error:  # noqa: BLE001  raised where the exchange is awaited
            self.error = error
            wanted = False
        body.release()
        if not sent:
            self.finish(usable=keep_alive and wanted)
        elif not wanted:
            self.finish()

    def _break(self, error: OSError | None) -> None:
        if not self._received and self.connection.answered:
            # The server may have closed an idle connection before it saw the request.
            self.finish()
        else:
            self._fail(broken(self._where, error))

    def _fail(self, error: TransferError) -> None:
        head = self._head
        if head is None:
            self.next = error
        else:
            self.next = self._response(head, self._all[self._start : self._received], error)
        self.finish()

    def _refuse(self) -> None:
        self.unsupported = True
        self.finish()

    def _response(
        self, head: ResponseHead, body: memoryview, error: TransferError | None = None
    ) -> BufferedResponse:
        if self._buffer is self.connection.buffer:
            body = memoryview(bytes(body))
        return BufferedResponse(head.status, head.headers, self._where, body, error)
