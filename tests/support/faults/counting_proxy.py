"""A proxy before a server that counts the bytes of the answers; a connection falls silent after so many if a test asks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from msgspec import Struct

_BLOCK = 64 * 1024


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
    tasks: set[asyncio.Task[None]] = set()

    async def upward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while block := await reader.read(_BLOCK):
            writer.write(block)
            await writer.drain()

    async def downward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        passed = 0
        while block := await reader.read(_BLOCK):
            if proxy.silent_after is not None and passed >= proxy.silent_after:
                await asyncio.Event().wait()
            passed += len(block)
            proxy.passed += len(block)
            writer.write(block)
            await writer.drain()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        host, port = upstream.hostname or "", upstream.port or 80
        from_server, to_server = await asyncio.open_connection(host, port)
        ways = [
            asyncio.create_task(upward(reader, to_server)),
            asyncio.create_task(downward(from_server, writer)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            return
        finally:
            for way in ways:
                way.cancel()
            to_server.transport.abort()
            writer.transport.abort()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    proxy.address = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    try:
        yield proxy
    finally:
        listening.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
