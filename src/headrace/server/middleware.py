"""Around every request: an id, one line in the access log, and a JSON object for every failure.

Nothing here shows a header, a query or a trace to anyone but the server's own log; the log has no headers or queries.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Mapping
from uuid import uuid4

from aiohttp import web
from aiohttp.typedefs import Middleware

from headrace.errors import (
    APIError,
    DiskFullError,
    HeadraceError,
    LakeBusyError,
    ServerError,
    UnavailableError,
    error_for_status,
)
from headrace.protocol.wire import encode_error, retry_after_of
from headrace.server.draining import Draining, Handler

REQUEST_ID = "X-Request-ID"
CLIENT_GONE = 499
"""What the access log says where the client went away before the answer."""

_PLAIN_ID = re.compile(r"^[A-Za-z0-9._:-]{1,64}$")
_access = logging.getLogger("headrace.server.access")
_log = logging.getLogger("headrace.server")


def around(draining: Draining) -> Middleware:
    """Give each request its id, its log line and, where it fails, its error object."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        started = time.perf_counter()
        given = request.headers.get(REQUEST_ID, "")
        request_id = given if _PLAIN_ID.match(given) else uuid4().hex
        status = CLIENT_GONE
        try:
            response = await _answered(draining, request, handler, request_id)
            status = response.status
            if not response.prepared:
                response.headers[REQUEST_ID] = request_id
            return response
        finally:
            _access.info(
                "%s %s %d %.1f ms %s",
                request.method,
                request.rel_url.raw_path,  # still encoded: no name in it can begin a line of its own
                status,
                (time.perf_counter() - started) * 1e3,
                request_id,
            )

    return middleware


async def _answered(
    draining: Draining, request: web.Request, handler: Handler, request_id: str
) -> web.StreamResponse:
    try:
        return await draining.answer(request, handler)
    except web.HTTPException as exc:
        return error_response(_from_aiohttp(request, exc), request_id, _kept_headers(exc))
    except LakeBusyError:
        busy = UnavailableError("the lake is busy", hint="try again in a moment")
        return error_response(busy, request_id, {"Retry-After": "1"})
    except UnavailableError as exc:
        response = error_response(exc, request_id, {"Retry-After": "1"})
        response.force_close()
        return response
    except APIError as exc:
        if exc.status >= 500:
            _log.exception("request %s failed", request_id)
        return error_response(exc, request_id)
    except (ConnectionError, web.RequestPayloadError):
        raise ConnectionResetError("the client went away") from None
    except Exception as exc:  # noqa: BLE001  # the boundary: whatever it is, the client gets an object
        _log.exception("request %s failed", request_id)
        return error_response(_from_failure(exc), request_id)


def error_response(
    error: APIError, request_id: str, headers: Mapping[str, str] | None = None
) -> web.Response:
    """An error as an answer."""
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
        return error_for_status(405, f"{request.method} is not for {request.path}")
    if exc.status == 413:
        error = error_for_status(413, "the body is larger than this server takes")
        error.hint = "send less at once"
        return error
    return error_for_status(exc.status, exc.reason)


def _kept_headers(exc: web.HTTPException) -> dict[str, str]:
    return {"Allow": exc.headers["Allow"]} if "Allow" in exc.headers else {}


def _from_failure(exc: Exception) -> APIError:
    if isinstance(exc, DiskFullError):
        error = error_for_status(507, "the server's disk is full")
        error.hint = "make room on the server; nothing was half-written"
        return error
    if isinstance(exc, HeadraceError):
        return ServerError(f"the server failed ({exc.code})")
    return ServerError("the server failed")
