"""Accept connections and pass their bytes on: what the proxies of tests are made of."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any
from weakref import WeakSet

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[Any, Any, None]]

_BLOCK = 64 * 1024
_LONGEST_HEAD = 256 * 1024


@asynccontextmanager
async def listening(serve: Serve) -> AsyncIterator[int]:
    """Serve each connection to a port of this machine in a task; yields the port.

    A connection is closed when its task ends, and reset when its task fails. The end of the block ends all of them.
    """
    tasks: set[asyncio.Task[None]] = set()
    writers: WeakSet[asyncio.StreamWriter] = WeakSet()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.add(writer)
        task = asyncio.create_task(serve(reader, writer))
        tasks.add(task)

        def end(task: asyncio.Task[None]) -> None:
            # Here, since a task that is cancelled before it begins runs nothing.
            tasks.discard(task)
            error = None if task.cancelled() else task.exception()
            if task.cancelled() or error is not None:
                writer.transport.abort()
            else:
                writer.close()
            if error is not None and not isinstance(error, EOFError | OSError):
                task.get_loop().call_exception_handler(
                    {"message": "a connection was not served", "exception": error, "task": task}
                )

        task.add_done_callback(end)

    server = await asyncio.start_server(accept, "127.0.0.1", 0, limit=_LONGEST_HEAD)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for writer in list(writers):
            writer.transport.abort()


@asynccontextmanager
async def connected(
    host: str | None, port: int | None
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """Connect to a server for a block; the connection is reset at its end."""
    reader, writer = await asyncio.open_connection(host, port)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


async def pump(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    before: Callable[[bytes], Awaitable[None]] | None = None,
) -> None:
    """Pass on what arrives until its end; ``before`` is awaited with each block before it is passed on."""
    while block := await reader.read(_BLOCK):
        if before is not None:
            await before(block)
        writer.write(block)
        await writer.drain()


async def first_of(*ways: Coroutine[Any, Any, None]) -> None:
    """Run the directions of a connection until one of them ends."""
    tasks = [asyncio.create_task(way) for way in ways]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@asynccontextmanager
async def beside(way: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run one direction of a connection beside a block."""
    task = asyncio.create_task(way)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
