"""What an answer to "the file, from this byte on" really holds; the headers decide, never what was asked for."""

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
    """``length`` bytes from ``start`` on (None: nobody says), of a file of ``total`` bytes.

    ``validator`` names this very content (a strong ETag), ``digests`` are of the whole file.
    """

    start: int
    length: int | None
    total: int | None
    validator: str | None
    digests: Mapping[str, str]


def range_headers(offset: int, validator: str | None) -> dict[str, str]:
    """The headers that ask for a file from ``offset`` on, as long as it is still what ``validator`` names."""
    if not offset:
        return {}
    headers = {"Range": f"bytes={offset}-"}
    return headers if validator is None else {**headers, "If-Range": validator}


def parse_body_range(
    status: int, headers: Mapping[str, str], offset: int, where: str
) -> BodyRange | None:
    """What the body of a 200, 206 or 416 is; None where the answer makes no sense for what was asked.

    Whoever gets None asks again for the whole file. Raises ChecksumError where the body is packed.
    """
    packing = headers.get(_ENCODING)
    if packing and packing.strip().lower() not in ("", "identity") and status != 416:
        raise ChecksumError(
            f"{where} sent the file packed ({packing[:20]}), which was not asked for"
        )
    if status == 200:
        return _whole(headers)
    if status == 206:
        return _part(headers, offset)
    refused = _UNSATISFIED.match(headers.get("Content-Range", ""))
    if refused and int(refused[1]) == offset:
        # Everything had come already; only the end of it was not seen.
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
    told = _CONTENT_RANGE.match(headers.get("Content-Range", ""))
    if told is None or not offset:
        return None
    start, last = int(told[1]), int(told[2])
    total = None if told[3] == "*" else int(told[3])
    # A part that is not the whole rest would leave a hole at the end, one that starts elsewhere an overlap.
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
