"""One connection that asks for one file after another and receives straight into memory: plain HTTP/1.1, and no more.

An answer that is not plain (see ``headrace.net.http1.response_head``) ends the connection unread, and the caller hears that it must be
asked for by other means. Small bodies come whole; large ones come in blocks, and the other side is held back while
nobody takes them.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import cast

from headrace.errors import TransferError
from headrace.net.errors import broken, silent, slow
from headrace.net.http1.large_body import BodyWriter
from headrace.net.http1.response_head import HeadParser, ResponseHead
from headrace.net.response import StallPolicy, WriteBlock
from headrace.threads import in_thread

WHOLE = 256 * 1024
"""Bodies of up to this many bytes are handed over in one piece."""

BLOCK = 1024 * 1024
"""Bytes of a larger body that are handed over together."""

_FIRST = 64 * 1024
"""Bytes that are received at once before it is known what comes; a head must fit into them."""

_CAN_SHARE = os.name == "posix"
"""Elsewhere a loop that does not read may have begun to."""

_AHEAD = 1
"""Blocks that may wait to be taken before the other side is held back."""


class AsyncConnection(asyncio.BufferedProtocol):
    """``where`` is the origin, ``gone`` is called when the connection has ended. One answer at a time."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        where: str,
        parser: HeadParser,
        gone: Callable[[AsyncConnection], None],
    ) -> None:
        self.where = where
        self.answered = 0
        self.rested_at = 0.0
        self.whole: memoryview | None = None
        self._loop = loop
        self._parser = parser
        self._gone = gone
        self._transport: asyncio.Transport | None = None
        self._first = bytearray(_FIRST)
        self._first_space = self._space = memoryview(self._first)
        self._filled = 0
        self._asked = False
        self._head_ready = False
        self._unsupported = False
        self._head: ResponseHead | None = None
        self._left = 0
        self._block: bytearray | None = None
        self._ready: deque[tuple[bytearray, int]] = deque()
        self._spare: list[bytearray] = []
        self._waiter: asyncio.Future[None] | None = None
        self._failure: TransferError | None = None
        self._closing = False
        self._held_back = False
        self._held_at = 0.0
        self._received_at = 0.0
        self._window_from = 0.0
        self._window_bytes = 0

    # What asks.

    @property
    def usable(self) -> bool:
        """Whether another file may be asked for."""
        return self._transport is not None and not self._closing and not self._asked

    @property
    def untouched(self) -> bool:
        """Whether nothing came of the answer: then the other side may never have seen the request."""
        return self._filled == 0 and self._head is None

    async def ask(self, request: bytes) -> ResponseHead | None:
        """Send a request; the head of its answer, once a small body has come whole. None: it is not a plain one.

        Raises :class:`ConnectError` where the connection ends first, and :class:`TransferTimeoutError`.
        """
        self._filled = 0
        if not self.usable:
            raise broken(self.where)
        self._send(request)
        while not self._head_ready:
            await self._wait()
        if self._failure is not None and self._head is None:
            raise self._failure
        return self._head

    async def blocks(self) -> AsyncIterator[memoryview]:
        """The body as it comes; what came before the connection ended comes before the error.

        A block is good until the next one is asked for: its memory is then used again.
        """
        while True:
            while self._ready:
                block, length = self._ready.popleft()
                if self._held_back and len(self._ready) < _AHEAD:
                    self._go_on()
                yield memoryview(block)[:length]
                if len(block) > BLOCK:
                    self._spare.append(block)
            if self._failure is not None:
                raise self._failure
            if self._left == 0:
                if self.whole is not None:
                    yield self.whole
                return
            await self._wait()

    @property
    def can_write_to(self) -> bool:
        """Whether the rest of the body may be taken from the socket itself: it is large, there, and not encrypted."""
        transport = self._transport
        return (
            _CAN_SHARE
            and self._block is not None
            and self._head is not None
            and self._head.length > WHOLE
            and transport is not None
            and transport.get_extra_info("sslcontext") is None
        )

    async def write_to(
        self,
        write: WriteBlock,
        bring: Callable[[BodyWriter], Awaitable[None]],
        stall: StallPolicy,
    ) -> None:
        """What :meth:`blocks` does, with a thread that receives and writes."""
        transport, block = self._transport, self._block
        sock = None if transport is None or block is None else _shared(transport)
        if transport is None or block is None or sock is None:
            # It has come, or ended, before anybody was there; or there are no more handles.
            async for each in self.blocks():
                await in_thread(write, each)
            return
        if not self._held_back:
            transport.pause_reading()
            self._held_back = True
            self._held_at = self._loop.time()
        here = [memoryview(full)[:length] for full, length in self._ready]
        self._ready.clear()
        exchange = BodyWriter(sock, self.where, here, block, self._filled, self._left, write, stall)
        await bring(exchange)
        if exchange.failure is not None:
            raise exchange.failure
        self._left = 0
        self._block = None
        self._go_on()

    def done(self) -> bool:
        """End with this answer; whether another one may be asked for. What has not come ends the connection."""
        if self._asked and (self._left or self._head is None):
            self._closing = True
        self._asked = False
        self._block = None
        self.whole = None
        self._ready.clear()
        self._spare.clear()
        self.answered += 1
        if self._closing:
            self.abort()
        return self.usable

    def abort(self) -> None:
        """End the connection at once."""
        self._closing = True
        if self._transport is not None:
            self._transport.abort()

    def check_stall(self, now: float, silence: float, speed: int) -> None:
        """Fail where the other side has said too little for too long; hand over what has gathered."""
        if not self._asked or self._failure is not None or self._complete:
            return
        if self._held_back:
            return
        self._hand_over()
        window = now - self._window_from
        if now - self._received_at >= silence:
            self._fail(silent(self.where))
        elif self._head is None:
            if window >= silence:
                self._fail(silent(self.where))
        elif window >= silence:
            if self._window_bytes < speed * window:
                self._fail(slow(self.where, self._window_bytes / window))
                return
            self._window_from, self._window_bytes = now, 0

    # What the event loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """There is a connection."""
        self._transport = cast("asyncio.Transport", transport)

    def get_buffer(self, sizehint: int) -> memoryview:
        """Where the next bytes go."""
        return self._space

    def buffer_updated(self, nbytes: int) -> None:
        """Bytes came."""
        if not self._asked or self._complete:
            # Nobody asked for them: whatever they are, the next answer would begin with them.
            self.abort()
            return
        self._received_at = self._loop.time()
        if self._head is None:
            self._filled += nbytes
            self._read_head()
            return
        if nbytes > self._left:
            nbytes = self._left
            self._closing = True
        self._filled += nbytes
        self._left -= nbytes
        self._window_bytes += nbytes
        if self._left == 0 or self._filled >= BLOCK:
            self._hand_over()
        else:
            self._space = self._space[nbytes:]

    def eof_received(self) -> bool:
        """The other side has said all that it will."""
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection has ended."""
        self._transport = None
        self._closing = True
        if self._asked and not self._complete:
            self._fail(broken(self.where, exc))
        self._gone(self)

    # Within.

    def _send(self, request: bytes) -> None:
        self._asked = True
        self._head_ready = False
        self._head = None
        self._filled = 0
        self._space = self._first_space
        self._received_at = self._window_from = self._loop.time()
        self._window_bytes = 0
        cast("asyncio.Transport", self._transport).write(request)

    @property
    def _complete(self) -> bool:
        return self._unsupported or (self._head is not None and self._left == 0)

    def _read_head(self) -> None:
        end = self._first.find(b"\r\n\r\n", 0, self._filled) + 4
        if end < 4:
            if self._filled == _FIRST:
                self._refuse()
            else:
                self._space = memoryview(self._first)[self._filled :]
            return
        head = self._parser.parse(bytes(self._first[:end]))
        if head is None:
            self._refuse()
            return
        came = min(self._filled - end, head.length)
        if came < self._filled - end or not head.keep_alive:
            self._closing = True
        self._head = head
        self._left = head.length - came
        self._window_bytes = came
        body = memoryview(self._first)[end : end + came]
        if self._left == 0:
            self.whole = memoryview(bytes(body))
            self._call()
            return
        small = head.length <= WHOLE
        # The byte more shows whether the other side sends more than it said.
        self._block = bytearray(head.length + 1) if small else self._new_block()
        self._block[:came] = body
        self._filled = came
        self._space = memoryview(self._block)[came : came + self._left + 1]
        if not small or head.status >= 300:
            self._call()

    def _refuse(self) -> None:
        self._unsupported = True
        self.abort()
        self._call()

    def _hand_over(self) -> None:
        """What has gathered is ready to be taken."""
        block, head = self._block, self._head
        if block is None or head is None or not self._filled:
            return
        if head.length <= WHOLE:
            if self._left == 0:
                self._block = None
                self.whole = memoryview(block)[: head.length]
                self._call()
            return
        self._ready.append((block, self._filled))
        self._filled = 0
        self._block = None
        if self._left:
            self._block = self._new_block()
            self._space = memoryview(self._block)[: self._left + 1]
            if len(self._ready) >= _AHEAD and not self._held_back and self._transport is not None:
                self._transport.pause_reading()
                self._held_back = True
                self._held_at = self._loop.time()
        self._wake()

    def _new_block(self) -> bytearray:
        return self._spare.pop() if self._spare else bytearray(BLOCK + 1)

    def _go_on(self) -> None:
        self._held_back = False
        now = self._loop.time()
        # That time was ours, not the other side's.
        self._received_at = now
        self._window_from += now - self._held_at
        if self._transport is not None:
            self._transport.resume_reading()

    def _fail(self, error: TransferError) -> None:
        if self._failure is None:
            self._failure = error
            if self._block is not None and self._filled:
                self._ready.append((self._block, self._filled))
            self._block = None
            self.abort()
            self._call()

    def _call(self) -> None:
        """The head may be looked at."""
        self._head_ready = True
        self._wake()

    async def _wait(self) -> None:
        self._waiter = self._loop.create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


def _shared(transport: asyncio.Transport) -> socket.socket | None:
    """Another handle of a connection's socket; None where there are no more."""
    try:
        file = os.dup(transport.get_extra_info("socket").fileno())
    except OSError:
        return None
    sock = socket.socket(fileno=file)
    sock.setblocking(False)
    return sock
