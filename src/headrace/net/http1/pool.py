"""The threads on which one storage session brings files, and the connections over which small ones come together.

Such a connection is made here, lent to a batch on a thread, and rests here until the next batch wants it. Where none comes
about, the general way has to be taken: it knows more tries, and says what is wrong.
"""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable, Iterator
from typing import Any

import anyio

from headrace.net.http1.large_body import BodyWriter
from headrace.net.http1.origins import CONNECT_SECONDS, REST_SECONDS, Origin, Origins
from headrace.net.http1.poller import PollerThread
from headrace.net.http1.small_files import BatchConnection, KeepAliveBatch, OnFile
from headrace.net.response import StallPolicy, StreamingResponse

TURN_SECONDS = 2.0
"""No further file is asked for in a batch that has lasted so long: others wait, and URLs end."""

SIDE_BY_SIDE = 4
"""Threads where it is the disk that they wait for; else there is one."""


class DownloadPool:
    """Small files by the batch, whose ``responses`` are counted, and large ones by themselves."""

    def __init__(self, origins: Origins, stall: StallPolicy, connections: int) -> None:
        period = max(0.02, min(1.0, stall.silence / 8))
        self._threads = [PollerThread(period) for _ in range(SIDE_BY_SIDE)]
        self._origins = origins
        self._stall = stall
        self._connections = connections
        self._resting: dict[str, list[BatchConnection]] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False
        self.responses = 0

    async def run_batch(
        self, origin: Origin, requests: Iterator[bytes], take: OnFile, may_go_on: Callable[[], bool]
    ) -> KeepAliveBatch | None:
        """Ask for files one after another, and let each that comes whole be taken, on a thread.

        ``requests`` and ``may_go_on`` are asked there too, before each but the first.
        The batch that is returned has ended. None: there was no connection.
        """
        connection = self._rested(origin) or await self._connected(origin)
        if connection is None:
            return None
        until = time.monotonic() + TURN_SECONDS
        batch = KeepAliveBatch(connection, origin, requests, take, may_go_on, until, self._stall)
        thread = first = self._threads[0]
        if first.is_slow and first.exchanges:
            thread = min(self._threads, key=lambda each: each.exchanges)
        try:
            await thread.run(batch)
        except OSError:
            # There is no thread, or no handle for it.
            return None
        finally:
            self._rest(batch, origin)
        came = batch.delivered + isinstance(batch.next, StreamingResponse)
        self.responses += came
        if batch.unsupported or came:
            self._origins.record(origin, unsupported=batch.unsupported)
        return batch

    async def write_body(self, exchange: BodyWriter) -> None:
        """Bring the rest of a large body: such exchanges have the threads that small files do not need."""
        await min(self._threads[1:], key=lambda each: each.exchanges).run(exchange)

    async def aclose(self) -> None:
        """End all connections, and the threads."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        self._prune(float("inf"))
        for thread in self._threads:
            await thread.aclose()

    def _rested(self, origin: Origin) -> BatchConnection | None:
        resting = self._resting.get(origin.origin, [])
        while resting:
            connection = resting.pop()
            if connection.is_quiet:
                return connection
            connection.close()
        return None

    def _rest(self, batch: KeepAliveBatch, origin: Origin) -> None:
        if not batch.usable:
            return
        resting = self._resting.setdefault(origin.origin, [])
        if self._closed or len(resting) >= self._connections:
            batch.connection.close()
            return
        loop = asyncio.get_running_loop()
        batch.connection.rested_at = loop.time()
        resting.append(batch.connection)
        if self._timer is None:
            self._timer = loop.call_later(REST_SECONDS, self._look, loop)

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        """Close what has rested for too long, for as long as anything rests."""
        self._prune(loop.time() - REST_SECONDS)
        self._timer = loop.call_later(REST_SECONDS, self._look, loop) if self._resting else None

    def _prune(self, before: float) -> None:
        for origin, resting in list(self._resting.items()):
            for connection in resting:
                if connection.rested_at < before:
                    connection.close()
            self._resting[origin] = [each for each in resting if each.rested_at >= before]
            if not self._resting[origin]:
                del self._resting[origin]

    async def _connected(self, origin: Origin) -> BatchConnection | None:
        loop = asyncio.get_running_loop()
        try:
            with anyio.fail_after(CONNECT_SECONDS):
                sock = await _connected(loop, origin)
        except TimeoutError:
            self._origins.record(origin, unsupported=True)
            return None
        except (OSError, ValueError):
            return None
        if not origin.encrypted:
            return BatchConnection(sock)
        try:
            context = await self._origins.tls()
            return BatchConnection(
                context.wrap_socket(
                    sock, server_hostname=origin.host, do_handshake_on_connect=False
                )
            )
        except BaseException as error:
            sock.close()
            if isinstance(error, OSError | ValueError):
                return None
            raise


async def _connected(loop: asyncio.AbstractEventLoop, origin: Origin) -> socket.socket:
    """A connection to the first of the host's addresses that takes one; raises OSError."""
    failure: OSError | None = None
    for family, kind, protocol, _, address in await _addresses(loop, origin):
        sock = socket.socket(family, kind, protocol)
        try:
            sock.setblocking(False)
            await loop.sock_connect(sock, address)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError as error:
            sock.close()
            failure = error
        except BaseException:
            sock.close()
            raise
        else:
            return sock
    raise failure or OSError("no address")


async def _addresses(loop: asyncio.AbstractEventLoop, origin: Origin) -> list[Any]:
    try:
        # A number needs nobody to be asked.
        host = origin.host.encode("ascii")
        flags = socket.AI_NUMERICHOST
        return socket.getaddrinfo(host, origin.port, type=socket.SOCK_STREAM, flags=flags)
    except OSError:
        return await loop.getaddrinfo(origin.host, origin.port, type=socket.SOCK_STREAM)
