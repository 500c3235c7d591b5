"""Clients that take too long or are too many: each is ended or told to come again, and others are served (S15, F12)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import anyio
import pytest
from yarl import URL

from headrace.platform.accounts.signing_keys import signing_keys
from headrace.server.limits import connections
from headrace.server.settings import ServerSettings
from headrace.server.signing import UrlSigner
from tests.support.lakes.servers import Running, running
from tests.support.processes.waiting import until

pytestmark = pytest.mark.one_platform("what one server takes of connections to itself")

NAME = "data/0/file.bin"
ORGANIZATION = "00000000-0000-0000-0000-000000000000"
CALL = f"/api/organization/{ORGANIZATION}/datasets"
MIB = 1024 * 1024

QUICK = ServerSettings(
    max_connections=6,
    max_connections_per_peer=4,
    max_requests=3,
    head_seconds=0.3,
    body_seconds=0.3,
    body_rate=1000,
    unread_seconds=0.3,
)


@pytest.fixture(autouse=True)
def looks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "_LOOK_SECONDS", 0.02)


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Running]:
    async with running(tmp_path / "lake", QUICK) as found:
        yield found


class Line:
    """A raw connection to a server."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def send(self, text: bytes) -> None:
        self.writer.write(text)

    async def answer(self) -> bytes:
        """All that the server sends until it closes the connection."""
        found = b""
        with anyio.fail_after(20), suppress(ConnectionError):
            while piece := await self.reader.read(65_536):
                found += piece
        return found

    async def one(self) -> bytes:
        """One answer, whose body is read too."""
        with anyio.fail_after(20):
            head = await self.reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length:")[2].split()[0])
            return head + await self.reader.readexactly(length)


async def opened(server: Running, of: str) -> Line:
    at = urlsplit(server.address)
    return Line(*await asyncio.open_connection(at.hostname, at.port, local_addr=(of, 0)))


@asynccontextmanager
async def line(server: Running, *, of: str = "127.0.0.1") -> AsyncIterator[Line]:
    found = await opened(server, of)
    try:
        yield found
    finally:
        found.writer.close()


async def ping(server: Running) -> int:
    async with aiohttp.ClientSession() as session, session.get(f"{server.address}/healthz") as got:
        return got.status


def head(server: Running, path: str = CALL, *, method: str = "POST", length: int = 5000) -> bytes:
    return (
        f"{method} {path} HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer {server.token}\r\n"
        f"Content-Length: {length}\r\n\r\n"
    ).encode()


# --- clients that take too long -----------------------------------------------------------------------------


@pytest.mark.parametrize("before", [b"", b"GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n"])
async def test_a_head_that_does_not_end_is_408(server: Running, before: bytes) -> None:
    async with line(server) as slow:
        if before:
            slow.send(before)
            assert b" 200 " in await slow.one()
        slow.send(b"GET /healthz HTTP/1.1\r\nHost: ")
        assert await ping(server) == 200
        found = await slow.answer()
    assert found.startswith(b"HTTP/1.1 408 ")
    assert b"Connection: close" in found


async def test_a_head_that_trickles_is_ended(server: Running) -> None:
    async with line(server) as slow:
        slow.send(b"XGET /healthz HTTP/1.1\r\nX: ")

        async def trickle() -> None:
            with suppress(ConnectionError):
                while True:
                    slow.send(b"a")
                    await slow.writer.drain()
                    await asyncio.sleep(0.02)

        async with anyio.create_task_group() as group:
            group.start_soon(trickle)
            await slow.answer()
            group.cancel_scope.cancel()
    assert await ping(server) == 200


async def test_a_connection_that_says_nothing_is_closed(server: Running) -> None:
    async with line(server) as silent:
        assert await silent.answer() == b""


@pytest.mark.folder_of_files("the server sends and receives the file")
@pytest.mark.parametrize("what", ["call", "upload", "form"])
async def test_a_body_that_trickles_is_408_and_stores_nothing(server: Running, what: str) -> None:
    urls = UrlSigner(server.address, (await signing_keys(server.platform.context))[0])
    if what == "call":
        start = head(server)
    elif what == "upload":
        start = head(server, URL(urls.put(1, NAME), encoded=True).raw_path_qs, method="PUT")
    else:
        form = URL(urls.upload(1, NAME, "image/png")[0], encoded=True).raw_path_qs
        start = head(server, form).replace(
            b"Host: h", b"Host: h\r\nContent-Type: multipart/form-data; boundary=b"
        )
    async with line(server) as slow:
        slow.send(start + b"{")
        assert await ping(server) == 200
        found = await slow.answer()
    assert found.startswith(b"HTTP/1.1 408 "), found
    assert b"arrived too slowly" in found
    assert await server.platform.context.objects.head(NAME) is None


async def test_a_slow_line_above_the_floor_is_served(tmp_path: Path) -> None:
    settings = ServerSettings(body_seconds=0.2, body_rate=20, head_seconds=0.2)
    body = b'{"name":"' + b"x" * 60 + b'"}'
    async with running(tmp_path / "lake", settings) as server, line(server) as slow:
        slow.send(head(server, length=len(body)))
        for byte in body:
            slow.send(bytes([byte]))
            await asyncio.sleep(0.01)
        assert b" 404 " in await slow.one()  # understood; it is not this organization


