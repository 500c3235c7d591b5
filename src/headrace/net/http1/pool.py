"""The threads on which one storage session brings files, and the connections over which small ones come together.

Such a connection is made here, lent to a lane on a thread, and rests here until the next lane wants it. Where none comes
about, the general way has to be taken: it knows more tries, and says what is wrong.
"""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable, Iterator
from typing import Any

import anyio

from headrace.net.http1.large_body import Pour
from headrace.net.http1.origins import CONNECT_SECONDS, REST_SECONDS, Place, Places
from headrace.net.http1.poller import Carrier
from headrace.net.http1.small_files import Connection, Lane, Take
from headrace.net.response import Opened, Patience

TURN_SECONDS = 2.0
"""No further file is asked for in a lane that has lasted so long: others wait, and URLs end."""

SIDE_BY_SIDE = 4
"""Threads where it is the disk that they wait for; else there is one."""


class Carriers:
    """Small files by the lane, whose ``answers`` are counted, and large ones by themselves."""

    def __init__(self, places: Places, patience: Patience, connections: int) -> None:
        period = max(0.02, min(1.0, patience.silence / 8))
        self._carriers = [Carrier(period) for _ in range(SIDE_BY_SIDE)]
        self._places = places
        self._patience = patience
        self._connections = connections
        self._resting: dict[str, list[Connection]] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False
        self.answers = 0

    async def carry(
        self, place: Place, requests: Iterator[bytes], take: Take, may_go_on: Callable[[], bool]
    ) -> Lane | None:
        """Ask for files one after another, and let each that comes whole be taken, on a thread.

        ``requests`` and ``may_go_on`` are asked there too, before each but the first.
        The lane that is returned has ended. None: there was no connection.
        """
        connection = self._rested(place) or await self._connected(place)
        if connection is None:
            return None
        until = time.monotonic() + TURN_SECONDS
        lane = Lane(connection, place, requests, take, may_go_on, until, self._patience)
        carrier = first = self._carriers[0]
        if first.is_slow and first.trips:
            carrier = min(self._carriers, key=lambda each: each.trips)
        try:
            await carrier.carry(lane)
        except OSError:
            # There is no thread, or no handle for it.
            return None
        finally:
            self._rest(lane, place)
        came = lane.taken + isinstance(lane.after, Opened)
        self.answers += came
        if lane.odd or came:
            self._places.heard(place, odd=lane.odd)
        return lane

    async def pour(self, trip: Pour) -> None:
        """Bring the rest of a large body: such trips have the threads that small files do not need."""
        await min(self._carriers[1:], key=lambda each: each.trips).carry(trip)

    async def aclose(self) -> None:
        """End all connections, and the threads."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        self._prune(float("inf"))
        for carrier in self._carriers:
            await carrier.aclose()

    def _rested(self, place: Place) -> Connection | None:
        resting = self._resting.get(place.origin, [])
        while resting:
            connection = resting.pop()
            if connection.is_quiet:
                return connection
            connection.close()
        return None

    def _rest(self, lane: Lane, place: Place) -> None:
        if not lane.usable:
            return
        resting = self._resting.setdefault(place.origin, [])
        if self._closed or len(resting) >= self._connections:
            lane.connection.close()
            return
        loop = asyncio.get_running_loop()
        lane.connection.rested_at = loop.time()
        resting.append(lane.connection)
        if self._timer is None:
            self._timer = loop.call_later(REST_SECONDS, self._look, loop)

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        """Close what has rested for too long, for as long as anything rests."""
        self._prune(loop.time() - REST_SECONDS)
        self._timer = loop.call_later(REST_SECONDS, self._look, loop) if self._resting else None

    def _prune(self, before: float) -> None:
        for place, resting in list(self._resting.items()):
            for connection in resting:
                if connection.rested_at < before:
                    connection.close()
            self._resting[place] = [each for each in resting if each.rested_at >= before]
            if not self._resting[place]:
                del self._resting[place]

    async def _connected(self, place: Place) -> Connection | None:
        loop = asyncio.get_running_loop()
        try:
            with anyio.fail_after(CONNECT_SECONDS):
                sock = await _connected(loop, place)
        except TimeoutError:
            self._places.heard(place, odd=True)
            return None
        except (OSError, ValueError):
            return None
        if not place.encrypted:
            return Connection(sock)
        try:
            context = await self._places.tls()
            return Connection(
                context.wrap_socket(sock, server_hostname=place.host, do_handshake_on_connect=False)
            )
        except BaseException as error:
            sock.close()
            if isinstance(error, OSError | ValueError):
                return None
            raise


async def _connected(loop: asyncio.AbstractEventLoop, place: Place) -> socket.socket:
    """A connection to the first of the host's addresses that takes one; raises OSError."""
    failure: OSError | None = None
    for family, kind, protocol, _, address in await _addresses(loop, place):
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


async def _addresses(loop: asyncio.AbstractEventLoop, place: Place) -> list[Any]:
    try:
        # A number needs nobody to be asked.
        host = place.host.encode("ascii")
        flags = socket.AI_NUMERICHOST
        return socket.getaddrinfo(host, place.port, type=socket.SOCK_STREAM, flags=flags)
    except OSError:
        return await loop.getaddrinfo(place.host, place.port, type=socket.SOCK_STREAM)
