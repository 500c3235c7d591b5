"""Range requests: their headers, and which bytes a response really contains, judged by its own headers."""

from __future__ import annotations

import re
from collections.abc import Mapping

from msgspec import Struct
from multidict import istr

from headrace.errors import ChecksumError
from headrace.net.checksums import header_digests

_ENCODING, _LENGTH, _ETAG = map(istr, ("content-encoding", "content-length", "etag"))
_CONTENT_RANGE = re.compile(r"^bytes (\d{1,18})-(\d{1,18})/(\d{1,18}|\*)$")
_UNSATISFIED = re.compile(r"^bytes \*/(\d{1,18})$")


class BodyRange(Struct, frozen=True, kw_only=True, gc=False):
    """The range of a file that a response contains.

    Attributes:
        start: Offset of the first byte.
        length: Number of bytes; None if unknown.
        total: Size of the file in bytes; None if unknown.
        validator: The strong ETag of the content; None if there is none.
        digests: Digests of the whole file in hexadecimal, by algorithm.
    """

    start: int
    length: int | None
    total: int | None
    validator: str | None
    digests: Mapping[str, str]


def range_headers(offset: int, validator: str | None) -> dict[str, str]:
    """Return the headers that request a file from ``offset`` on, unless its ETag is no longer ``validator``."""
    if not offset:
        return {}
    headers = {"Range": f"bytes={offset}-"}
    return headers if validator is None else {**headers, "If-Range": validator}


def parse_body_range(
    status: int, headers: Mapping[str, str], offset: int, where: str
) -> BodyRange | None:
    """Return the range in a response of status 200, 206 or 416 to a request from ``offset`` on.

    Returns None if the response does not fit the request; the whole file is then requested. Raises ChecksumError if the
    body is compressed. ``where`` is the origin, for the message.
    """
    encoding = headers.get(_ENCODING)
    if encoding and encoding.strip().lower() not in ("", "identity") and status != 416:
        raise ChecksumError(f"{where} sent the file with the unrequested encoding {encoding[:20]}")
    if status == 200:
        return _whole(headers)
    if status == 206:
        return _part(headers, offset)
    refused = _UNSATISFIED.match(headers.get("Content-Range", ""))
    if refused and int(refused[1]) == offset:
        # All bytes were received before; only the end of the response was missing.
        return BodyRange(
            start=offset, length=0, total=offset, validator=_strong(headers.get(_ETAG)), digests={}
        )
    return None


def _whole(headers: Mapping[str, str]) -> BodyRange:
    length = _number(headers.get(_LENGTH))
    return BodyRange(
        start=0,
        length=length,
        total=length,
        validator=_strong(headers.get(_ETAG)),
        digests=header_digests(headers, whole=True),
    )


def _part(headers: Mapping[str, str], offset: int) -> BodyRange | None:
    found = _CONTENT_RANGE.match(headers.get("Content-Range", ""))
    if found is None or not offset:
        return None
    start, last = int(found[1]), int(found[2])
    total = None if found[3] == "*" else int(found[3])
    # Any other part would leave a gap or overlap with what is there.
    if start != offset or (total is not None and last != total - 1):
        return None
    if _number(headers.get(_LENGTH)) not in (None, last - start + 1):
        return None
    return BodyRange(
        start=start,
        length=last - start + 1,
        total=total,
        validator=_strong(headers.get(_ETAG)),
        digests=header_digests(headers, whole=False),
    )


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdecimal() and len(text) < 19 else None


def _strong(etag: str | None) -> str | None:
    return etag if etag and etag[0] == etag[-1] == '"' and len(etag) > 2 else None
