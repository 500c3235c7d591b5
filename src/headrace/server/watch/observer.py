"""What is told of each request: a line in the access log, and figures for metrics.

Operations are told by name. An address is not told: it holds names of files, and whatever a client puts there.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Mapping
from typing import Any, Protocol

from aiohttp import web
from aiohttp.abc import AbstractAccessLogger
from msgspec import Struct

from headrace.log_lines import Fields
from headrace.platform.core.access import Access
from headrace.protocol.operations import OPERATIONS
from headrace.server.peers import peer_of
from headrace.server.signing import PREFIX
from headrace.server.watch.logs import ACCESS

UNKNOWN = "unknown"
"""The operation of a request for an address that does not exist, or whose head could not be read."""

CLIENT_GONE = 499
"""The status of a request whose client disconnected before it had the whole response."""

_PATTERN = re.compile(r"\{(\w+):[^}]*\}")
_FILE = PREFIX + "{name}"
_OTHERS = {
    ("GET", _FILE): "read_file",
    ("HEAD", _FILE): "read_file",
    ("POST", _FILE): "upload_form",
    ("PUT", _FILE): "upload_bytes",
}
_access = logging.getLogger(ACCESS)


class RequestFacts(Struct):
    """What is known of a request before it is answered.

    ``began`` is the performance counter when its head was read; ``access`` is set once its token was checked.
    """

    id: str
    began: float
    access: Access | None = None


_FACTS = web.RequestKey("facts", RequestFacts)


class RequestFigures(Protocol):
    """What counts requests."""

    def request_ended(
        self, operation: str, status: int, received: int, sent: int, seconds: float
    ) -> None:
        """Count a request; ``received`` are bytes of its body, ``sent`` those of the response with its head."""
        ...


class RequestObserver:
    """Tells of the requests of one application.

    ``figures`` counts them too. ``proxies`` is how many of them stand in front and name the address of the client.
    """

    def __init__(self, figures: RequestFigures | None = None, *, proxies: int = 0) -> None:
        self._proxies = proxies
        self._names: Mapping[web.AbstractRoute, str] | None = None
        self._figures = figures

    @property
    def enabled(self) -> bool:
        """Whether anything listens."""
        return self._figures is not None or _access.isEnabledFor(logging.INFO)

    def ended(self, request: web.BaseRequest, status: int, sent: int) -> None:
        """Tell of a request that has ended."""
        facts = facts_of(request)
        # The clock of the event loop, which aiohttp takes the time by, counts whole milliseconds.
        seconds = time.perf_counter() - facts.began
        operation = self.operation_of(request)
        received = _received(request)
        if self._figures is not None:
            self._figures.request_ended(operation, status, received, sent, seconds)
        if _access.isEnabledFor(logging.INFO):
            access = facts.access
            fields = Fields(
                id=facts.id,
                peer=peer_of(request, self._proxies),
                user="" if access is None else access.username,
                organization="" if access is None else str(access.organization_id),
                method=request.method,
                operation=operation,
                status=status,
                received=received,
                sent=sent,
                seconds=round(seconds, 6),
            )
            _access.info(fields)

    def operation_of(self, request: web.BaseRequest) -> str:
        """Return the name of the operation that a request asks for."""
        if not isinstance(request, web.Request) or _FACTS not in request:
            return UNKNOWN  # its head could not be read
        if self._names is None:
            self._names = _names(request.app)
        return self._names.get(request.match_info.route, UNKNOWN)

    def hook(self) -> type[AbstractAccessLogger]:
        """Return the class that aiohttp makes for each connection, and calls after each response was sent."""
        observer = self

        class Hook(AbstractAccessLogger):
            __slots__ = ()

            def log(
                self, request: web.BaseRequest, response: web.StreamResponse, time: float
            ) -> None:
                status = CLIENT_GONE if is_gone(request) else response.status
                observer.ended(request, status, response.body_length)

            @property
            def enabled(self) -> bool:
                return observer.enabled

        return Hook


def note_request(request: web.Request, request_id: str) -> None:
    """Attach its id to a request whose head has been read."""
    request[_FACTS] = RequestFacts(request_id, time.perf_counter())


def note_caller(request: web.Request, access: Access) -> None:
    """Attach the caller of a request to it."""
    facts_of(request).access = access


def is_gone(request: web.BaseRequest) -> bool:
    """Whether the client has closed the connection."""
    return request.transport is None or request.transport.is_closing()


def facts_of(request: web.BaseRequest) -> RequestFacts:
    """Return the facts of a request; those of one whose head could not be read are empty."""
    facts = request.get(_FACTS)
    return RequestFacts("-", time.perf_counter()) if facts is None else facts


def _names(app: web.Application) -> Mapping[web.AbstractRoute, str]:
    known = _OTHERS | {
        (each.method, _PATTERN.sub(r"{\1}", each.path)): each.name for each in OPERATIONS.values()
    }
    names = {}
    for route in app.router.routes():
        path = "" if route.resource is None else route.resource.canonical
        # What is neither an operation nor a file has a fixed address: /healthz, /readyz.
        names[route] = known.get((route.method, path)) or path.strip("/") or UNKNOWN
    return names


def _received(request: web.BaseRequest) -> int:
    content: Any = request.content
    # aiohttp's empty body has no such attribute.
    compressed: int | None = getattr(content, "total_compressed_bytes", None)
    return int(content.total_bytes if compressed is None else compressed)
