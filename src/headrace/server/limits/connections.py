"""The limits of connections: how many there are, and how long a client may take to send and to receive.

Each connection is looked at once a second, so that a request costs no timer. Times are those of the event loop.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any, Literal, cast, get_args

from aiohttp import web
from msgspec import Struct

from headrace.server.http_protocol import AnyMethodParser

_LOOK_SECONDS = 1.0
_REFUSED_SECONDS = 1.0
"""How long a refused connection stays open, so that its client can read why."""

_MOST_REFUSED = 100
"""Refused connections that are answered at a time; more are closed without an answer."""


Ending = Literal["refused", "slow_head", "slow_body", "unread"]
ENDINGS: tuple[Ending, ...] = get_args(Ending)
"""Why a connection was refused or ended: too many of them, a head or body that was too slow, an answer that was not read."""


class SlowBodyError(TimeoutError):
    """A body arrives too slowly."""


class ConnectionLimits(Struct, frozen=True, kw_only=True):
    """Limits of the connections of one process; see :class:`headrace.server.settings.ServerSettings`."""

    most: int
    most_per_peer: int
    head_seconds: float
    body_seconds: float
    body_rate: int
    unread_seconds: float


class Connections:
    """All open connections of a server in this process; ``ended`` counts those that were not left to their clients."""

    def __init__(self, limits: ConnectionLimits) -> None:
        self.limits = limits
        self.open: set[Connection] = set()
        self.refused: set[Connection] = set()
        self.ended: dict[Ending, int] = dict.fromkeys(ENDINGS, 0)
        self._peers: Counter[str] = Counter()
        self._timer: asyncio.TimerHandle | None = None

    def make(self, server: web.Server, loop: asyncio.AbstractEventLoop) -> Connection:
        """Make the protocol of a new connection."""
        return Connection(self, server, loop)

    def admit(self, connection: Connection) -> bool:
        """Enter a connection, unless there are too many; idle ones make room for it."""
        if self._has_many(connection.peer):
            self._close_idle(connection.peer)
        if len(self.open) >= self.limits.most:
            self._close_idle(None)
        if len(self.open) >= self.limits.most or self._has_many(connection.peer):
            return False
        self.open.add(connection)
        self._peers[connection.peer] += 1
        return True

    def leave(self, connection: Connection) -> None:
        """Forget a connection."""
        self.refused.discard(connection)
        if connection in self.open:
            self.open.discard(connection)
            self._peers[connection.peer] -= 1
            if not self._peers[connection.peer]:
                del self._peers[connection.peer]

    def watch(self) -> None:
        """End connections that take too long, from now on."""
        self._timer = asyncio.get_running_loop().call_later(_LOOK_SECONDS, self._look)

    def stop_watching(self) -> None:
        """Leave all connections alone."""
        if self._timer is not None:
            self._timer.cancel()

    def _look(self) -> None:
        now = asyncio.get_running_loop().time()
        for connection in list(self.open):
            connection.look(now)
        self.watch()

    def _has_many(self, peer: str) -> bool:
        # The clients of a Unix socket have no address.
        return bool(peer) and self._peers[peer] >= self.limits.most_per_peer

    def _close_idle(self, peer: str | None) -> None:
        """Close the connection, of all or of one peer, that has waited longest for a request."""
        idle = (each for each in self.open if each.is_idle and peer in (None, each.peer))
        if (oldest := min(idle, key=lambda each: each.idle_since, default=None)) is not None:
            self.leave(oldest)
            oldest.force_close()


class Connection(web.RequestHandler):
    """One connection, which is ended when its client takes too long; uses private names of aiohttp."""

    __slots__ = (
        "_connections",
        "_head_since",
        "_is_refused",
        "_left",
        "_left_since",
        "_received",
        "_window",
        "_window_since",
        "idle_since",
        "peer",
    )

    def __init__(
        self, connections: Connections, server: web.Server, loop: asyncio.AbstractEventLoop
    ) -> None:
        super().__init__(server, loop=loop, **server._kwargs)  # noqa: SLF001
        parser: Any = AnyMethodParser(self, loop)
        self._parser = parser
        self._connections = connections
        self._is_refused = False
        self._received = 0
        self._head_since: float | None = loop.time()
        self._window: Any = None
        self._window_since = 0.0
        self._left = 0
        self._left_since = 0.0
        self.idle_since = loop.time()
        self.peer = ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to serve, or refuse the connection where there are too many."""
        address = transport.get_extra_info("peername")
        self.peer = str(address[0]) if isinstance(address, tuple) else ""
        if self._connections.admit(self):
            super().connection_made(transport)
        else:
            self._refuse(cast("asyncio.Transport", transport))

    def data_received(self, data: bytes) -> None:
        """Take bytes of the client."""
        if self._is_refused:
            return
        self._received += len(data)
        super().data_received(data)
        parser: Any = self._parser
        if parser is not None and parser.in_head:
            if self._head_since is None:
                self._head_since = self._loop.time()
        else:
            self._head_since = None

    def connection_lost(self, exc: BaseException | None) -> None:
        """Forget the connection."""
        self._connections.leave(self)
        super().connection_lost(exc)

    @property
    def is_idle(self) -> bool:
        """Whether no request is under way."""
        return self._waiter is not None and not self._messages and not self._parser_has_head

    @property
    def _parser_has_head(self) -> bool:
        parser: Any = self._parser
        return parser is not None and parser.in_head

    def look(self, now: float) -> None:
        """End the connection where its client takes too long."""
        if not self.is_idle:
            self.idle_since = now
        limits = self._connections.limits
        transport = self.transport
        if transport is None:
            return
        if self._waiter is None:
            if self._head_since is not None:
                self._head_since = now
            self._look_at_answer(transport, now)
        elif self._head_since is not None and now - self._head_since >= limits.head_seconds:
            self._end_head(transport)
            return
        self._look_at_body(now)

    def _end_head(self, transport: asyncio.Transport) -> None:
        if self._parser_has_head:
            # A connection that never began a request was opened in advance, and is closed without a word.
            transport.write(_plain_answer(408, "the head of the request arrived too slowly"))
            self._connections.ended["slow_head"] += 1
        self.force_close()

    def _look_at_body(self, now: float) -> None:
        """Compare what arrived with the floor, while a handler waits for a body."""
        parser: Any = self._parser
        payload = None if parser is None else parser.payload
        if payload is None or payload.is_eof():
            self._window = None
            return
        waits = payload._waiter is not None and not self._reading_paused  # noqa: SLF001
        if payload is not self._window or not waits:
            self._window, self._window_since, self._received = payload, now, 0
            return
        limits = self._connections.limits
        seconds = now - self._window_since
        if seconds >= limits.body_seconds:
            if self._received < limits.body_rate * seconds:
                payload.set_exception(SlowBodyError("the body arrives too slowly"))
                self._connections.ended["slow_body"] += 1
            self._window_since, self._received = now, 0

    def _look_at_answer(self, transport: asyncio.Transport, now: float) -> None:
        """End the connection of a client that takes nothing of its answer."""
        left = transport.get_write_buffer_size()
        if not left or left != self._left:
            self._left, self._left_since = left, now
        elif now - self._left_since >= self._connections.limits.unread_seconds:
            transport.abort()
            self._connections.ended["unread"] += 1

    def _refuse(self, transport: asyncio.Transport) -> None:
        self._is_refused = True
        self._connections.ended["refused"] += 1
        refused = self._connections.refused
        if len(refused) >= _MOST_REFUSED:
            transport.abort()
            return
        refused.add(self)
        transport.write(_plain_answer(503, "the server has too many connections"))
        # What the client sends is read and dropped; otherwise the system could take the answer back.
        if transport.can_write_eof():
            transport.write_eof()
        self._loop.call_later(_REFUSED_SECONDS, transport.abort)

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer what is no request: without a word about it, since it may hold a token, nor about this server."""
        super().handle_error(request, status, exc, message)
        answer = web.Response(
            status=status, body=_body(_REASONS.get(status, "")), content_type="application/json"
        )
        answer.headers["Server"] = SERVER
        answer.force_close()
        return answer


SERVER = "headrace"
"""The header ``Server`` of all answers; it names no version."""

_REASONS = {400: "the request is no HTTP that this server understands", 500: "the server failed"}
_WORDS = {408: "Request Timeout", 503: "Service Unavailable"}


def _body(message: str) -> bytes:
    return b'{"message":"%b","detail":null}' % message.encode()


def _plain_answer(status: int, message: str) -> bytes:
    """Return an answer that is sent before there is a request."""
    body = _body(message)
    retry = "Retry-After: 1\r\n" if status == 503 else ""
    head = (
        f"HTTP/1.1 {status} {_WORDS[status]}\r\nServer: {SERVER}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n{retry}Connection: close\r\n\r\n"
    )
    return head.encode() + body