@pytest.mark.folder_of_files("the server sends and receives the file")
async def test_a_client_that_takes_nothing_is_disconnected(server: Running) -> None:
    async def content() -> AsyncIterator[bytes]:
        for _ in range(16):
            yield bytes(MIB)

    await server.platform.context.objects.put(NAME, content())
    urls = UrlSigner(server.address, (await signing_keys(server.platform.context))[0])
    path = URL(urls.download(1, NAME), encoded=True).raw_path_qs
    async with line(server) as lazy:
        lazy.send(head(server, path, method="GET", length=0))
        await asyncio.sleep(1.5)
        assert len(await lazy.answer()) < 16 * MIB
    assert await ping(server) == 200


# --- too many clients ---------------------------------------------------------------------------------------


@asynccontextmanager
async def busy(server: Running, count: int, *, of: str = "127.0.0.1") -> AsyncIterator[list[Line]]:
    """Connections in the middle of a head."""
    lines = [await opened(server, of) for _ in range(count)]
    try:
        for each in lines:
            each.send(b"GET /")
        await asyncio.sleep(0.05)
        yield lines
    finally:
        for each in lines:
            each.writer.close()


PATIENT = ServerSettings(max_connections=6, max_connections_per_peer=4, max_requests=3)


async def test_more_connections_of_one_address_than_allowed_are_503(tmp_path: Path) -> None:
    async with running(tmp_path / "lake", PATIENT) as server, busy(server, 4) as lines:
        async with line(server) as more:
            found = await more.answer()
            assert found.startswith(b"HTTP/1.1 503 ")
            assert b"Retry-After: 1" in found
        async with line(server, of="127.0.0.2") as other:
            other.send(b"GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n")
            assert b" 200 " in await other.one()
        lines[0].writer.close()
        await lines[0].writer.wait_closed()
        await until(lambda: _served(server))


async def _served(server: Running) -> bool:
    try:
        return await ping(server) == 200
    except aiohttp.ClientError:
        return False


async def test_more_connections_in_all_than_allowed_are_503(tmp_path: Path) -> None:
    async with (
        running(tmp_path / "lake", PATIENT) as server,
        busy(server, 3),
        busy(server, 3, of="127.0.0.2"),
        line(server, of="127.0.0.3") as more,
    ):
        assert (await more.answer()).startswith(b"HTTP/1.1 503 ")


async def test_idle_connections_make_room(tmp_path: Path) -> None:
    async with running(tmp_path / "lake", PATIENT) as server, line(server) as first:
        first.send(b"GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n")
        assert b" 200 " in await first.one()
        async with busy(server, 3):
            assert await ping(server) == 200
        assert await first.answer() == b""


async def test_more_calls_than_allowed_are_503_but_the_server_is_seen_to_live(
    tmp_path: Path,
) -> None:
    settings = ServerSettings(max_requests=2)
    async with (
        running(tmp_path / "lake", settings) as server,
        line(server) as one,
        line(server) as two,
        aiohttp.ClientSession(headers=server.headers) as session,
    ):
        for each in (one, two):
            each.send(head(server, length=2) + b"{")
        await asyncio.sleep(0.2)
        async with session.get(f"{server.address}/api/home/ping") as answer:
            assert answer.status == 503
            assert answer.headers["Retry-After"] == "1"
        assert await ping(server) == 200
        one.send(b"}")
        assert b" 400 " in await one.one()
        async with session.get(f"{server.address}/api/home/ping") as answer:
            assert answer.status != 503


def test_several_processes_share_the_limits() -> None:
    shared = ServerSettings(
        max_connections=10, max_connections_per_peer=5, max_requests=7
    ).shared_by(4)
    assert (shared.max_connections, shared.max_connections_per_peer, shared.max_requests) == (
        3,
        2,
        2,
    )


def test_a_process_keeps_files_for_other_use(monkeypatch: pytest.MonkeyPatch) -> None:
    resource = pytest.importorskip("resource")
    monkeypatch.setattr(resource, "getrlimit", lambda _: (64, 64))
    assert ServerSettings().connections().most == 32


# --- what is no request -------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["GET", "XGET"])
@pytest.mark.parametrize("version", ["9.9", "0.9", "2.0"])
async def test_other_versions_of_http_are_refused(
    server: Running, method: str, version: str
) -> None:
    async with line(server) as odd:
        odd.send(f"{method} /healthz HTTP/{version}\r\nHost: h\r\n\r\n".encode())
        status = int((await odd.answer()).split()[1])
    assert status in (400, 505)


SENT: list[tuple[int, Callable[[Running], bytes]]] = [
    (200, lambda _: b"GET /healthz HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"),
    (404, lambda _: b"GET /nowhere HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"),
    (401, lambda _: b"GET /api/home/ping HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"),
    (400, lambda _: b"GET /\r\nsecret-token\r\n\r\n"),
    (408, lambda _: b"GET /"),
    (408, lambda server: head(server) + b"{"),
]


@pytest.mark.parametrize(("status", "sent"), SENT)
async def test_no_answer_names_a_version(
    server: Running, status: int, sent: Callable[[Running], bytes]
) -> None:
    async with line(server) as asking:
        asking.send(sent(server))
        found = await asking.answer()
    assert int(found.split()[1]) == status, found
    servers = [each for each in found.split(b"\r\n") if each.lower().startswith(b"server:")]
    assert servers == [b"Server: headrace"]
    assert b"secret-token" not in found
