"""One address before two servers of a platform, which take turns: each request goes to the other one than the last."""

from __future__ import annotations

import asyncio
import itertools
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from msgspec import Struct, field

_BLOCK = 64 * 1024
_LONGEST_HEAD = 256 * 1024
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
    tasks: set[asyncio.Task[None]] = set()

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while block := await reader.read(_BLOCK):
            writer.write(block)
            await writer.drain()

    async def answer(line: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not front.loses(line):
            return await pass_on(reader, writer)
        await reader.read(-1)
        front.lost += 1
        return writer.transport.abort()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(serve(reader, writer))
        tasks.add(task)

        def end(task: asyncio.Task[None]) -> None:
            # Here, since a task that is cancelled before it begins runs nothing.
            tasks.discard(task)
            writer.close()

        task.add_done_callback(end)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ways: list[asyncio.Task[None]] = []
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            line = head.partition(b"\r\n")[0].decode("latin-1")
            turn, from_server, to_server = await front.connect()
            front.requests[turn] += 1
            try:
                # One request a connection, so that the next one goes to the other server.
                head = _CONNECTION.sub(b"", head[:-2]) + b"Connection: close\r\n\r\n"
                to_server.write(head)
                ways = [
                    asyncio.create_task(pass_on(reader, to_server)),
                    asyncio.create_task(answer(line, from_server, writer)),
                ]
                front.watch(turn, line)
                await ways[1]
            finally:
                to_server.transport.abort()
                for way in ways:
                    way.cancel()
                await asyncio.gather(*ways, return_exceptions=True)
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            writer.transport.abort()

    listening = await asyncio.start_server(accept, "127.0.0.1", 0, limit=_LONGEST_HEAD)
    front.address = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    try:
        yield front
    finally:
        listening.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
