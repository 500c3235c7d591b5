"""Read the bodies of calls: limited while they arrive, and unpacked on a thread within limits of their own."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from aiohttp import web

from headrace.errors import APIError, BadRequestError, error_for_status
from headrace.protocol.codec import BIG_BODY
from headrace.server.limits.connections import SlowBodyError
from headrace.threads import in_thread, in_thread_if

MOST_RATIO = 100
"""Unpacked bytes for each packed one. Annotations have 3 to 10, and a bomb has 1,000."""

FREE_BYTES = 1024 * 1024
"""Unpacked bytes that are allowed whatever the ratio is: a short body of blanks is no attack."""

_PIECE = 64 * 1024
_OUT = 1024 * 1024
_WINDOWS = {"gzip": 31, "x-gzip": 31, "deflate": 15}
_RAW_DEFLATE = -15


async def read_body(request: web.Request, limit: int) -> bytes:
    """Read the body of a call.

    Args:
        request: The request.
        limit: The most bytes, before and after unpacking.

    Returns:
        The unpacked body.

    Raises:
        HTTPRequestEntityTooLarge: The body is larger, or unpacks to more than is allowed.
        BadRequestError: The body is not packed as its header says.
        APIError: It is packed in a way that is not understood (415), or arrives too slowly (408).
    """
    encoding = request.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding not in (*_WINDOWS, "identity", ""):
        raise error_for_status(415, f"bodies packed as {encoding[:20]!r} are not understood")
    if (request.content_length or 0) > limit:
        raise too_large(limit, request.content_length or 0)
    pieces: list[bytes] = []
    size = 0
    try:
        while piece := await request.content.readany():
            size += len(piece)
            if size > limit:
                raise too_large(limit, size)
            pieces.append(piece)
    except SlowBodyError:
        raise too_slow() from None
    body = await in_thread_if(size > BIG_BODY, b"".join, pieces)
    if encoding in _WINDOWS and body:
        return await in_thread(unpacked, body, _WINDOWS[encoding], limit)
    return body


def unpacked(body: bytes, window: int, limit: int) -> bytes:
    """Unpack a body.

    Args:
        body: The packed body.
        window: What :mod:`zlib` needs to know of the way it is packed.
        limit: The most bytes of the unpacked body.

    Returns:
        The unpacked body.

    Raises:
        HTTPRequestEntityTooLarge: It has more bytes than that, or more than 100 for each packed one.
        BadRequestError: It is damaged.
    """
    pieces: list[bytes] = []
    size = 0
    try:
        for piece, used in _steps(body, window):
            size += len(piece)
            if size > limit or size > FREE_BYTES + MOST_RATIO * used:
                raise too_large(limit, size)
            pieces.append(piece)
    except zlib.error:
        raise BadRequestError("the body is not packed as Content-Encoding says") from None
    return b"".join(pieces)


def _steps(body: bytes, window: int) -> Iterator[tuple[bytes, int]]:
    """Yield pieces of the unpacked body, and how many packed bytes were used up to each; zlib.error if it is damaged."""
    if window == 15 and body and body[0] & 15 != 8:
        window = _RAW_DEFLATE  # as some clients send it: without the head that the standard wants
    unpacker = zlib.decompressobj(window)
    for start in range(0, len(body), _PIECE):
        rest = body[start : start + _PIECE]
        end = start + len(rest)
        while rest:
            piece = unpacker.decompress(rest, _OUT)
            rest = unpacker.unconsumed_tail
            yield piece, end - len(rest)
            if unpacker.eof:
                if unpacker.unused_data or end < len(body):
                    raise zlib.error("more behind the end")
                return
    yield unpacker.flush(), len(body)
    if not unpacker.eof:
        raise zlib.error("cut short")


def too_large(limit: int, size: int) -> web.HTTPRequestEntityTooLarge:
    """The error of a body of ``size`` bytes."""
    return web.HTTPRequestEntityTooLarge(max_size=limit, actual_size=size)


def too_slow() -> APIError:
    """The error of a body that arrives too slowly."""
    error = error_for_status(408, "the body arrived too slowly")
    error.hint = "try again over a better line"
    return error
