"""One address before two servers of a platform, which take turns: each request goes to the other one than the last."""

from __future__ import annotations

import asyncio
import itertools
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from msgspec import Struct, field

from tests.support.connections import beside, listening, pump

_CONNECTION = re.compile(rb"\r\nconnection:[^\r]*", re.IGNORECASE)


class Alternating(Struct):
    """The place that clients connect to.

    Attributes:
        address: The address.
        servers: The addresses of the servers, which may be changed at any time.
        requests: How many requests each server got.
        watch: Called with the number of a server and the first line of a request that it has got.
        loses: Whether the answer to a request, given by its first line, is lost: the server has answered in full, and the
            connection of the client ends.
        lost: How many answers were lost.
    """

    address: str
    servers: list[str]
    requests: list[int]
    watch: Callable[[int, str], None] = lambda turn, line: None
    loses: Callable[[str], bool] = lambda line: False
    lost: int = 0
    turns: itertools.count[int] = field(default_factory=itertools.count)

    async def connect(self) -> tuple[int, asyncio.StreamReader, asyncio.StreamWriter]:
        """Connect to the next server that accepts connections; ConnectionError where none does."""
        for _ in range(len(self.servers)):
            turn = next(self.turns) % len(self.servers)
            place = urlsplit(self.servers[turn])
            try:
                return turn, *await asyncio.open_connection(place.hostname, place.port)
            except OSError:
                continue
        raise ConnectionError("no server accepts connections")


@asynccontextmanager
async def alternating(*servers: str) -> AsyncIterator[Alternating]:
    """Pass requests on to servers in turn, each on a connection of its own; servers that are away are left out."""
    front = Alternating("", [*servers], [0] * len(servers))

    async def answer(line: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not front.loses(line):
            return await pump(reader, writer)
        await reader.read(-1)
        front.lost += 1
        return writer.transport.abort()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        line = head.partition(b"\r\n")[0].decode("latin-1")
        turn, from_server, to_server = await front.connect()
        front.requests[turn] += 1
        try:
            # One request a connection, so that the next one goes to the other server.
            to_server.write(_CONNECTION.sub(b"", head[:-2]) + b"Connection: close\r\n\r\n")
            async with beside(pump(reader, to_server)):
                front.watch(turn, line)
                await answer(line, from_server, writer)
        finally:
            to_server.transport.abort()

    async with listening(serve) as port:
        front.address = f"http://127.0.0.1:{port}"
        yield front
