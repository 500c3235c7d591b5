"""Parse the head of an HTTP/1.1 response, strictly: anything unusual is rejected."""

from __future__ import annotations

import re
from collections.abc import Mapping

from msgspec import Struct
from multidict import CIMultiDict

_STATUS = re.compile(rb"HTTP/1\.1 ([2-5][0-9]{2}) [\t\x20-\x7e\x80-\xff]*")
# Folded lines, bare line feeds, control characters and spaces before the colon do not match.
_LINE = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):([\t\x20-\x7e\x80-\xff]*)")
_DIGITS = 18
_WITHOUT_BODY = frozenset({204, 205, 304})
_ONCE = frozenset(
    {"content-length", "content-encoding", "content-range", "connection", "etag", "location"}
)
_MOST_LINES = 64


class ResponseHead(Struct, frozen=True, gc=False):
    """The head of a response.

    Attributes:
        status: The HTTP status.
        fields: The headers, by name in lower case.
        length: Number of bytes in the body.
        keep_alive: Whether the connection may be used again.
    """

    status: int
    fields: dict[str, str]
    length: int
    keep_alive: bool

    @property
    def headers(self) -> Mapping[str, str]:
        """The fields; lookups ignore case."""
        return CIMultiDict(self.fields)


class HeadParser:
    """Parses the response heads of one host; caches lines, most of which repeat. Safe for several threads at once."""

    def __init__(self) -> None:
        self._known: dict[bytes, tuple[str, str]] = {}
        self._statuses: dict[bytes, int] = {}

    def parse(self, raw: bytes) -> ResponseHead | None:
        """Parse a head up to and including its empty line; None if it is not plain.

        Plain means: HTTP/1.1, a final status that has a body, exactly one Content-Length, no Transfer-Encoding, no
        protocol upgrade, and no repetition of a header that may occur once.
        """
        lines = raw.split(b"\r\n")
        first = lines[0]
        status = self._statuses.get(first) or self._status(first)
        if not status or len(lines) < 3 or lines[-1] or lines[-2]:
            return None
        known = self._known
        del lines[-2:], lines[0]
        try:
            fields = dict([known[line] for line in lines])
        except KeyError:
            fields = {}
        if len(fields) < len(lines) and not self._learn(lines, fields):
            return None
        length = fields.get("content-length", "")
        if not length.isdecimal() or not length.isascii() or len(length) > _DIGITS:
            return None
        if "transfer-encoding" in fields or "upgrade" in fields:
            return None
        connection = fields.get("connection", "keep-alive")
        keep_alive = connection == "keep-alive" or connection.lower() == "keep-alive"
        return ResponseHead(status, fields, int(length), keep_alive)

    def _learn(self, lines: list[bytes], fields: dict[str, str]) -> bool:
        """Parse lines that are not cached, or repeat a name; False if they are not plain."""
        fields.clear()
        for line in lines:
            pair = self._known.get(line) or self._pair(line)
            if pair is None:
                return False
            name, value = pair
            if name in fields:
                if name in _ONCE:
                    return False
                value = f"{fields[name]}, {value}"
            fields[name] = value
        return True

    def _status(self, line: bytes) -> int | None:
        found = _STATUS.fullmatch(line)
        status = 0 if found is None else int(found[1])
        if not status or status in _WITHOUT_BODY:
            return None
        if len(self._statuses) >= _MOST_LINES:
            self._statuses.clear()
        self._statuses[line] = status
        return status

    def _pair(self, line: bytes) -> tuple[str, str] | None:
        found = _LINE.fullmatch(line)
        if found is None:
            return None
        pair = found[1].decode("ascii").lower(), found[2].decode("latin-1").strip(" \t")
        if len(self._known) >= _MOST_LINES:
            self._known.clear()
        self._known[line] = pair
        return pair
