"""Where the short ways to storages lead, and which addresses and origins are not for them."""

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
"""A connection that takes longer is left to the general way, which tries a host's addresses side by side."""

REST_SECONDS = 15.0
"""Connections that nobody used for so long are closed."""

MAX_UNSUPPORTED = 3
"""An origin that answers otherwise than plainly so many times in a row is not asked a short way again."""

_PLAIN = re.compile(r"(https?://([a-z0-9.-]+)(?::([0-9]{1,5}))?)(/[!\"$-~]*)")
_PATH = re.compile(r"/[!\"$-~]*")
_MAX_ORIGINS = 1024


class Origin(Struct, frozen=True):
    """Where an address leads: its ``origin`` as hosts are called, and how to connect to it."""

    origin: str
    host: str
    port: int
    encrypted: bool
    head: bytes
    parser: HeadParser

    def request(self, path: str, headers: Mapping[str, str] | None = None) -> bytes:
        """What asks for a file; ValueError where a header would be more than one line, or is in no alphabet of HTTP's."""
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
        """Where a URL leads, and its path; None where no short way goes there."""
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
        """Where the first of the URLs leads, and what asks for it and for those after it that lead there too."""
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
        """How an answer was, or the lack of one."""
        if unsupported:
            self._unsupported[origin.origin] = self._unsupported.get(origin.origin, 0) + 1
        else:
            self._unsupported.pop(origin.origin, None)

    async def tls(self) -> ssl.SSLContext:
        """How connections are encrypted: the system's authorities, or those of SSL_CERT_FILE."""
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
        if not number or self._proxies.between(where) is not None:
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
