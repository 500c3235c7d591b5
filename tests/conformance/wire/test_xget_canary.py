"""XGET against the very aiohttp that is installed: a canary, for the hand-over uses names that may move."""

from __future__ import annotations

import asyncio
import hashlib
import json
import urllib.request
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
import requests
from aiohttp import web

from headrace.server.http_protocol import AnyMethodSite

MIB = 1024 * 1024


async def echo(request: web.Request) -> web.Response:
    body = await request.read()
    return web.json_response(
        {"method": request.method, "size": len(body), "sha256": hashlib.sha256(body).hexdigest()}
    )


@pytest.fixture
async def port() -> AsyncIterator[int]:
    app = web.Application(client_max_size=64 * MIB)
    app.router.add_route("XGET", "/x", echo)
    app.router.add_route("GET", "/x", echo)
    app.router.add_route("POST", "/x", echo)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    site = AnyMethodSite(runner, "127.0.0.1", 0)
    await site.start()
    yield site.bound_port
    await runner.cleanup()


async def test_aiohttp_alone_still_refuses_xget() -> None:
    """Where this fails, the hand-over has become needless: take it out."""
    app = web.Application()
    app.router.add_route("XGET", "/x", echo)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    url = f"http://127.0.0.1:{site.port}/x"
    async with aiohttp.ClientSession() as session, session.request("XGET", url) as response:
        assert response.status == 400
    await runner.cleanup()


@pytest.mark.parametrize("size", [0, 10, 200_000, 20 * MIB])
async def test_aiohttp_client(port: int, size: int) -> None:
    # Bodies that begin like a message must stay bodies.
    body = (b"XGET / HTTP/1.1\r\n\r\n" * (size // 19 + 1))[:size]
    async with aiohttp.ClientSession() as session:
        for method in ("GET", "XGET", "XGET", "POST", "GET", "XGET", "POST"):
            async with session.request(method, f"http://127.0.0.1:{port}/x", data=parts(body)) as r:
                assert await r.json() == expected(method, body)


async def parts(body: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(body), 100_000):
        yield body[start : start + 100_000]


def expected(method: str, body: bytes) -> dict[str, Any]:
    return {"method": method, "size": len(body), "sha256": hashlib.sha256(body).hexdigest()}


async def test_requests_and_urllib(port: int) -> None:
    url = f"http://127.0.0.1:{port}/x"

    def drive() -> list[str]:
        methods = []
        with requests.Session() as session:
            for method in ("GET", "XGET", "POST", "XGET", "GET"):
                answer = session.request(method, url, data=b"[1]", timeout=20)
                methods.append(answer.json()["method"])
        asked = urllib.request.Request(url, data=b"[1]", method="XGET")
        with urllib.request.urlopen(asked, timeout=20) as answer:
            methods.append(json.load(answer)["method"])
        return methods

    assert await asyncio.to_thread(drive) == ["GET", "XGET", "POST", "XGET", "GET", "XGET"]


def message(method: str, body: bytes = b"") -> bytes:
    head = f"{method} /x HTTP/1.1\r\nHost: h\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def chunked(method: str, body: bytes) -> bytes:
    head = f"{method} /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    cut = len(body) // 2
    pieces = b"".join(b"%x\r\n%s\r\n" % (len(p), p) for p in (body[:cut], body[cut:]) if p)
    return head + pieces + b"0\r\n\r\n"


@pytest.mark.parametrize(
    ("sent", "methods"),
    [
        (message("XGET", b"abc") * 3, ["XGET"] * 3),
        (message("GET") + message("XGET", b"abc"), ["GET", "XGET"]),
        (message("POST", b"a" * 300_000) + message("XGET", b"abc"), ["POST", "XGET"]),
        (chunked("XGET", b"abcdef") + chunked("POST", b"abcdef"), ["XGET", "POST"]),
        (chunked("XGET", b"abcdef") + message("GET"), ["XGET", "GET"]),
    ],
)
async def test_pipelined(port: int, sent: bytes, methods: list[str]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(sent)
    found = []
    for _ in methods:
        answer = await one_answer(reader)
        if answer["status"] == 400:
            break
        found.append(answer["method"])
    writer.close()
    # Behind a body in one segment a hand-over is not sound: there the connection is refused, never misread.
    assert found == methods or (sent.startswith(b"POST") and methods[: len(found)] == found)


async def test_byte_by_byte(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    methods = []
    for sent in (message("GET"), message("XGET", b"abc"), message("POST", b"abc")):
        for byte in sent:
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(0)
        methods.append((await one_answer(reader))["method"])
    writer.close()
    assert methods == ["GET", "XGET", "POST"]


@pytest.mark.parametrize(
    "sent",
    [
        b"XG\x00T /x HTTP/1.1\r\nHost: h\r\n\r\n",
        b"XGET\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"XGET /x HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"GET /x HTTP/1.1\r\nHost: h\r\nXGET /x HTTP/1.1\r\n\r\n",
        b"XGET /x HTTP/1.1\r\nHost: h\r\nX: " + b"a" * 100_000 + b"\r\n\r\n",
    ],
)
async def test_garbage_is_refused(port: int, sent: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(sent)
    assert (await one_answer(reader))["status"] == 400
    assert await reader.read() == b""
    writer.close()


async def one_answer(reader: asyncio.StreamReader) -> dict[str, Any]:
    async with asyncio.timeout(20):
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        status = int(head.split()[1])
        lengths = [
            line for line in head.split("\r\n") if line.lower().startswith("content-length:")
        ]
        body = await reader.readexactly(int(lengths[0].partition(":")[2]))
    found: dict[str, Any] = json.loads(body) if status == 200 else {}
    return {"status": status, **found}
