"""A proxy in front of PostgreSQL that acts on the messages of commits: before they arrive, or instead of their answers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

_COMMIT = b"commit\0"


class PostgresProxy:
    """``before`` is awaited before a commit is passed on, ``after`` when its answer is there and before it is passed on.

    What they raise closes the connection.
    """

    def __init__(self, port: int) -> None:
        self._target = port
        self.port = 0
        self.before: Callable[[], Awaitable[None]] | None = None
        self.after: Callable[[], Awaitable[None]] | None = None

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass on both directions of a connection until one of them ends."""
        server_reader, server_writer = await asyncio.open_connection("127.0.0.1", self._target)
        committing = asyncio.Event()

        async def up() -> None:
            while data := await reader.read(1 << 16):
                if _COMMIT in data:
                    committing.set()
                    if self.before is not None:
                        await self.before()
                server_writer.write(data)
                await server_writer.drain()

        async def down() -> None:
            while data := await server_reader.read(1 << 16):
                if committing.is_set() and self.after is not None:
                    await self.after()
                committing.clear()
                writer.write(data)
                await writer.drain()

        tasks = [asyncio.ensure_future(up()), asyncio.ensure_future(down())]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            for each in (writer, server_writer):
                each.close()
                with suppress(OSError):
                    await each.wait_closed()


@asynccontextmanager
async def postgres_proxy(port: int) -> AsyncIterator[PostgresProxy]:
    """Serve in front of the server at a port of this machine."""
    proxy = PostgresProxy(port)
    async with await asyncio.start_server(proxy.serve, "127.0.0.1", 0) as server:
        proxy.port = server.sockets[0].getsockname()[1]
        yield proxy
