"""Downloads over a line that fails at any one request, in storms, or before there is an answer (F03, F13, F14, F19, F21)."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import socket
import ssl
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from email.utils import formatdate
from pathlib import Path

import pytest

from headrace.backend.remote_file import RemoteFile
from headrace.net.congestion import LimiterPolicy
from headrace.net.response import StallPolicy
from headrace.net.retry import RetryPolicy
from headrace.net.storage_session import StorageSession
from headrace.testing.fault_server import (
    FaultServer,
    Reply,
    cut,
    dropped,
    fault_server,
    refuse,
)
from headrace.transfer.download.run import run
from headrace.transfer.progress import Progress
from headrace.transfer.report import TransferReport
from headrace.transfer.source import Item
from tests.support.processes.waiting import until

QUICK = RetryPolicy(attempts=4, base=0.001, cap=0.01, budget=20.0, longest=0.05)
GENTLE = LimiterPolicy(base=0.001, cap=0.01, longest=0.05)
FILES = {f"{n}.bin": hashlib.shake_256(bytes([n])).digest(30_000 + n) for n in range(12)}


@asynccontextmanager
async def opened(pressure: LimiterPolicy = GENTLE) -> AsyncIterator[StorageSession]:
    patience = StallPolicy(silence=0.5, speed=1_000_000)
    session = StorageSession(user_agent="test", stall=patience, limits=pressure)
    try:
        yield session
    finally:
        await session.aclose()


def item(session: StorageSession, url: str, name: str, content: bytes | None = None) -> Item:
    async def renew() -> str:
        return url

    source = RemoteFile(session, url, renew=renew, what=name)
    if content is None:
        return Item(name=name, source=source)
    return Item(
        name=name,
        source=source,
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
    )


async def fetch(items: Iterable[Item], folder: Path, policy: RetryPolicy = QUICK) -> TransferReport:
    async def batches() -> AsyncIterator[list[Item]]:
        yield list(items)

    with Progress("pull", "files", None) as progress:
        return await run(batches(), folder, max_workers=6, policy=policy, progress=progress)


async def fetch_all(server: FaultServer, folder: Path) -> TransferReport:
    async with opened() as session:
        return await fetch(
            [item(session, server.url(name), name, body) for name, body in FILES.items()], folder
        )


def there(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob("*.bin")}


@pytest.mark.parametrize(
    "fault",
    [
        dropped(),
        dropped("reset"),
        dropped("silent"),
        cut(10_000),
        cut(10_000, "silent"),
        refuse(500),
        refuse(503),
        Reply(status=200, body=b"", length=0),
    ],
    ids=["closed", "reset", "silent", "cut", "stalled", "500", "503", "empty"],
)
async def test_f03_any_request_may_fail(tmp_path: Path, fault: Reply) -> None:
    """The first, the second, the third … request fails, until there are no more."""
    async with fault_server(FILES) as server:
        for at in range(1, 4 * len(FILES), 3):
            server.requests.clear()
            server.nth = (at, fault)
            report = await fetch_all(server, tmp_path / str(at))
            assert (report.moved, report.failed) == (len(FILES), 0)
            assert there(tmp_path / str(at)) == FILES
            if len(server.requests) < at:
                return
    raise AssertionError("more requests than that were never needed")


@pytest.mark.parametrize(
    "wish",
    ["0", "1", "-5", "soon", "1000000000", "Wed, 21 Oct 2015 07:28:00 GMT", "date"],
)
@pytest.mark.parametrize("status", [429, 503])
async def test_f13_wishes_to_wait(
    tmp_path: Path, wish: str, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever stands there, the files arrive; an absurd wish is capped, and told."""
    if wish == "date":
        wish = formatdate(time.time() + 3600, usegmt=True)
    async with fault_server(FILES) as server:
        server.nth = (1, refuse(status, retry_after=wish))
        with caplog.at_level(logging.WARNING, "headrace.net"):
            report = await fetch_all(server, tmp_path)
    assert (report.moved, report.failed) == (len(FILES), 0)
    assert there(tmp_path) == FILES
    absurd = wish in ("1", "1000000000") or (wish.endswith("GMT") and "2015" not in wish)
    assert ("asks to wait" in caplog.text) == absurd


