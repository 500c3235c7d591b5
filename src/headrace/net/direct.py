"""The short way to a storage: plain GETs over HTTP/1.1 connections of our own, several times cheaper than aiohttp's.

It takes only what is plain, and says None to all else before anything of it is used; whoever asked then goes the
general way. That holds for addresses (proxies, names that need encoding), for connections that do not come about (the
general way knows more tries, and says what is wrong) and for answers (``headrace.net.head``). An origin that answers
otherwise three times in a row is not asked this way again.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import AsyncIterator, Callable, Iterable, Mapping

import anyio
from msgspec import Struct
from yarl import URL

from headrace.errors import ConnectError
from headrace.net.head import HeadReader
from headrace.net.line import Line, Whole
from headrace.net.opened import Opened, Patience
from headrace.net.proxies import Proxies
from headrace.net.redact import origin
from headrace.threads import in_thread

CONNECT_SECONDS = 5.0
"""A connection that takes longer is left to the general way, which tries a host's addresses side by side."""

REST_SECONDS = 15.0
"""Connections that nobody used for so long are closed."""

ODD = 3
_PLAIN = re.compile(r"(https?://([a-z0-9.-]+)(?::([0-9]{1,5}))?)(/[!\"$-~]*)")
_MOST_PLACES = 1024


class Place(Struct, frozen=True):
    """Where an address leads: its ``origin`` as hosts are called, and how to connect to it."""

    origin: str
    host: str
    port: int
    encrypted: bool
    head: bytes
    heads: HeadReader


class Direct:
    """The connections of one storage session, by origin."""

    def __init__(
        self, *, user_agent: str, patience: Patience, connections: int, proxies: Proxies
    ) -> None:
        self._patience = patience
        self._connections = connections
        self._proxies = proxies
        self._common = f"User-Agent: {user_agent}\r\nAccept: */*\r\nAccept-Encoding: identity\r\n"
        self._places: dict[str, Place | None] = {}
        self._odd: dict[str, int] = {}
        self._idle: dict[str, list[Line]] = {}
        self._lines: set[Line] = set()
        self._busy: set[Line] = set()
        self._tls: ssl.SSLContext | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._none_left: anyio.Event | None = None
        self.answers = 0

    def place(self, url: str) -> tuple[Place, str] | None:
        """Where a URL leads, and its path; None where this is no way there."""
        found = _PLAIN.fullmatch(url)
        if found is None:
            return None
        start = found[1]
        try:
            place = self._places[start]
        except KeyError:
            if len(self._places) >= _MOST_PLACES:
                self._places.clear()
            place = self._places[start] = self._found(start, found[2], found[3])
        if place is None or self._odd.get(place.origin, 0) >= ODD:
            return None
        return place, found[4]

    async def get(self, place: Place, path: str, headers: Mapping[str, str]) -> Opened | None:
        """Ask for a file; None where the general way has to.

        Raises :class:`ConnectError` and :class:`TransferTimeoutError` where the answer breaks off.
        """
        try:
            more = b"".join(_line(name, value) for name, value in headers.items())
        except ValueError:
            return None
        request = b"GET %b HTTP/1.1\r\n%b%b\r\n" % (path.encode(), place.head, more)
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
            if head is None:
                self.let_go(line, place)
                self._odd[place.origin] = self._odd.get(place.origin, 0) + 1
                return None
            self._odd.pop(place.origin, None)
            self.answers += 1
            return _Answer(self, place, line, head.status, head.headers)

    async def get_all(
        self,
        place: Place,
        paths: Iterable[str],
        came: list[Whole],
        may_go_on: Callable[[], bool],
    ) -> Opened | None:
        """Ask for small files, one after another over one connection; those that come whole are put into ``came``.

        The answer that is anything else is returned and ends it, as the end of the paths and ``may_go_on`` do. Where
        it is not plain at all there is none: the file that came next is to be asked for by itself. Raises as
        :meth:`get` does.
        """
        line = self._rested(place) or await self._connected(place)
        if line is None:
            return None
        requests = (b"GET %b HTTP/1.1\r\n%b\r\n" % (path.encode(), place.head) for path in paths)
        self._busy.add(line)
        try:
            head = await line.ask_all(requests, came, may_go_on)
        except BaseException as error:
            self.let_go(line, place)
            self.answers += len(came)
            if isinstance(error, ConnectError) and line.answered > 1 and line.untouched:
                return None
            raise
        self.answers += len(came)
        if head is None:
            self._odd[place.origin] = self._odd.get(place.origin, 0) + 1
        else:
            self._odd.pop(place.origin, None)
            if not came or came[-1].head is not head:
                self.answers += 1
                return _Answer(self, place, line, head.status, head.headers)
        self.let_go(line, place)
        return None

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

    def _found(self, start: str, host: str, port: str | None) -> Place | None:
        try:
            url = URL(start, encoded=True)
            number = url.port
            where = origin(url)
        except ValueError:
            return None
        if not number or self._proxies.between(where) is not None:
            return None
        name = host if port is None else f"{host}:{port}"
        head = f"Host: {name}\r\n{self._common}".encode("latin-1")
        return Place(where, host, number, url.scheme == "https", head, HeadReader())

    def _rested(self, place: Place) -> Line | None:
        idle = self._idle.get(place.origin, [])
        while idle:
            line = idle.pop()
            if line.usable:
                return line
        return None

    async def _connected(self, place: Place) -> Line | None:
        loop = asyncio.get_running_loop()
        if place.encrypted and self._tls is None:
            self._tls = await in_thread(_tls)
        line = Line(loop, place.origin, place.heads, self._gone)
        try:
            with anyio.fail_after(CONNECT_SECONDS):
                await loop.create_connection(
                    lambda: line,
                    place.host,
                    place.port,
                    ssl=self._tls if place.encrypted else None,
                )
        except TimeoutError:
            self._odd[place.origin] = self._odd.get(place.origin, 0) + 1
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
            line.look(now, self._patience.silence, self._patience.speed)
        for place, idle in self._idle.items():
            for line in idle:
                if now - line.rested_at > REST_SECONDS:
                    line.abort()
            self._idle[place] = [line for line in idle if line.usable]
        if self._lines:
            period = max(0.02, min(1.0, self._patience.silence / 8))
            self._timer = loop.call_later(period, self._watch, loop)
        else:
            self._timer = None


class _Answer(Opened):
    """An answer that came the short way."""

    def __init__(
        self, direct: Direct, place: Place, line: Line, status: int, headers: Mapping[str, str]
    ) -> None:
        self.status = status
        self.headers = headers
        self.where = place.origin
        self.whole = line.whole
        self._direct = direct
        self._place = place
        self._line = line

    def chunks(self) -> AsyncIterator[bytes | memoryview]:
        """The body as it comes."""
        return self._line.blocks()

    def _release(self) -> None:
        self._direct.let_go(self._line, self._place)


def _line(name: str, value: str) -> bytes:
    """A header's line; ValueError where it would be more than one, or is in no alphabet of HTTP's."""
    if not value.isprintable():
        raise ValueError(name)
    return f"{name}: {value}\r\n".encode("latin-1")


def _tls() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    return context
