"""The middleware of every request: request id, JSON error bodies, and draining at shutdown.

Responses never contain headers, queries or stack traces of the server; its log contains no headers, addresses or queries.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable, Mapping
from uuid import uuid4

import anyio
from aiohttp import web
from aiohttp.http import HttpVersion10, HttpVersion11
from aiohttp.typedefs import Middleware

from headrace.errors import (
    APIError,
    CorruptionError,
    DiskFullError,
    HeadraceError,
    LakeBusyError,
    LakeLostError,
    PermissionDeniedError,
    ReadOnlyLakeError,
    ServerError,
    UnavailableError,
    error_for_status,
)
from headrace.protocol.wire import encode_error, retry_after_of
from headrace.server.limits.bodies import too_slow
from headrace.server.limits.connections import SERVER, SlowBodyError
from headrace.server.watch.observer import CLIENT_GONE, RequestObserver, is_gone, note_request
from headrace.tracing import span

REQUEST_ID = "X-Request-ID"

_SAFE_ID = re.compile(r"^[A-Za-z0-9._:-]{1,64}$")
_VERSIONS = (HttpVersion10, HttpVersion11)
_ALWAYS = frozenset({"/healthz", "/readyz", "/metrics"})
"""What answers a server at its limit too, so that it is not taken for a dead one."""

_EXPECTED = frozenset({507})
"""Statuses of failures that say all in their message, so that the log needs no traceback."""

_READ_ONLY_SECONDS = "5"
"""When to ask again for a change of a database that only answers reads: another server of it takes so long to take over."""

_log = logging.getLogger("headrace.server")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class RequestDrain:
    """Counts active requests and waits for their end. aiohttp alone would stop reading bodies that are still arriving.

    ``most`` is how many may be active at a time.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._active = 0
        self._stopping = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()

    async def handle(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Handle a request; raises :class:`UnavailableError` if the server is stopping or has too many."""
        if self._stopping.is_set():
            raise UnavailableError("the server is stopping", hint="try again in a moment")
        if self._active >= self._most and request.path not in _ALWAYS:
            raise UnavailableError("the server is busy", hint="try again in a moment")
        self._active += 1
        self._idle.clear()
        try:
            response = await handler(request)
            if self._stopping.is_set() and not response.prepared:
                response.force_close()
            return response
        finally:
            self._active -= 1
            if not self._active:
                self._idle.set()

    @property
    def active(self) -> int:
        """The number of active requests."""
        return self._active

    async def drain(self, seconds: float) -> None:
        """Refuse new requests, and wait for the active ones for at most this many seconds."""
        self._stopping.set()
        with anyio.move_on_after(seconds):
            await self._idle.wait()


def make_middleware(drain: RequestDrain, observer: RequestObserver) -> Middleware:
    """Make the middleware that gives each request its id and, where it fails, an error body.

    ``observer`` is told of requests that are aborted; aiohttp tells it of all others once their responses are sent.
    """

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        given = request.headers.get(REQUEST_ID, "")
        request_id = given if _SAFE_ID.match(given) else uuid4().hex
        note_request(request, request_id)
        try:
            operation = observer.operation_of(request)
            with span(operation, "SERVER", caller=request.headers, request=request_id) as work:
                response = await _handle(drain, request, handler, request_id)
                work.set(status=response.status)
                if response.status >= 500:
                    work.fail(str(response.status))
        except asyncio.CancelledError:
            if observer.enabled:
                observer.ended(request, CLIENT_GONE, 0)
            raise
        if not response.prepared:
            response.headers[REQUEST_ID] = request_id
            response.headers["Server"] = SERVER
        return response

    return middleware


async def _handle(
    drain: RequestDrain, request: web.Request, handler: Handler, request_id: str
) -> web.StreamResponse:
    if request.version not in _VERSIONS:
        major, minor = request.version
        unknown = error_for_status(505, f"HTTP/{major}.{minor} is not spoken here, but HTTP/1.1")
        return _last(error_response(unknown, request_id))
    try:
        return await drain.handle(request, handler)
    except web.HTTPException as exc:
        return error_response(_from_aiohttp(request, exc), request_id, _kept_headers(exc))
    except LakeBusyError:
        busy = UnavailableError("the lake is busy", hint="try again in a moment")
        return error_response(busy, request_id, {"Retry-After": "1"})
    except ReadOnlyLakeError as exc:
        _log.error("request %s failed: %s", request_id, exc.message)
        return _read_only(exc, request_id)
    except LakeLostError:
        lost = UnavailableError(
            "the lake was deleted, moved or replaced", hint="put it back, then restart the server"
        )
        return error_response(lost, request_id, {"Retry-After": "1"})
    except UnavailableError as exc:
        return _last(error_response(exc, request_id, {"Retry-After": "1"}))
    except SlowBodyError:
        return _last(error_response(too_slow(), request_id))
    except DiskFullError as exc:
        # A full disk fails every call that writes: a traceback of each would fill what is left.
        _log.error("request %s failed: %s", request_id, exc.message)
        return error_response(_disk_full(), request_id)
    except APIError as exc:
        if exc.status == 408:
            return _last(error_response(exc, request_id))
        if exc.status >= 500 and exc.status not in _EXPECTED:
            _log.exception("request %s failed", request_id)
        return error_response(exc, request_id)
    except (ConnectionError, web.RequestPayloadError):
        if is_gone(request):
            return web.Response(status=CLIENT_GONE)
        raise ConnectionResetError("the client disconnected") from None
    except Exception as exc:  # noqa: BLE001  # the outermost boundary: the client gets an error body in any case
        _log.exception("request %s failed", request_id)
        return error_response(_from_failure(exc), request_id)


def _last(response: web.Response) -> web.Response:
    """Return the last response of its connection."""
    response.force_close()
    return response


def error_response(
    error: APIError, request_id: str, headers: Mapping[str, str] | None = None
) -> web.Response:
    """Encode an error as a response."""
    response = web.Response(
        status=error.status or 500,
        body=encode_error(error, request_id=request_id),
        content_type="application/json",
        headers=headers,
    )
    if error.status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    wait = retry_after_of(error)
    if wait is not None:
        response.headers["Retry-After"] = str(max(1, round(wait)))
    return response


def _from_aiohttp(request: web.Request, exc: web.HTTPException) -> APIError:
    if exc.status == 404:
        return error_for_status(404, f"no such address: {request.method} {request.path}")
    if exc.status == 405:
        return error_for_status(405, f"{request.method} is not allowed for {request.path}")
    if exc.status == 413:
        error = error_for_status(413, "the body is larger than this server accepts")
        error.hint = "send less in one call"
        return error
    return error_for_status(exc.status, exc.reason)


def _kept_headers(exc: web.HTTPException) -> dict[str, str]:
    return {"Allow": exc.headers["Allow"]} if "Allow" in exc.headers else {}


def _read_only(error: ReadOnlyLakeError, request_id: str) -> web.Response:
    message = "the lake of this server can only be read at present"
    if error.passing:
        later = UnavailableError(message, hint="try again in a moment")
        return error_response(later, request_id, {"Retry-After": _READ_ONLY_SECONDS})
    refused = PermissionDeniedError(message, hint="use a server that can write to it")
    return error_response(refused, request_id)


def _disk_full() -> APIError:
    error = error_for_status(507, "the server's disk is full")
    error.hint = "free space on the server; nothing was partially written"
    return error


def _from_failure(exc: Exception) -> APIError:
    if isinstance(exc, CorruptionError):
        return ServerError(
            "the lake of this server is damaged, so the answer would be wrong or too short",
            hint="who runs the server finds out what is hit: headrace check LAKE",
        )
    if isinstance(exc, HeadraceError):
        return ServerError(f"the server failed ({exc.code})")
    return ServerError("the server failed")
