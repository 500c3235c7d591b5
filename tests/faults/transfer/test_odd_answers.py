"""Answers of something that is no headrace server, or stands in front of one: a typed error that quotes little (F41)."""

from __future__ import annotations

import gzip
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from headrace.backend.remote import RemoteBackend
from headrace.errors import (
    BadGatewayError,
    HeadraceError,
    RequestTooLargeError,
    ServerError,
    UnavailableError,
)
from headrace.net.retry import RetryPolicy
from headrace.protocol.operations.session import PING, Ping

PAGE = b"<html><body>" + b"bad gateway " * 5000


@asynccontextmanager
async def odd_server(answer: web.Response) -> AsyncIterator[str]:
    async def handle(request: web.Request) -> web.Response:
        return answer

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{site.port}"
    finally:
        await runner.cleanup()


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (web.Response(status=413, body=PAGE), RequestTooLargeError),
        (web.Response(status=502, body=PAGE, content_type="text/html"), BadGatewayError),
        (web.Response(status=503, body=b""), UnavailableError),
        (web.Response(status=200, body=b""), ServerError),
        (web.Response(status=200, body=PAGE, content_type="text/html"), ServerError),
        (web.Response(status=200, body=b'{"username":'), ServerError),
        (web.Response(status=200, body=b"\xff\xfe" * 5000), ServerError),
        (web.Response(status=200, body=b"[" * 100_000), ServerError),
        (web.Response(status=500, body=b'{"message":["a"]}'), ServerError),
        (
            web.Response(body=gzip.compress(PAGE)[:100], headers={"Content-Encoding": "gzip"}),
            ServerError,
        ),
    ],
    ids=lambda value: getattr(value, "__name__", None) or f"{value.status}-{len(value.body)}",
)
async def test_f41_is_a_typed_error_of_few_words(
    answer: web.Response, kind: type[HeadraceError]
) -> None:
    async with odd_server(answer) as address:
        backend = RemoteBackend(address, "token", policy=RetryPolicy(attempts=1))
        try:
            with pytest.raises(kind) as caught:
                await backend.call(PING, Ping())
        finally:
            await backend.aclose()
    assert len(str(caught.value)) < 400
    assert str(caught.value).count("bad gateway ") <= 200 / len("bad gateway ")
