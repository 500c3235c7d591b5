"""A worker process: it answers the calls that come through the socket that is its standard input, until that closes."""

from __future__ import annotations

import asyncio
import os
import socket
import struct
from typing import Final

from headrace.engine.cluster.calls import run_call

_LENGTH: Final = struct.Struct("<I")
_STOP_SECONDS: Final = 3.0


def main() -> None:
    """Answer calls until the socket closes."""
    connection = socket.socket(fileno=os.dup(0))
    try:
        import uvloop
    except ImportError:
        run = asyncio.run
    else:
        run = uvloop.run
    run(_serve(connection))


async def _serve(connection: socket.socket) -> None:
    reader, writer = await asyncio.open_connection(sock=connection, limit=1 << 20)
    try:
        while True:
            name, spec = (await _read(reader)).decode(), await _read(reader)
            answer = await _answer(name, spec, reader)
            if answer is None:
                break
            writer.writelines((_LENGTH.pack(len(answer)), answer))
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    writer.transport.abort()


async def _read(reader: asyncio.StreamReader) -> bytes:
    (size,) = _LENGTH.unpack(await reader.readexactly(_LENGTH.size))
    return await reader.readexactly(size)


async def _answer(name: str, spec: bytes, reader: asyncio.StreamReader) -> bytes | None:
    """Run a call; None if the socket closes meanwhile, which cancels it. The other side is silent until it has an answer."""
    call = asyncio.ensure_future(run_call(name, spec))
    closed = asyncio.ensure_future(reader.read(1))
    await asyncio.wait((call, closed), return_when=asyncio.FIRST_COMPLETED)
    if call.done():
        closed.cancel()
        await asyncio.wait((closed,))
        return call.result()
    call.cancel()
    await asyncio.wait((call,), timeout=_STOP_SECONDS)
    return None
