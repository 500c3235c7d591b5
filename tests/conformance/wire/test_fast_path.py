"""The HTTP/1.1 client against real sockets: what it accepts, what it leaves to aiohttp, and how it ends."""

from __future__ import annotations

import asyncio
import gc
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from headrace.errors import TransferError, TransferTimeoutError
from headrace.net.response import StallPolicy, StreamingResponse
from headrace.net.storage_session import StorageSession
from headrace.testing.fault_server import Reply, cut, dropped, fault_server
from tests.support.faults.certificates import Certificate, signed_by_itself
from tests.support.processes.waiting import until

SMALL = bytes(range(256)) * 80
LARGE = bytes(range(256)) * 20_000
FILES = {"small": SMALL, "middle": LARGE[:200_000], "large": LARGE, "empty": b""}


@asynccontextmanager
async def session(patience: StallPolicy | None = None) -> AsyncIterator[StorageSession]:
    found = StorageSession(user_agent="test", stall=patience)
    try:
        yield found
    finally:
        await found.aclose()


async def body(opened: StreamingResponse) -> bytes:
    content = b"".join([bytes(chunk) async for chunk in opened.chunks()])
    opened.close()
    return content


async def test_connections_are_used_again() -> None:
    connections = 0

    async with fault_server(FILES) as server, session() as storage:
        serve = server.serve

        async def counted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal connections
            connections += 1
            await serve(reader, writer)

        server.serve = counted  # type: ignore[method-assign]
        listening = await asyncio.start_server(counted, "127.0.0.1", 0)
        port = listening.sockets[0].getsockname()[1]
        for _ in range(3):
            for name, content in FILES.items():
                opened = await storage.get(f"http://127.0.0.1:{port}/{name}")
                assert await body(opened) == content
        assert storage.fast_path_responses == 12
        assert connections == 1
        listening.close()
        await storage.aclose()
        await listening.wait_closed()


@pytest.mark.parametrize(
    "odd",
    [Reply(length="chunked"), Reply(length="none"), Reply(status=204, body=b"")],
    ids=["chunked", "no length", "204"],
)
async def test_what_is_not_plain_comes_by_aiohttp(odd: Reply) -> None:
    async with fault_server(FILES) as server, session() as storage:
        server.always("small", odd)
        for _ in range(6):
            opened = await storage.get(server.url("small"))
            assert await body(opened) in (SMALL, b"")
        assert storage.fast_path_responses == 0
        # After three unsupported responses the origin is left to aiohttp.
        assert len(server.requests) == 6 + 3


async def test_a_body_longer_than_told_ends_the_connection() -> None:
    """What comes after the body never becomes the next answer."""
    trap = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ntrap"
    async with fault_server(FILES) as server, session() as storage:
        for name in ("small", "middle", "large"):
            server.script(name, Reply(body=FILES[name] + trap, length=len(FILES[name])))
            assert await body(await storage.get(server.url(name))) == FILES[name]
            assert await body(await storage.get(server.url("small"))) == SMALL


@pytest.mark.parametrize("by", ["close", "reset"])
async def test_a_connection_that_was_closed_while_it_rested(by: str) -> None:
    async with fault_server(FILES) as server, session() as storage:
        assert await body(await storage.get(server.url("small"))) == SMALL
        server.script("small", dropped(by))
        assert await body(await storage.get(server.url("small"))) == SMALL
        assert storage.fast_path_responses == 2


@pytest.mark.parametrize("name", ["small", "middle", "large"])
async def test_what_came_before_a_cut_is_given(name: str) -> None:
    async with fault_server(FILES) as server, session() as storage:
        server.script(name, cut(10_000))
        opened = await storage.get(server.url(name))
        came = b""
        with pytest.raises(TransferError, match="broke the connection"):
            async for chunk in opened.chunks():
                came += bytes(chunk)
        opened.close()
        assert came == FILES[name][:10_000]


async def test_whoever_takes_nothing_holds_the_other_side_back() -> None:
    """And is not taken for a silent storage; what is not read to its end costs the connection."""
    patience = StallPolicy(silence=0.3, speed=1)
    async with fault_server({"huge": bytes(40_000_000)}) as server, session(patience) as storage:
        opened = await storage.get(server.url("huge"))
        blocks = opened.chunks()
        size = len(await anext(blocks))
        await asyncio.sleep(0.8)
        async for block in blocks:
            size += len(block)
        opened.close()
        assert size == 40_000_000
        opened = await storage.get(server.url("huge"))
        await anext(opened.chunks())
        opened.close()
        assert len(await body(await storage.get(server.url("huge")))) == 40_000_000


