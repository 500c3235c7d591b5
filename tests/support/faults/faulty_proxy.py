"""A proxy before a server that spoils one request in so many, in turn in each of a few ways."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from msgspec import Struct

from tests.support.connections import connected, listening

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_CONNECTION = re.compile(rb"\r\nconnection:[^\r]*", re.IGNORECASE)
WAYS = ("refuse", "cut", "drop", "reset")


class Proxy(Struct):
    """Where it listens; how many requests came, how many were spoiled, and how many refused for their size."""

    address: str = ""
    requests: int = 0
    spoiled: int = 0
    refused: int = 0


@asynccontextmanager
async def faulty_proxy(
    target: str, *, one_in: int = 0, only: bytes = b"", largest: int | None = None
) -> AsyncIterator[Proxy]:
    """Spoil each ``one_in``-th request whose first line holds ``only``; all others pass as they are.

    Bodies of more than ``largest`` bytes are refused, as a web server before the real one does.
    """
    upstream = urlsplit(target)
    proxy = Proxy()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await _request(reader)
        way = None
        if only in request.split(b"\r\n", 1)[0]:
            proxy.requests += 1
            if one_in and proxy.requests % one_in == 0:
                way = WAYS[proxy.spoiled % len(WAYS)]
                proxy.spoiled += 1
        if largest is not None and len(request.partition(b"\r\n\r\n")[2]) > largest:
            proxy.refused += 1
            way = "large"
        await _answer(request, way, upstream.hostname, upstream.port, writer)

    async with listening(serve) as port:
        proxy.address = f"http://127.0.0.1:{port}"
        yield proxy


async def _request(reader: asyncio.StreamReader) -> bytes:
    """One whole request that asks for the connection's end after it."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = _LENGTH.search(head)
    body = await reader.readexactly(int(length[1])) if length else b""
    head = _CONNECTION.sub(b"", head[:-4]) + b"\r\nConnection: close\r\n\r\n"
    return head + body


async def _answer(
    request: bytes,
    way: str | None,
    host: str | None,
    port: int | None,
    writer: asyncio.StreamWriter,
) -> None:
    if way == "drop":
        return writer.transport.abort()
    if way == "large":
        page = b"<html><h1>413 Request Entity Too Large</h1></html>"
        writer.write(b"HTTP/1.1 413 Request Entity Too Large\r\nContent-Type: text/html\r\n")
        writer.write(b"Content-Length: %d\r\nConnection: close\r\n\r\n%s" % (len(page), page))
    elif way == "refuse":
        writer.write(b"HTTP/1.1 503 Busy\r\nRetry-After: 0\r\nContent-Length: 0\r\n")
        writer.write(b"Connection: close\r\n\r\n")
    else:
        async with connected(host, port) as (from_server, to_server):
            to_server.write(request)
            answer = await from_server.read()
        head, end, body = answer.partition(b"\r\n\r\n")
        writer.write(answer if way is None else head + end + body[: len(body) // 2])
    await writer.drain()
    if way == "reset":
        return writer.transport.abort()
    return None
