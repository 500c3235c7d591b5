"""A proxy before a server that counts the bytes of the answers; a connection falls silent after so many if a test asks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from msgspec import Struct

from tests.support.connections import connected, first_of, listening, pump


class CountingProxy(Struct):
    """Where it listens; how many bytes of answers it has passed on; after how many a connection falls silent."""

    address: str = ""
    passed: int = 0
    silent_after: int | None = None


@asynccontextmanager
async def counting_proxy(target: str) -> AsyncIterator[CountingProxy]:
    """Pass connections on to a server as they are."""
    upstream = urlsplit(target)
    proxy = CountingProxy()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        passed = 0

        async def count(block: bytes) -> None:
            nonlocal passed
            if proxy.silent_after is not None and passed >= proxy.silent_after:
                await asyncio.Event().wait()
            passed += len(block)
            proxy.passed += len(block)

        async with connected(upstream.hostname, upstream.port) as (from_server, to_server):
            await first_of(pump(reader, to_server), pump(from_server, writer, count))

    async with listening(serve) as port:
        proxy.address = f"http://127.0.0.1:{port}"
        yield proxy