async def test_silence_is_told_of_by_the_origin_alone() -> None:
    patience = StallPolicy(silence=0.2, speed=1)
    async with fault_server(FILES) as server, session(patience) as storage:
        server.always("small", dropped("silent"))
        with pytest.raises(TransferTimeoutError) as caught:
            await storage.get(server.url("small") + "?signature=s3cret")
        assert "s3cret" not in str(caught.value)


async def test_a_cancelled_request_leaves_nothing() -> None:
    async with fault_server(FILES) as server, session() as storage:
        server.script("large", cut(100_000, "silent"))
        task = asyncio.create_task(storage.get(server.url("small")))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        opened = await storage.get(server.url("large"))
        reading = asyncio.create_task(body(opened))
        await asyncio.sleep(0.05)
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        opened.close()
        assert storage.host(server.address).busy == 0
        assert await body(await storage.get(server.url("small"))) == SMALL
    gc.collect()


async def test_closing_the_session_ends_a_request_that_waits() -> None:
    async with fault_server(FILES) as server, session() as storage:
        server.always("small", dropped("silent"))
        waiting = asyncio.create_task(storage.get(server.url("small")))
        await until(lambda: len(server.requests) == 1)
        await storage.aclose()
        with pytest.raises(TransferError, match="broke the connection"):
            await asyncio.wait_for(waiting, 10)
        assert storage.host(server.address).busy == 0


@pytest.mark.parametrize("read", [0, 1], ids=["unread", "half read"])
async def test_closing_the_session_closes_what_is_not_read(read: int) -> None:
    """Reading on is an error, and nothing stays open."""
    async with fault_server(FILES) as server, session() as storage:
        opened = await storage.get(server.url("large"))
        blocks = opened.chunks()
        for _ in range(read):
            await anext(blocks)
        await storage.aclose()
        with pytest.raises(TransferError, match="broke the connection"):
            await anext(blocks)
        opened.close()
        assert storage.host(server.address).busy == 0
    gc.collect()


async def test_closing_the_session_ends_a_body_that_is_read() -> None:
    async with fault_server(FILES) as server, session() as storage:
        server.script("large", cut(1_000_000, "silent"))
        opened = await storage.get(server.url("large"))
        reading = asyncio.create_task(body(opened))
        await asyncio.sleep(0.1)
        await storage.aclose()
        with pytest.raises(TransferError, match="broke the connection"):
            await asyncio.wait_for(reading, 10)
        opened.close()


async def test_an_idle_connection_that_the_server_closes_is_closed_here_too() -> None:
    async with fault_server(FILES) as server, session() as storage:
        for name in ("small", "large"):
            assert await body(await storage.get(server.url(name))) == FILES[name]
            await server.hang_up()
            await asyncio.sleep(0.05)
        assert await body(await storage.get(server.url("small"))) == SMALL
        assert len(server.requests) == 3


async def test_proxies_are_left_to_aiohttp(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("no_proxy", "")
    async with fault_server(FILES) as server, session() as storage:
        with pytest.raises(TransferError, match="cannot reach"):
            await storage.get(server.url("small"))
        assert server.requests == []
        assert storage.fast_path_responses == 0


Answering = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return signed_by_itself(tmp_path_factory.mktemp("tls"))


@pytest.mark.parametrize("trusted", [True, False])
async def test_tls(
    certificate: Certificate, monkeypatch: pytest.MonkeyPatch, trusted: bool
) -> None:
    """The system's authorities, or those of SSL_CERT_FILE; never none."""
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate.path))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate.path, certificate.key)
    async with fault_server(FILES) as server, session() as storage:
        listening = await asyncio.start_server(server.serve, "127.0.0.1", 0, ssl=context)
        address = f"https://localhost:{listening.sockets[0].getsockname()[1]}"
        try:
            if trusted:
                for name, content in FILES.items():
                    assert await body(await storage.get(f"{address}/{name}")) == content
                assert storage.fast_path_responses == len(FILES)
            else:
                with pytest.raises(TransferError, match="no certificate"):
                    await storage.get(f"{address}/small")
                assert server.requests == []
        finally:
            await storage.aclose()
            listening.close()
            await server.hang_up()
            await listening.wait_closed()
