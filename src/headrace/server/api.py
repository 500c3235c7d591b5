"""The routes of the API, derived from the table of operations: decode, call the platform, encode."""

from __future__ import annotations

import gzip
from functools import partial
from itertools import chain
from typing import Any

from aiohttp import web

from headrace.platform.dispatch import check_allowed
from headrace.platform.platform import Platform
from headrace.protocol.body_limits import body_limit
from headrace.protocol.codec import BIG_BODY, decode_request, encode_response
from headrace.protocol.operation import Operation
from headrace.protocol.operations import OPERATIONS
from headrace.server.authentication import Authenticator
from headrace.server.disconnects import while_connected
from headrace.server.http_protocol import defer_continue, send_continue
from headrace.server.limits.bodies import read_body, too_large
from headrace.server.watch.observer import note_caller
from headrace.threads import in_thread, in_thread_if

GZIP_FROM = 64 * 1024
"""Size (bytes) of a response from which it is compressed, where the client accepts gzip and is on another machine."""

MANY = 100
"""Items of an answer from which it is encoded on a thread; so many records take a millisecond."""

KEY = "Idempotency-Key"
"""The header with the caller's key of one call, the same for all repeats."""

_FREQUENT = frozenset({"load_annotations", "import_annotations", "load_packed", "import_packed"})
"""Operations that clients call thousands of times for one version."""

_JSON = "application/json"
_PACKED = "application/msgpack"


def routes(platform: Platform, authenticator: Authenticator) -> list[web.RouteDef]:
    """Make a route for every operation of the table."""
    # aiohttp tries one path after the other.
    operations = sorted(OPERATIONS.values(), key=lambda each: each.name not in _FREQUENT)
    return [_route(platform, authenticator, operation) for operation in operations]


def _route(
    platform: Platform, authenticator: Authenticator, operation: Operation[Any, Any]
) -> web.RouteDef:
    async def handle(request: web.Request) -> web.Response:
        access = await authenticator.authenticate(request)
        note_caller(request, access)
        check_allowed(access, operation)  # before the body is read
        call = await _read(request, operation)
        answering = partial(platform.call, access, operation, call, key=request.headers.get(KEY))
        if operation.safe and getattr(call, "q", None):
            result = await while_connected(request, answering)
        else:
            result = await answering()
        accepts = "gzip" in request.headers.get("Accept-Encoding", "")
        # On one machine compression costs more than it saves.
        packs = accepts and not authenticator.is_near(request)
        return await _respond(operation, result, packs=packs)

    return web.route(operation.method, operation.path, handle, expect_handler=defer_continue)


async def _read(request: web.Request, operation: Operation[Any, Any]) -> Any:
    body = None
    if operation.body_fields:
        limit = min(body_limit(operation) or request.client_max_size, request.client_max_size)
        _refuse_too_large(request, limit)
        await send_continue(request)
        body = await read_body(request, limit)
    query = request.query.items()
    if body is not None and len(body) > BIG_BODY:
        return await in_thread(decode_request, operation, request.match_info, query, body)
    return decode_request(operation, request.match_info, query, body)


def _refuse_too_large(request: web.Request, limit: int) -> None:
    length = request.content_length or 0
    if length > limit:
        raise too_large(limit, length)


async def _respond(operation: Operation[Any, Any], result: Any, *, packs: bool) -> web.Response:
    if operation.status == 204:
        return web.Response(status=204)
    body = await _encode(operation, result)
    if operation.packed:
        # It is compact already.
        return web.Response(status=operation.status, body=body, content_type=_PACKED)
    response = web.Response(status=operation.status, body=body, content_type=_JSON)
    if packs and len(body) >= GZIP_FROM:
        response.body = await in_thread(gzip.compress, body, 1)
        response.headers["Content-Encoding"] = "gzip"
        response.headers["Vary"] = "Accept-Encoding"
    return response


async def _encode(operation: Operation[Any, Any], result: Any) -> bytes:
    """Encode a result, on a thread where it is long or seems to be large by its first item."""
    chunks = encode_response(operation, result)
    if operation.packed or _has_many(result):
        return await in_thread(b"".join, chunks)
    if not isinstance(result, list):
        return b"".join(chunks)
    first = next(chunks)
    large = len(first) * len(result) > BIG_BODY
    return await in_thread_if(large, b"".join, chain([first], chunks))


def _has_many(result: Any) -> bool:
    """Whether a result is, or holds, a long list."""
    if isinstance(result, list):
        return len(result) > MANY
    items = getattr(result, "items", None)
    return isinstance(items, list) and len(items) > MANY
