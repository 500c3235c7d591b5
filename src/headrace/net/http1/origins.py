"""The origins that the HTTP/1.1 client supports: parsing URLs, building requests, remembering failures."""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterator, Mapping

from msgspec import Struct
from yarl import URL

from headrace.net.http1.response_head import HeadParser
from headrace.net.urls import Proxies, origin
from headrace.threads import in_thread

CONNECT_SECONDS = 5.0
"""A connection that takes longer is left to aiohttp, which tries a host's addresses in parallel."""

REST_SECONDS = 15.0
"""Idle connections are closed after this time."""

MAX_UNSUPPORTED = 3
"""After this many unsupported responses in a row, an origin is left to aiohttp."""

_PLAIN = re.compile(r"(https?://([a-z0-9.-]+)(?::([0-9]{1,5}))?)(/[!\"$-~]*)")
_PATH = re.compile(r"/[!\"$-~]*")
_MAX_ORIGINS = 1024


class Origin(Struct, frozen=True):
    """The scheme, host and port of URLs.

    Attributes:
        origin: As ``scheme://host:port``.
        host: Name or address to connect to.
        port: Port to connect to.
        encrypted: Whether TLS is used.
        head: Header lines of each request.
        parser: Parses the response heads.
    """

    origin: str
    host: str
    port: int
    encrypted: bool
    head: bytes
    parser: HeadParser

    def request(self, path: str, headers: Mapping[str, str] | None = None) -> bytes:
        """Build a GET request. Raises ValueError for a header value that is not printable or not latin-1."""
        more = b"".join(map(_line, headers.items())) if headers else b""
        return b"GET %b HTTP/1.1\r\n%b%b\r\n" % (path.encode(), self.head, more)


class Origins:
    """The origins of one storage session."""

    def __init__(self, *, user_agent: str, proxies: Proxies) -> None:
        self._proxies = proxies
        self._common = f"User-Agent: {user_agent}\r\nAccept: */*\r\nAccept-Encoding: identity\r\n"
        self._known: dict[str, Origin | None] = {}
        self._unsupported: dict[str, int] = {}
        self._tls: ssl.SSLContext | None = None

    def find(self, url: str) -> tuple[Origin, str] | None:
        """Split a URL into origin and path; None if it is left to aiohttp."""
        found = _PLAIN.fullmatch(url)
        if found is None:
            return None
        start = found[1]
        try:
            origin = self._known[start]
        except KeyError:
            if len(self._known) >= _MAX_ORIGINS:
                self._known.clear()
            origin = self._known[start] = self._found(start, found[2], found[3])
        if origin is None or self._unsupported.get(origin.origin, 0) >= MAX_UNSUPPORTED:
            return None
        return origin, found[4]

    def requests_for(self, urls: Iterator[str]) -> tuple[Origin, Iterator[bytes]] | None:
        """Return the origin of the first URL, and the requests for it and the URLs after it, up to another origin."""
        first = next(urls, "")
        found = self.find(first)
        if found is None:
            return None
        origin, path = found
        start = first[: -len(path)]

        def requests() -> Iterator[bytes]:
            yield origin.request(path)
            cut, head = len(start), origin.head
            for url in urls:
                if not url.startswith(start) or _PATH.fullmatch(url, cut) is None:
                    return
                yield b"GET %b HTTP/1.1\r\n%b\r\n" % (url[cut:].encode(), head)

        return origin, requests()

    def record(self, origin: Origin, *, unsupported: bool) -> None:
        """Record whether a response, or its absence, was unsupported."""
        if unsupported:
            self._unsupported[origin.origin] = self._unsupported.get(origin.origin, 0) + 1
        else:
            self._unsupported.pop(origin.origin, None)

    async def tls(self) -> ssl.SSLContext:
        """The TLS context, with the certificate authorities of the system or of ``SSL_CERT_FILE``."""
        if self._tls is None:
            self._tls = await in_thread(_tls)
        return self._tls

    def _found(self, start: str, host: str, port: str | None) -> Origin | None:
        try:
            url = URL(start, encoded=True)
            number = url.port
            where = origin(url)
        except ValueError:
            return None
        if not number or self._proxies.for_origin(where) is not None:
            return None
        name = host if port is None else f"{host}:{port}"
        head = f"Host: {name}\r\n{self._common}".encode("latin-1")
        return Origin(where, host, number, url.scheme == "https", head, HeadParser())


def _line(header: tuple[str, str]) -> bytes:
    name, value = header
    if not value.isprintable():
        raise ValueError(name)
    return f"{name}: {value}\r\n".encode("latin-1")


def _tls() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    return context
