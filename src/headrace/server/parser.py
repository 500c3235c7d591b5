"""XGET: a GET with a body, under a name that aiohttp's fast parser refuses.

The C parser knows a closed list of methods, none of which begins with X. So it fails on the very first byte of such a
message, before it has taken anything in, and from there on a parser written in Python, which takes any method, serves
that one connection. All other connections keep the fast parser.

This reaches into names that aiohttp does not promise to keep: the version is capped and a canary test drives it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from aiohttp import web
from aiohttp.http_exceptions import BadHttpMethod
from aiohttp.http_parser import HttpRequestParserPy


class AnyMethodSite(web.TCPSite):
    """A listening socket whose connections accept any method."""

    async def start(self) -> None:
        """Bind and listen; ``OSError`` where the address is taken."""
        await web.BaseSite.start(self)
        server = self._runner.server
        if server is None:
            raise RuntimeError("the runner is not set up")
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            _connections(server, loop),
            self._host,
            self._port,
            ssl=self._ssl_context,
            backlog=self._backlog,
            reuse_address=self._reuse_address,
            reuse_port=self._reuse_port,
        )

    @property
    def bound_port(self) -> int:
        """The port that listens, also where port 0 was asked."""
        if self._server is None:
            raise RuntimeError("the site is not started")
        sockets: Any = getattr(self._server, "sockets", ())
        return int(sockets[0].getsockname()[1])


def _connections(
    server: web.Server, loop: asyncio.AbstractEventLoop
) -> Callable[[], web.RequestHandler]:
    def connect() -> web.RequestHandler:
        handler = server()
        parser: Any = _AnyMethodParser(handler, loop)
        handler._parser = parser  # noqa: SLF001  # the hand-over itself
        return handler

    return connect


class _AnyMethodParser:
    """The C parser until it refuses a method, then the Python one for the rest of the connection."""

    __slots__ = ("_handler", "_in_head", "_loop", "_parser", "_payload", "_switched")

    def __init__(self, handler: web.RequestHandler, loop: asyncio.AbstractEventLoop) -> None:
        self._handler = handler
        self._loop = loop
        self._parser: Any = handler._parser  # noqa: SLF001
        self._payload: Any = None
        self._in_head = False
        self._switched = False

    def feed_data(self, data: bytes) -> tuple[Any, bool, bytes]:
        if self._switched:
            return self._parser.feed_data(data)  # type: ignore[no-any-return]
        body_open = self._payload is not None and not self._payload.is_eof()
        try:
            answer = self._parser.feed_data(data)
        except BadHttpMethod:
            # Handing over is sound only where the fast parser owes nothing: no half head, no open body, no backlog.
            if self._in_head or body_open or not data:
                raise
            self._switch()
            return self._parser.feed_data(data)  # type: ignore[no-any-return]
        messages = answer[0]
        if messages:
            self._payload = messages[-1][1]
        if data:
            self._in_head = not messages and not body_open
        return answer  # type: ignore[no-any-return]

    def _switch(self) -> None:
        handler = self._handler
        if handler._reading_paused:  # noqa: SLF001
            # By a body that the fast parser read ahead in this very segment, and that is about to be read anew.
            handler.resume_reading()
        self._parser = HttpRequestParserPy(
            handler,
            self._loop,
            handler._read_bufsize,  # noqa: SLF001
            max_line_size=handler.max_line_size,
            max_field_size=handler.max_field_size,
            max_headers=handler.max_headers,
            payload_exception=web.RequestPayloadError,
            auto_decompress=True,
            max_msg_queue_size=handler._max_msg_queue_size,  # noqa: SLF001
        )
        self._switched = True

    def __getattr__(self, name: str) -> Any:
        return getattr(self._parser, name)
