"""A proxy in front of PostgreSQL that acts on the messages of commits: before they arrive, or instead of their answers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from tests.support.connections import connected, first_of, listening, pump

_COMMIT = b"commit\0"


class PostgresProxy:
    """``before`` is awaited before a commit is passed on, ``after`` when its answer is there and before it is passed on.

    What they raise closes the connection. ``ended`` is awaited when the server has closed a connection, before it is
    closed for the client.
    """

    def __init__(self, port: int) -> None:
        self._target = port
        self.port = 0
        self.before: Callable[[], Awaitable[None]] | None = None
        self.after: Callable[[], Awaitable[None]] | None = None
        self.ended: Callable[[], Awaitable[None]] | None = None

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass on both directions of a connection until one of them ends."""
        committing = asyncio.Event()

        async def sends(block: bytes) -> None:
            if _COMMIT in block:
                committing.set()
                if self.before is not None:
                    await self.before()

        async def answers(block: bytes) -> None:
            if committing.is_set() and self.after is not None:
                await self.after()
            committing.clear()

        async with connected("127.0.0.1", self._target) as (from_server, to_server):

            async def down() -> None:
                await pump(from_server, writer, answers)
                if self.ended is not None:
                    await self.ended()

            await first_of(pump(reader, to_server, sends), down())


@asynccontextmanager
async def postgres_proxy(port: int) -> AsyncIterator[PostgresProxy]:
    """Serve in front of the server at a port of this machine."""
    proxy = PostgresProxy(port)
    async with listening(proxy.serve) as proxy.port:
        yield proxy
