"""The short way to a storage: plain GETs over HTTP/1.1 connections of our own, several times cheaper than aiohttp's.

It takes only what is plain, and says None to all else before anything of it is used; whoever asked then goes the
general way. That holds for addresses (``headrace.net.http1.origins``), for connections that do not come about (the general way
knows more tries, and says what is wrong) and for answers (``headrace.net.http1.response_head``).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping

import anyio
from multidict import CIMultiDict

from headrace.errors import ConnectError
from headrace.net.http1.connection import AsyncConnection
from headrace.net.http1.origins import CONNECT_SECONDS, REST_SECONDS, Origin, Origins
from headrace.net.http1.pool import DownloadPool
from headrace.net.http1.response_head import ResponseHead
from headrace.net.response import StallPolicy, StreamingResponse, WriteBlock


class Http1Client:
    """The connections of one storage session, by origin."""

    def __init__(
        self, origins: Origins, threads: DownloadPool, stall: StallPolicy, connections: int
    ) -> None:
        self.threads = threads
        self.stall = stall
        self._connections = connections
        self._origins = origins
        self._idle: dict[str, list[AsyncConnection]] = {}
        self._connections_open: set[AsyncConnection] = set()
        self._busy: set[AsyncConnection] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._none_left: anyio.Event | None = None
        self.responses = 0

    async def get(
        self, origin: Origin, path: str, headers: Mapping[str, str]
    ) -> StreamingResponse | None:
        """Ask for a file; None where the general way has to.

        Raises :class:`ConnectError` and :class:`TransferTimeoutError` where the answer breaks off.
        """
        try:
            request = origin.request(path, headers)
        except ValueError:
            return None
        while True:
            connection = self._rested(origin) or await self._connected(origin)
            if connection is None:
                return None
            self._busy.add(connection)
            try:
                head = await connection.ask(request)
            except BaseException as error:
                self.let_go(connection, origin)
                # A connection that has rested may have been closed meanwhile.
                if (
                    isinstance(error, ConnectError)
                    and connection.answered > 1
                    and connection.untouched
                ):
                    continue
                raise
            self._origins.record(origin, unsupported=head is None)
            if head is None:
                self.let_go(connection, origin)
                return None
            self.responses += 1
            return _ClientResponse(self, origin, connection, head)

    async def aclose(self) -> None:
        """End all connections."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._none_left = anyio.Event()
        for connection in list(self._connections_open):
            connection.abort()
        if self._connections_open:
            with anyio.move_on_after(1):
                await self._none_left.wait()

    def _rested(self, origin: Origin) -> AsyncConnection | None:
        idle = self._idle.get(origin.origin, [])
        while idle:
            connection = idle.pop()
            if connection.usable:
                return connection
        return None

    async def _connected(self, origin: Origin) -> AsyncConnection | None:
        loop = asyncio.get_running_loop()
        tls = await self._origins.tls() if origin.encrypted else None
        connection = AsyncConnection(loop, origin.origin, origin.parser, self._gone)
        try:
            with anyio.fail_after(CONNECT_SECONDS):
                await loop.create_connection(lambda: connection, origin.host, origin.port, ssl=tls)
        except TimeoutError:
            self._origins.record(origin, unsupported=True)
            return None
        except (OSError, ValueError):
            return None
        self._connections_open.add(connection)
        if self._timer is None:
            self._watch(loop)
        return connection

    def let_go(self, connection: AsyncConnection, origin: Origin) -> None:
        """End with a connection's answer; it rests then, or ends."""
        self._busy.discard(connection)
        usable = connection.done()
        idle = self._idle.setdefault(origin.origin, [])
        if usable and len(idle) < self._connections and self._none_left is None:
            connection.rested_at = asyncio.get_running_loop().time()
            idle.append(connection)
        else:
            connection.abort()

    def _gone(self, connection: AsyncConnection) -> None:
        self._connections_open.discard(connection)
        if self._none_left is not None and not self._connections_open:
            self._none_left.set()

    def _watch(self, loop: asyncio.AbstractEventLoop) -> None:
        """Look after all connections now and then, for as long as there are any."""
        now = loop.time()
        for connection in list(self._busy):
            connection.check_stall(now, self.stall.silence, self.stall.speed)
        for origin, idle in self._idle.items():
            for connection in idle:
                if now - connection.rested_at > REST_SECONDS:
                    connection.abort()
            self._idle[origin] = [connection for connection in idle if connection.usable]
        if self._connections_open:
            period = max(0.02, min(1.0, self.stall.silence / 8))
            self._timer = loop.call_later(period, self._watch, loop)
        else:
            self._timer = None


class _ClientResponse(StreamingResponse):
    """An answer that came the short way."""

    def __init__(
        self, direct: Http1Client, origin: Origin, connection: AsyncConnection, head: ResponseHead
    ) -> None:
        self.status = head.status
        self.headers = CIMultiDict(head.fields)
        self.where = origin.origin
        self.whole = connection.whole
        self._direct = direct
        self._origin = origin
        self._connection = connection
        if connection.can_write_to:
            self.write_to = self._write_to

    async def _write_to(self, write: WriteBlock) -> None:
        direct = self._direct
        await self._connection.write_to(write, direct.threads.write_body, direct.stall)

    def chunks(self) -> AsyncIterator[bytes | memoryview]:
        """The body as it comes."""
        return self._connection.blocks()

    def _release(self) -> None:
        self._direct.let_go(self._connection, self._origin)
