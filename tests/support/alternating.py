"""One address before two servers of a platform, which take turns: each request goes to the other one than the last."""

from __future__ import annotations

import asyncio
import itertools
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from msgspec import Struct

_BLOCK = 64 * 1024
_LONGEST_HEAD = 256 * 1024
_CONNECTION = re.compile(rb"\r\nconnection:[^\r]*", re.IGNORECASE)


class Alternating(Struct):
    """Where clients connect to, and how many requests each server got."""

    address: str
    requests: list[int]


@asynccontextmanager
async def alternating(*servers: str) -> AsyncIterator[Alternating]:
    """Pass requests on to servers in turn, each on a connection of its own."""
    places = [urlsplit(each) for each in servers]
    turns = itertools.cycle(range(len(places)))
    front = Alternating("", [0] * len(places))
    tasks: set[asyncio.Task[None]] = set()

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while block := await reader.read(_BLOCK):
            writer.write(block)
            await writer.drain()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        ways: list[asyncio.Task[None]] = []
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            turn = next(turns)
            front.requests[turn] += 1
            place = places[turn]
            from_server, to_server = await asyncio.open_connection(place.hostname, place.port)
            try:
                # One request a connection, so that the next one goes to the other server.
                head = _CONNECTION.sub(b"", head[:-2]) + b"Connection: close\r\n\r\n"
                to_server.write(head)
                ways = [
                    asyncio.create_task(pass_on(reader, to_server)),
                    asyncio.create_task(pass_on(from_server, writer)),
                ]
                await ways[1]
            finally:
                for way in ways:
                    way.cancel()
                await asyncio.gather(*ways, return_exceptions=True)
                to_server.transport.abort()
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            writer.transport.abort()
        finally:
            writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0, limit=_LONGEST_HEAD)
    front.address = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    try:
        yield front
    finally:
        listening.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
