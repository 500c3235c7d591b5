"""The fault server does to the byte what its script says."""

from __future__ import annotations

import asyncio

from headrace.testing.fault_server import (
    FaultServer,
    Reply,
    cut,
    dropped,
    fault_server,
    redirect,
    refuse,
)

CONTENT = bytes(range(256)) * 10


async def ask(server: FaultServer, *lines: str) -> bytes:
    """All that comes back on one connection that asks once."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write("\r\n".join(["GET /a.bin HTTP/1.1", *lines, "", ""]).encode())
    writer.write_eof()
    try:
        return await reader.read()
    except ConnectionResetError:
        return b"(reset)"
    finally:
        writer.close()


def body(answer: bytes) -> bytes:
    return answer.partition(b"\r\n\r\n")[2]


async def test_a_good_answer_honours_ranges() -> None:
    async with fault_server({"a.bin": CONTENT}) as server:
        assert body(await ask(server)) == CONTENT
        part = await ask(server, "Range: bytes=2550-")
        assert part.startswith(b"HTTP/1.1 206 ")
        assert b"Content-Range: bytes 2550-2559/2560" in part
        assert body(part) == CONTENT[2550:]
        other = await ask(server, "Range: bytes=2550-", 'If-Range: "other"')
        assert other.startswith(b"HTTP/1.1 200 ")
        beyond = await ask(server, "Range: bytes=2560-")
        assert beyond.startswith(b"HTTP/1.1 416 ")
        assert [seen.range for seen in server.seen("a.bin")][1] == "bytes=2550-"


async def test_scripts_run_out_one_by_one() -> None:
    async with fault_server({"a.bin": CONTENT}) as server:
        server.script("a.bin", cut(7), dropped(), cut(3, "reset"), refuse(503, retry_after="-1"))
        server.script("a.bin", redirect("/b"), Reply(length=9), Reply(length="chunked"))
        assert body(await ask(server)) == CONTENT[:7]
        assert await ask(server) == b""
        assert await ask(server) == b"(reset)"
        assert b"Retry-After: -1" in await ask(server)
        assert b"Location: /b" in await ask(server)
        assert b"Content-Length: 9\r\n" in await ask(server)
        assert body(await ask(server)).startswith(b"a00\r\n")
        assert body(await ask(server)) == CONTENT
