"""Where the short ways to storages lead, and which addresses and origins are not for them."""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterator, Mapping

from msgspec import Struct
from yarl import URL

from headrace.net.http1.response_head import HeadReader
from headrace.net.proxies import Proxies
from headrace.net.redact import origin
from headrace.threads import in_thread

CONNECT_SECONDS = 5.0
"""A connection that takes longer is left to the general way, which tries a host's addresses side by side."""

REST_SECONDS = 15.0
"""Connections that nobody used for so long are closed."""

ODD = 3
"""An origin that answers otherwise than plainly so many times in a row is not asked a short way again."""

_PLAIN = re.compile(r"(https?://([a-z0-9.-]+)(?::([0-9]{1,5}))?)(/[!\"$-~]*)")
_PATH = re.compile(r"/[!\"$-~]*")
_MOST_PLACES = 1024


class Place(Struct, frozen=True):
    """Where an address leads: its ``origin`` as hosts are called, and how to connect to it."""

    origin: str
    host: str
    port: int
    encrypted: bool
    head: bytes
    heads: HeadReader

    def request(self, path: str, headers: Mapping[str, str] | None = None) -> bytes:
        """What asks for a file; ValueError where a header would be more than one line, or is in no alphabet of HTTP's."""
        more = b"".join(map(_line, headers.items())) if headers else b""
        return b"GET %b HTTP/1.1\r\n%b%b\r\n" % (path.encode(), self.head, more)


class Places:
    """The places of one storage session."""

    def __init__(self, *, user_agent: str, proxies: Proxies) -> None:
        self._proxies = proxies
        self._common = f"User-Agent: {user_agent}\r\nAccept: */*\r\nAccept-Encoding: identity\r\n"
        self._known: dict[str, Place | None] = {}
        self._odd: dict[str, int] = {}
        self._tls: ssl.SSLContext | None = None

    def of(self, url: str) -> tuple[Place, str] | None:
        """Where a URL leads, and its path; None where no short way goes there."""
        found = _PLAIN.fullmatch(url)
        if found is None:
            return None
        start = found[1]
        try:
            place = self._known[start]
        except KeyError:
            if len(self._known) >= _MOST_PLACES:
                self._known.clear()
            place = self._known[start] = self._found(start, found[2], found[3])
        if place is None or self._odd.get(place.origin, 0) >= ODD:
            return None
        return place, found[4]

    def all_there(self, urls: Iterator[str]) -> tuple[Place, Iterator[bytes]] | None:
        """Where the first of the URLs leads, and what asks for it and for those after it that lead there too."""
        first = next(urls, "")
        found = self.of(first)
        if found is None:
            return None
        place, path = found
        start = first[: -len(path)]

        def requests() -> Iterator[bytes]:
            yield place.request(path)
            cut, head = len(start), place.head
            for url in urls:
                if not url.startswith(start) or _PATH.fullmatch(url, cut) is None:
                    return
                yield b"GET %b HTTP/1.1\r\n%b\r\n" % (url[cut:].encode(), head)

        return place, requests()

    def heard(self, place: Place, *, odd: bool) -> None:
        """How an answer was, or the lack of one."""
        if odd:
            self._odd[place.origin] = self._odd.get(place.origin, 0) + 1
        else:
            self._odd.pop(place.origin, None)

    async def tls(self) -> ssl.SSLContext:
        """How connections are encrypted: the system's authorities, or those of SSL_CERT_FILE."""
        if self._tls is None:
            self._tls = await in_thread(_tls)
        return self._tls

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


def _line(header: tuple[str, str]) -> bytes:
    name, value = header
    if not value.isprintable():
        raise ValueError(name)
    return f"{name}: {value}\r\n".encode("latin-1")


def _tls() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    return context
