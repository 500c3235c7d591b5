"""A minimal HTTP/1.1 GET client for storage downloads, several times cheaper than aiohttp.

It supports plain HTTP/1.1 over TCP and TLS. Everything else is left to aiohttp (``get`` returns None): unusual URLs and
proxies (``origins``), connections that cannot be made (aiohttp tries a host's addresses in parallel and explains the
error), and responses that are not plain (``response_head``). Nothing of such a response is used.

Connections are made on the event loop, and single requests sent there. Batches of small files and large bodies are
received, hashed and written on poller threads.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping

import anyio

from headrace.errors import ConnectError, TransferError
from headrace.net.errors import broken
from headrace.net.http1.connection import Connection, connect
from headrace.net.http1.get import GetExchange
from headrace.net.http1.large_body import BLOCK, BodyWriter
from headrace.net.http1.loop_runner import LoopRunner
from headrace.net.http1.origins import CONNECT_SECONDS, REST_SECONDS, Origin, Origins
from headrace.net.http1.poller import PollerThread
from headrace.net.http1.response_head import ResponseHead
from headrace.net.response import OnFile, StallPolicy, StreamingResponse, WriteBlock

BATCH_SECONDS = 2.0
"""A batch sends no further request after this time: other requests wait, and URLs expire."""

THREADS = 4
"""The first is for small files, and enough for them unless it waits for a disk. The others are for large files."""


class Http1Client:
    """The connections and threads of one storage session; ``responses`` counts what was received.

    At most ``connections`` idle connections are kept for each origin.
    """

    def __init__(self, origins: Origins, stall: StallPolicy, connections: int) -> None:
        self.responses = 0
        self._origins = origins
        self.stall = stall
        self._connections = connections
        period = max(0.02, min(1.0, stall.silence / 8))
        self._threads = [PollerThread(period) for _ in range(THREADS)]
        self._loop_runner = LoopRunner(period)
        self._open: set[Connection] = set()
        self._idle: dict[str, list[Connection]] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False

    async def get(
        self, origin: Origin, path: str, headers: Mapping[str, str]
    ) -> StreamingResponse | None:
        """Request a file. A small body is received whole; a large one is left for the response's reader.

        Raises :class:`ConnectError` and :class:`TransferTimeoutError`.
        """
        try:
            request = origin.request(path, headers)
        except ValueError:
            return None
        while True:
            connection = await self._connection(origin)
            if connection is None:
                return None
            exchange = GetExchange(connection, iter([request]), self.stall)
            if not await self._run(exchange, None) or exchange.unsupported:
                return None
            if exchange.pending is not None:
                return _PendingResponse(self, connection, exchange.pending)
            if isinstance(exchange.next, TransferError):
                raise exchange.next
            if exchange.next is not None:
                return exchange.next
            # An idle connection was closed by the server: take another one.

    async def get_batch(
        self,
        origin: Origin,
        requests: Iterator[bytes],
        on_file: OnFile,
        may_continue: Callable[[], bool],
    ) -> GetExchange | None:
        """Request small files one after another, and pass each that arrives complete to ``on_file``, on a thread.

        ``requests`` is iterated there too, and ``may_continue`` called before each request but the first.
        Returns the exchange, which has ended; None if there was no connection.
        """
        connection = await self._connection(origin)
        if connection is None:
            return None
        until = time.monotonic() + BATCH_SECONDS
        exchange = GetExchange(
            connection,
            requests,
            self.stall,
            on_file=on_file,
            may_continue=lambda now: now < until and may_continue(),
        )
        thread = first = self._threads[0]
        if first.is_slow and first.exchanges:
            thread = min(self._threads, key=lambda each: len(each.exchanges))
        return exchange if await self._run(exchange, thread) else None

    async def write_body(self, body: BodyWriter) -> None:
        """Receive a body. Raises what its ``write`` raises, :class:`ConnectError` and :class:`TransferTimeoutError`."""
        connection = body.connection
        if connection.closed:
            raise broken(connection.origin.origin)
        self._loop_runner.unwatch(connection)
        thread = min(self._threads[1:], key=lambda each: len(each.exchanges))
        await thread.run(body)
        if body.failure is not None:
            raise body.failure
        if body.cancelled:
            # The session was closed meanwhile.
            raise broken(connection.origin.origin)

    def release(self, connection: Connection, *, keep_alive: bool) -> None:
        """Take a connection back; it is closed unless it may serve another request."""
        idle = self._idle.setdefault(connection.origin.origin, [])
        full = self._closed or len(idle) >= self._connections
        if not keep_alive or connection.closed or connection.left or full:
            self._loop_runner.unwatch(connection)
            connection.close()
            self._open.discard(connection)
            return
        loop = asyncio.get_running_loop()
        connection.rested_at = loop.time()
        idle.append(connection)
        if self._timer is None:
            self._timer = loop.call_later(REST_SECONDS, self._close_rested, loop)

    async def aclose(self) -> None:
        """End all exchanges, threads and connections."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        self._loop_runner.close()
        for thread in self._threads:
            await thread.aclose()
        self._idle.clear()
        while self._open:
            self._open.pop().close()

    async def _run(self, exchange: GetExchange, thread: PollerThread | None) -> bool:
        """Run an exchange on a thread or on the event loop; False if that is impossible.

        The connection is released, unless a body is pending.
        """
        connection = exchange.connection
        try:
            if thread is not None:
                self._loop_runner.unwatch(connection)
                await thread.run(exchange)
            else:
                await self._run_on_loop(exchange)
        except BaseException as error:
            self.release(connection, keep_alive=False)
            # An OSError: no thread can be started, or no file descriptor is left for it.
            if isinstance(error, OSError):
                return False
            raise
        if exchange.pending is None:
            self.release(connection, keep_alive=exchange.usable)
        received = exchange.delivered + (exchange.pending is not None)
        received += isinstance(exchange.next, StreamingResponse)
        self.responses += received
        if exchange.unsupported or received:
            self._origins.record(connection.origin, unsupported=exchange.unsupported)
        return True

    async def _run_on_loop(self, exchange: GetExchange) -> None:
        try:
            await self._loop_runner.run(exchange)
        except NotImplementedError:
            await self._threads[0].run(exchange)

    async def _connection(self, origin: Origin) -> Connection | None:
        self._check_open(origin)
        idle = self._idle.get(origin.origin, [])
        while idle:
            connection = idle.pop()
            if not connection.closed and connection.is_quiet:
                return connection
            self.release(connection, keep_alive=False)
        try:
            tls = await self._origins.tls() if origin.encrypted else None
            with anyio.fail_after(CONNECT_SECONDS):
                connection = await connect(origin, tls)
        except TimeoutError:
            self._origins.record(origin, unsupported=True)
            return None
        except (OSError, ValueError):
            return None
        self._open.add(connection)
        try:
            self._check_open(origin)
        except ConnectError:
            self.release(connection, keep_alive=False)
            raise
        return connection

    def discard(self) -> None:
        """Close the connections without their event loop, which is closed."""
        self._closed = True
        for connection in self._open:
            connection.close()

    def _check_open(self, origin: Origin) -> None:
        if self._closed:
            raise broken(origin.origin)

    def _close_rested(self, loop: asyncio.AbstractEventLoop) -> None:
        """Close the connections that were idle for too long."""
        before = loop.time() - REST_SECONDS
        for idle in self._idle.values():
            for connection in [each for each in idle if each.rested_at < before]:
                idle.remove(connection)
                self.release(connection, keep_alive=False)
        self._idle = {name: idle for name, idle in self._idle.items() if idle}
        again = bool(self._idle)
        self._timer = loop.call_later(REST_SECONDS, self._close_rested, loop) if again else None


class _PendingResponse(StreamingResponse):
    """A response whose body is received when it is read. In between, the server is held back by TCP."""

    def __init__(self, client: Http1Client, connection: Connection, head: ResponseHead) -> None:
        self.status = head.status
        self.headers = head.headers
        self.where = connection.origin.origin
        self.write_to = self._write_to
        self._client = client
        self._connection = connection
        self._keep_alive = head.keep_alive
        self._stall = client.stall

    async def _write_to(self, write: WriteBlock) -> None:
        body = BodyWriter(self._connection, bytearray(BLOCK), write, self._stall)
        await self._client.write_body(body)

    async def chunks(self) -> AsyncIterator[memoryview]:
        """Receive the body block by block."""
        block = bytearray(BLOCK)
        while self._connection.left:
            blocks: list[memoryview] = []
            body = BodyWriter(self._connection, block, blocks.append, self._stall, once=True)
            try:
                await self._client.write_body(body)
            except TransferError as error:
                for each in blocks:
                    yield each
                raise error
            yield blocks[0]

    def _release(self) -> None:
        self._client.release(self._connection, keep_alive=self._keep_alive)
