"""The HTTP server of the plain platform: one aiohttp application on a port of its own."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from aiohttp.http_parser import HttpRequestParserPy
from aiohttp.web_protocol import RequestHandler, RequestPayloadError

from tests.support.plain_platform.kinds import WrongValueError, read_query
from tests.support.plain_platform.modules import FILE_ROUTES, ROUTES
from tests.support.plain_platform.records import User
from tests.support.plain_platform.routes import (
    Answer,
    Call,
    FileRoute,
    RefusedError,
    Route,
    missing,
)
from tests.support.plain_platform.store import Store
from tests.support.plain_platform.switches import Seen, Switches

ADDRESSES: set[str] = set()
"""Where platforms run, or ran, in this process."""
ORGANIZATION_HEADER = "X-Picsellia-Organization"
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class PlainPlatform:
    """A running platform; ``log`` names every request that arrived."""

    def __init__(self, switches: Switches) -> None:
        self.switches = switches
        self.store = Store()
        self.user = self.store.add_user("plain-user")
        self.address = ""
        self.log: list[Seen] = []

    @property
    def token(self) -> str:
        return self.user.token

    def add_user(self, name: str) -> str:
        """Another user of the organization, by a token."""
        return self.store.add_user(name).token


@asynccontextmanager
async def plain_platform(switches: Switches | None = None) -> AsyncIterator[PlainPlatform]:
    """A new platform on a free port of this machine, until the end of the block."""
    platform = PlainPlatform(switches or Switches())
    runner = web.AppRunner(_application(platform), access_log=None, shutdown_timeout=1)
    await runner.setup()
    assert runner.server is not None
    make = runner.server
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _with_xget(make()), "127.0.0.1", 0)
    try:
        platform.address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        ADDRESSES.add(platform.address)
        yield platform
    finally:
        server.close()
        await runner.cleanup()


def _with_xget(protocol: RequestHandler) -> RequestHandler:
    """aiohttp's parser in Python takes the method XGET; the one in C refuses it (reference 1.3)."""
    protocol._parser = HttpRequestParserPy(
        protocol,
        asyncio.get_running_loop(),
        2**18,
        max_line_size=2**16,
        max_field_size=2**16,
        payload_exception=RequestPayloadError,
    )
    return protocol


def _application(platform: PlainPlatform) -> web.Application:
    app = web.Application(middlewares=[_faults(platform), _errors], client_max_size=1 << 31)
    for route in ROUTES:
        app.router.add_route(route.method, route.path, _api_handler(platform, route))
    for file_route in FILE_ROUTES:
        app.router.add_route(
            file_route.method, file_route.path, _file_handler(platform, file_route)
        )
    app.router.add_route("*", "/{anything:.*}", _nothing)
    return app


Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def _faults(platform: PlainPlatform) -> Any:
    @web.middleware
    async def faults(request: web.Request, handler: Handler) -> web.StreamResponse:
        # The form of an upload is read part by part.
        body = await request.read() if request.path.startswith("/api/") else b""
        seen = Seen(request.method, request.path, request.query_string, body)
        platform.log.append(seen)
        fault = platform.switches.fault(seen)
        if fault is None:
            return await handler(request)
        if fault.cut == "after":
            await handler(request)
        if fault.cut is not None:
            assert request.transport is not None
            request.transport.abort()
        return _json(fault.status or 500, _message("A fault of this test."), fault.headers)

    return faults


@web.middleware
async def _errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except RefusedError as refused:
        return _json(refused.status, _message(refused.message, refused.detail))
    except WrongValueError as wrong:
        return _json(422, _message("The request is wrong.", [str(wrong)]))
    except web.HTTPMethodNotAllowed:
        return _json(405, _message("This path has no such method."))


def _api_handler(platform: PlainPlatform, route: Route) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        user = _user(platform, request, route)
        body = await request.read()
        if len(body) > platform.switches.body_cap:
            raise RefusedError(413, "The body is too large.")
        for key, value in request.match_info.items():
            if key != "name" and not _ID.fullmatch(value):
                raise missing(value)
        call = Call(
            platform.store,
            platform.switches,
            user,
            platform.address,
            dict(request.match_info),
            read_query(route.query, list(request.query.items())),
            _body(route, request, body),
        )
        answer = _with_more(route.handler(call), platform.switches.more)
        if isinstance(answer, Answer):
            return _json(answer.status, answer.body)
        return _json(204 if answer is None else 200, answer)

    return handle


def _with_more(answer: Any, more: Mapping[str, Any]) -> Any:
    """Every object with an id has more keys, as the switch says."""
    if not more:
        return answer
    if isinstance(answer, list):
        return [_with_more(item, more) for item in answer]
    if not isinstance(answer, dict):
        return answer
    known = {key: _with_more(value, more) for key, value in answer.items()}
    return {**more, **known} if "id" in known else known


def _user(platform: PlainPlatform, request: web.Request, route: Route) -> User:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    user = platform.store.with_token(token) if scheme == "Bearer" else None
    if user is None:
        raise RefusedError(401, "The token is not known.")
    organization = request.headers.get(ORGANIZATION_HEADER)
    if organization is None and route.session:
        raise RefusedError(400, f"The header {ORGANIZATION_HEADER} is missing.")
    if organization not in (None, platform.store.organization_id):
        raise RefusedError(403, "This organization is not yours.")
    return user


def _body(route: Route, request: web.Request, text: bytes) -> Any:
    if not text and route.body is None:
        return None
    if "Content-Encoding" in request.headers:
        raise RefusedError(415, "Bodies are not compressed here.")
    if request.content_type != "application/json":
        raise RefusedError(400, "The body must be JSON.")
    try:
        body = json.loads(text)
    except ValueError:
        raise RefusedError(400, "The body is no JSON.") from None
    if route.body is not None:
        route.body.check(body, "the body")
    elif body != {}:
        raise RefusedError(422, "This request has no body.")
    return body


def _file_handler(platform: PlainPlatform, route: FileRoute) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        if "Authorization" in request.headers:
            raise RefusedError(400, "A presigned URL takes no other authorization.")
        return await route.handler(platform.store, platform.switches, request)

    return handle


async def _nothing(request: web.Request) -> web.StreamResponse:
    raise missing("path")


def _message(message: str, detail: str | list[str] | None = None) -> dict[str, Any]:
    return {"message": message, "detail": detail}


def _json(status: int, body: Any, headers: Mapping[str, str] | None = None) -> web.Response:
    if body is None:
        return web.Response(status=status, headers=headers)
    return web.json_response(body, status=status, headers=headers)
