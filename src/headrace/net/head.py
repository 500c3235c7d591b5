"""The head of an HTTP/1.1 answer, read strictly: what is not plain is not read at all."""

from __future__ import annotations

import re
from collections.abc import Mapping

from msgspec import Struct
from multidict import CIMultiDict, istr

_STATUS = re.compile(rb"HTTP/1\.1 ([2-5][0-9]{2}) [\t\x20-\x7e\x80-\xff]*")
# A line that goes on in the next one, a bare line feed, a control character or a space before the colon fits nowhere.
_LINE = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):([\t\x20-\x7e\x80-\xff]*)")
_LENGTH = re.compile(r"[0-9]{1,18}")
_WITHOUT_BODY = frozenset({204, 205, 304})
_ONCE = tuple(
    istr(name)
    for name in (
        "Content-Length", "Content-Encoding", "Content-Range", "Connection", "ETag", "Location",
    )
)  # fmt: skip
_CONTENT_LENGTH = istr("Content-Length")
_CONNECTION = istr("Connection")
_TRANSFER_ENCODING, _UPGRADE = istr("Transfer-Encoding"), istr("Upgrade")
_MOST_LINES = 64


class Head(Struct, frozen=True, gc=False):
    """``status`` and ``headers`` of an answer whose body has ``length`` bytes; ``lasting``: the connection goes on."""

    status: int
    headers: Mapping[str, str]
    length: int
    lasting: bool


class HeadReader:
    """Reads the heads of one host's answers, most of whose lines come again and again."""

    def __init__(self) -> None:
        self._known: dict[bytes, tuple[istr, str]] = {}

    def read(self, raw: bytes) -> Head | None:
        """The head that ``raw`` is, up to its empty line; None where it is anything else than plain.

        Plain is HTTP/1.1, a final status with a body, exactly one Content-Length, no Transfer-Encoding, no change of
        protocol, and no header twice that must be there once.
        """
        first, *lines = raw.split(b"\r\n")
        found = _STATUS.fullmatch(first)
        if found is None or lines[-2:] != [b"", b""]:
            return None
        status = int(found[1])
        if status in _WITHOUT_BODY:
            return None
        known = self._known
        pairs = []
        for line in lines[:-2]:
            pair = known.get(line) or self._pair(line)
            if pair is None:
                return None
            pairs.append(pair)
        headers = CIMultiDict(pairs)
        if len(set(headers)) != len(pairs) and any(
            len(headers.getall(name, ())) > 1 for name in _ONCE
        ):
            return None
        length = headers.get(_CONTENT_LENGTH, "")
        if not _LENGTH.fullmatch(length) or _TRANSFER_ENCODING in headers or _UPGRADE in headers:
            return None
        connection = headers.get(_CONNECTION, "keep-alive")
        return Head(status, headers, int(length), connection.lower() == "keep-alive")

    def _pair(self, line: bytes) -> tuple[istr, str] | None:
        found = _LINE.fullmatch(line)
        if found is None:
            return None
        pair = istr(found[1].decode("ascii").lower()), found[2].decode("latin-1").strip(" \t")
        if len(self._known) >= _MOST_LINES:
            self._known.clear()
        self._known[line] = pair
        return pair