async def test_f14_a_storm_of_refusals(tmp_path: Path) -> None:
    """One request in five is refused for as long as it takes; all arrive, and none is asked for more than a few times."""
    async with fault_server(FILES) as server:
        server.every = (5, refuse(429))
        report = await fetch_all(server, tmp_path)
        asked = [len(server.seen(name)) for name in FILES]
    assert (report.moved, report.failed) == (len(FILES), 0)
    assert there(tmp_path) == FILES
    assert max(asked) <= 6
    assert sum(asked) <= len(FILES) * 3


async def test_f19_a_name_that_nobody_knows(tmp_path: Path) -> None:
    async with opened() as session:
        report = await fetch([item(session, "http://nobody.invalid/a?secret", "a.bin")], tmp_path)
    (failure,) = report.failures
    assert failure.code == "connect"
    assert "cannot reach http://nobody.invalid" in failure.message
    assert "secret" not in failure.message
    assert there(tmp_path) == {}


async def test_f19_a_door_that_is_closed(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/a?secret"
        async with opened() as session:
            report = await fetch([item(session, url, "a.bin")], tmp_path)
    (failure,) = report.failures
    assert failure.code == "connect"
    assert "secret" not in failure.message


async def test_f19_a_certificate_of_nobody(tmp_path: Path) -> None:
    """Said once, and not tried again."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(Path(__file__).parents[2] / "support" / "faults" / "untrusted.pem")

    connections = 0

    async def served(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx")
        writer.close()

    server = await asyncio.start_server(served, "127.0.0.1", 0, ssl=context)
    port = server.sockets[0].getsockname()[1]
    async with server, opened() as session:
        report = await fetch(
            [item(session, f"https://127.0.0.1:{port}/a?secret", "a.bin")], tmp_path
        )
    (failure,) = report.failures
    assert "no certificate that this machine trusts" in failure.message
    assert "secret" not in failure.message
    assert connections == 0
    assert there(tmp_path) == {}


async def test_f19_connections_that_are_half_open(tmp_path: Path) -> None:
    """Those that are kept for the next request are dead; new ones are made."""
    async with fault_server(FILES) as server, opened() as session:
        first = [item(session, server.url(n), n, b) for n, b in list(FILES.items())[:6]]
        rest = [item(session, server.url(n), n, b) for n, b in list(FILES.items())[6:]]
        await fetch(first, tmp_path)
        await server.hang_up()
        report = await fetch(rest, tmp_path)
    assert (report.moved, report.failed) == (6, 0)
    assert there(tmp_path) == FILES


async def test_f19_a_server_that_is_started_again(tmp_path: Path) -> None:
    """It is gone in the middle, and back on the same port after a while."""
    patient = RetryPolicy(attempts=1000, base=0.01, cap=0.02, budget=60.0)
    async with fault_server(FILES) as server:
        server.every = (4, dropped())
        async with opened() as session:
            items = [item(session, server.url(n), n, b) for n, b in FILES.items()]
            async with asyncio.TaskGroup() as group:
                run = group.create_task(fetch(items, tmp_path, patient))
                await until(lambda: len(server.requests) >= 5)
                await server.stop()
                await server.start(server.port)
            report = run.result()
    assert (report.moved, report.failed) == (len(FILES), 0)
    assert there(tmp_path) == FILES


@pytest.mark.parametrize("jump", [3600.0, -3600.0], ids=["forward", "back"])
async def test_f21_the_clock_jumps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, jump: float
) -> None:
    """After a sleep or a correction of the clock each URL is renewed once at the most, and nothing runs in circles."""
    real = time.time
    ends = int(real()) + 600
    renewed: dict[str, int] = {}

    def jumped() -> float:
        return real() + (jump if len(server.requests) > 3 else 0.0)

    monkeypatch.setattr(time, "time", jumped)
    async with fault_server(FILES) as server, opened() as session:

        def signed(name: str, body: bytes) -> Item:
            async def renew() -> str:
                renewed[name] = renewed.get(name, 0) + 1
                return f"{server.url(name)}?Expires={ends}"

            source = RemoteFile(
                session, f"{server.url(name)}?Expires={ends}", renew=renew, what=name
            )
            return Item(name=name, source=source, size=len(body))

        report = await fetch([signed(name, body) for name, body in FILES.items()], tmp_path)
        assert len(server.requests) == len(FILES)
    assert (report.moved, report.failed) == (len(FILES), 0)
    assert all(times == 1 for times in renewed.values())
    assert bool(renewed) == (jump > 0)
    assert there(tmp_path) == FILES
