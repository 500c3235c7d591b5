"""A proxy before the S3 of the tests: it counts bytes, lacks steps, and loses answers.

It forwards requests as they are, with their host, so that signatures stay valid.
"""

from __future__ import annotations

import io
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import aiohttp
from aiohttp import web
from yarl import URL

from headrace.storage.objects.s3.sigv4 import Signer, SigningKey
from tests.support.s3_server import ADMINISTRATOR, S3Server

_HOP = ("connection", "keep-alive", "transfer-encoding", "content-length", "expect")
_MOST = 256 << 20

Rule = Callable[[web.Request], bool]
"""Whether a rule of the proxy holds for a request."""


class S3Proxy:
    """A proxy with rules.

    Requests for which ``lacks`` holds are answered 501. Those of ``replaces`` find their key free, as on an S3 that
    ignores ``If-None-Match``. The answers to those of ``loses`` do not arrive, once each. ``received`` and ``sent`` count
    the bytes of bodies.
    """

    def __init__(self, server: S3Server, session: aiohttp.ClientSession) -> None:
        self.address = ""
        self.lacks: Rule = lambda request: False
        self.replaces: Rule = lambda request: False
        self.loses: Rule = lambda request: False
        self.received = self.sent = 0
        self.lost: list[str] = []
        self._server = server
        self._session = session
        self._signer = Signer(SigningKey(ADMINISTRATOR, server.secret), "us-east-1")

    async def answer(self, request: web.Request) -> web.Response:
        """Forward a request."""
        body = await request.read()
        self.received += len(body)
        if self.lacks(request):
            return web.Response(
                status=501, body=b"<Error><Code>NotImplemented</Code></Error>",
                content_type="application/xml",
            )  # fmt: skip
        if self.replaces(request):
            await self._free(request.url.raw_path)
        headers = {
            name: value for name, value in request.headers.items() if name.lower() not in _HOP
        }
        url = URL(self._server.endpoint + request.raw_path, encoded=True)
        async with self._session.request(
            request.method,
            url,
            headers=headers,
            data=io.BytesIO(body) if body else b"",
            allow_redirects=False,
        ) as found:
            content = await found.read()
            kept = [
                (name, value) for name, value in found.headers.items() if name.lower() not in _HOP
            ]
            size = found.headers.get("Content-Length")
        if self.loses(request) and request.raw_path not in self.lost:
            self.lost.append(request.raw_path)
            assert request.transport is not None
            request.transport.abort()
        self.sent += len(content)
        answer = web.Response(status=found.status, body=content)
        for name, value in kept:
            answer.headers[name] = value
        if request.method == "HEAD" and size is not None:
            answer.headers["Content-Length"] = size
        return answer

    async def _free(self, path: str) -> None:
        host = self._server.endpoint.partition("://")[2]
        empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        headers = self._signer.headers("DELETE", host, path, {}, {}, empty)
        url = URL(self._server.endpoint + path, encoded=True)
        async with self._session.delete(url, headers=headers) as answer:
            assert answer.status == 204


@asynccontextmanager
async def s3_proxy(server: S3Server) -> AsyncIterator[S3Proxy]:
    """Start a proxy in this process."""
    skipped = ("Content-Type", "User-Agent", "Accept", "Accept-Encoding")
    async with aiohttp.ClientSession(skip_auto_headers=skipped, auto_decompress=False) as session:
        proxy = S3Proxy(server, session)
        app = web.Application(client_max_size=_MOST)
        app.router.add_route("*", "/{path:.*}", proxy.answer)
        runner = web.AppRunner(app, access_log=None, auto_decompress=False)
        await runner.setup()
        try:
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            port = runner.addresses[0][1]
            proxy.address = f"http://127.0.0.1:{port}"
            yield proxy
        finally:
            await runner.cleanup()
