"""Extensions of aiohttp's HTTP protocol: the method XGET, a deferred ``100 Continue``, and a discreet protocol log.

XGET is a GET with a body. aiohttp's C parser knows a closed list of methods, none of which begins with X, so it fails on
the first byte of such a request, before it has consumed anything. From there on a parser written in Python, which takes
any method, serves that connection. All other connections keep the fast parser.

This uses private names of aiohttp: its version is capped, and a canary test checks them.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable
from typing import Any

from aiohttp import web
from aiohttp.http_exceptions import BadHttpMethod, HttpProcessingError
from aiohttp.http_parser import HttpRequestParserPy

MakeConnection = Callable[[web.Server, asyncio.AbstractEventLoop], web.RequestHandler]


class AnyMethodSite(web.TCPSite):
    """A listening socket whose connections accept any method.

    Args:
        runner: The application.
        host: Address to listen on.
        port: Port to listen on; 0 chooses a free one.
        reuse_port: Whether other processes may listen on the same port.
        unix_socket: A bound socket to listen on, in place of host and port.
        make: Makes the protocol of a connection. Default: that of aiohttp, with :class:`AnyMethodParser`.
    """

    def __init__(
        self,
        runner: web.BaseRunner,
        host: str,
        port: int,
        *,
        reuse_port: bool | None = None,
        unix_socket: socket.socket | None = None,
        make: MakeConnection | None = None,
    ) -> None:
        super().__init__(runner, host, port, reuse_port=reuse_port)
        self._unix_socket = unix_socket
        self._make = make or _with_any_method

    async def start(self) -> None:
        """Bind and listen; raises ``OSError`` where the address is in use."""
        await web.BaseSite.start(self)
        server = self._runner.server
        if server is None:
            raise RuntimeError("the runner is not set up")
        loop = asyncio.get_running_loop()
        make = self._make

        def connect() -> web.RequestHandler:
            return make(server, loop)

        if self._unix_socket is not None:
            self._server = await loop.create_unix_server(
                connect, sock=self._unix_socket, backlog=self._backlog
            )
            return
        self._server = await loop.create_server(
            connect,
            self._host,
            self._port,
            ssl=self._ssl_context,
            backlog=self._backlog,
            reuse_address=self._reuse_address,
            reuse_port=self._reuse_port,
        )

    @property
    def bound_port(self) -> int:
        """The port that listens, also where port 0 was requested."""
        if self._server is None:
            raise RuntimeError("the site is not started")
        sockets: Any = getattr(self._server, "sockets", ())
        return int(sockets[0].getsockname()[1])


def _with_any_method(server: web.Server, loop: asyncio.AbstractEventLoop) -> web.RequestHandler:
    handler = server()
    parser: Any = AnyMethodParser(handler, loop)
    handler._parser = parser  # noqa: SLF001  # replaces the parser of this connection
    return handler


class AnyMethodParser:
    """Uses the C parser until it refuses a method, then the Python parser for the rest of the connection.

    ``payload`` is the body of the last request. ``in_head`` says that only a part of a request's head has arrived.
    """

    __slots__ = ("_handler", "_loop", "_parser", "_switched", "in_head", "payload")

    def __init__(self, handler: web.RequestHandler, loop: asyncio.AbstractEventLoop) -> None:
        self._handler = handler
        self._loop = loop
        self._parser: Any = handler._parser  # noqa: SLF001
        self.payload: Any = None
        self.in_head = False
        self._switched = False

    def feed_data(self, data: bytes) -> tuple[Any, bool, bytes]:
        """Parse bytes; returns the complete messages, whether the connection is upgraded, and what is left."""
        body_open = self.payload is not None and not self.payload.is_eof()
        try:
            result = self._parser.feed_data(data)
        except BadHttpMethod:
            # Switching is safe only where the fast parser holds no state: no partial head, no open body.
            if self._switched or self.in_head or body_open or not data:
                raise
            self._switch()
            result = self._parser.feed_data(data)
        messages = result[0]
        if messages:
            self.payload = messages[-1][1]
        if data:
            self.in_head = not messages and not body_open
        return result  # type: ignore[no-any-return]

    def _switch(self) -> None:
        handler = self._handler
        if handler._reading_paused:  # noqa: SLF001
            # Paused by a body that the fast parser read ahead in this segment; the Python parser reads it again.
            handler.resume_reading()
        self._parser = HttpRequestParserPy(
            handler,
            self._loop,
            handler._read_bufsize,  # noqa: SLF001
            max_line_size=handler.max_line_size,
            max_field_size=handler.max_field_size,
            max_headers=handler.max_headers,
            payload_exception=web.RequestPayloadError,
            auto_decompress=False,
            max_msg_queue_size=handler._max_msg_queue_size,  # noqa: SLF001
        )
        self._switched = True

    def __getattr__(self, name: str) -> Any:
        return getattr(self._parser, name)


async def defer_continue(request: web.Request) -> None:
    """Replace aiohttp's Expect handler, which sends ``100 Continue`` before the token has been checked."""


async def send_continue(request: web.Request) -> None:
    """Send ``100 Continue`` now, where the client waits for it."""
    if request.headers.get("Expect", "").lower() == "100-continue" and request.transport:
        request.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")


_BY_CLIENTS = (HttpProcessingError, ConnectionError)


class ProtocolLog(logging.LoggerAdapter[logging.Logger]):
    """Logs aiohttp's protocol errors without quoting the request, which may hold a token."""

    def __init__(self) -> None:
        super().__init__(logging.getLogger("headrace.server.protocol"), None)

    def exception(self, msg: object, *args: object, exc_info: Any = None, **more: Any) -> None:
        """Log an error in one line, by the name of its class; what any client can provoke is no warning."""
        level = logging.INFO if isinstance(exc_info, _BY_CLIENTS) else logging.WARNING
        text = str(msg) % args if args else msg
        self.log(level, "%s: %s", text, type(exc_info).__name__)

    def debug(self, msg: object, *args: object, exc_info: Any = None, **more: Any) -> None:
        """Log in the same way at the lowest level."""
        if self.isEnabledFor(logging.DEBUG):
            reason = f": {type(exc_info).__name__}" if exc_info else ""
            self.log(logging.DEBUG, "%s%s", str(msg) % args if args else msg, reason)
