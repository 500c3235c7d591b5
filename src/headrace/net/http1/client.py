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
from headrace.net.http1.connection import Line
from headrace.net.http1.origins import CONNECT_SECONDS, REST_SECONDS, Place, Places
from headrace.net.http1.pool import Carriers
from headrace.net.http1.response_head import Head
from headrace.net.response import Opened, Patience, Write


class Direct:
    """The connections of one storage session, by origin."""

    def __init__(
        self, places: Places, carriers: Carriers, patience: Patience, connections: int
    ) -> None:
        self.carriers = carriers
        self.patience = patience
        self._connections = connections
        self._places = places
        self._idle: dict[str, list[Line]] = {}
        self._lines: set[Line] = set()
        self._busy: set[Line] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._none_left: anyio.Event | None = None
        self.answers = 0

    async def get(self, place: Place, path: str, headers: Mapping[str, str]) -> Opened | None:
        """Ask for a file; None where the general way has to.

        Raises :class:`ConnectError` and :class:`TransferTimeoutError` where the answer breaks off.
        """
        try:
            request = place.request(path, headers)
        except ValueError:
            return None
        while True:
            line = self._rested(place) or await self._connected(place)
            if line is None:
                return None
            self._busy.add(line)
            try:
                head = await line.ask(request)
            except BaseException as error:
                self.let_go(line, place)
                # A connection that has rested may have been closed meanwhile.
                if isinstance(error, ConnectError) and line.answered > 1 and line.untouched:
                    continue
                raise
            self._places.heard(place, odd=head is None)
            if head is None:
                self.let_go(line, place)
                return None
            self.answers += 1
            return _Answer(self, place, line, head)

    async def aclose(self) -> None:
        """End all connections."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._none_left = anyio.Event()
        for line in list(self._lines):
            line.abort()
        if self._lines:
            with anyio.move_on_after(1):
                await self._none_left.wait()

    def _rested(self, place: Place) -> Line | None:
        idle = self._idle.get(place.origin, [])
        while idle:
            line = idle.pop()
            if line.usable:
                return line
        return None

    async def _connected(self, place: Place) -> Line | None:
        loop = asyncio.get_running_loop()
        tls = await self._places.tls() if place.encrypted else None
        line = Line(loop, place.origin, place.heads, self._gone)
        try:
            with anyio.fail_after(CONNECT_SECONDS):
                await loop.create_connection(lambda: line, place.host, place.port, ssl=tls)
        except TimeoutError:
            self._places.heard(place, odd=True)
            return None
        except (OSError, ValueError):
            return None
        self._lines.add(line)
        if self._timer is None:
            self._watch(loop)
        return line

    def let_go(self, line: Line, place: Place) -> None:
        """End with a connection's answer; it rests then, or ends."""
        self._busy.discard(line)
        usable = line.done()
        idle = self._idle.setdefault(place.origin, [])
        if usable and len(idle) < self._connections and self._none_left is None:
            line.rested_at = asyncio.get_running_loop().time()
            idle.append(line)
        else:
            line.abort()

    def _gone(self, line: Line) -> None:
        self._lines.discard(line)
        if self._none_left is not None and not self._lines:
            self._none_left.set()

    def _watch(self, loop: asyncio.AbstractEventLoop) -> None:
        """Look after all connections now and then, for as long as there are any."""
        now = loop.time()
        for line in list(self._busy):
            line.look(now, self.patience.silence, self.patience.speed)
        for place, idle in self._idle.items():
            for line in idle:
                if now - line.rested_at > REST_SECONDS:
                    line.abort()
            self._idle[place] = [line for line in idle if line.usable]
        if self._lines:
            period = max(0.02, min(1.0, self.patience.silence / 8))
            self._timer = loop.call_later(period, self._watch, loop)
        else:
            self._timer = None


class _Answer(Opened):
    """An answer that came the short way."""

    def __init__(self, direct: Direct, place: Place, line: Line, head: Head) -> None:
        self.status = head.status
        self.headers = CIMultiDict(head.fields)
        self.where = place.origin
        self.whole = line.whole
        self._direct = direct
        self._place = place
        self._line = line
        if line.can_pour:
            self.pour = self._poured

    async def _poured(self, write: Write) -> None:
        direct = self._direct
        await self._line.pour(write, direct.carriers.pour, direct.patience)

    def chunks(self) -> AsyncIterator[bytes | memoryview]:
        """The body as it comes."""
        return self._line.blocks()

    def _release(self) -> None:
        self._direct.let_go(self._line, self._place)
