"""Small files that come on a thread of their own, when something ends that thread's work in the midst of it (F02, F18, F20)."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import os
import ssl
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from headrace.errors import DiskFullError
from headrace.net.response import StallPolicy
from headrace.net.storage_session import StorageSession
from headrace.testing.fault_server import FaultServer, Reply, cut, dropped, fault_server
from headrace.transfer.source import Item
from headrace.transfer.state.part import Part
from tests.faults.transfer.test_download_faults import GENTLE, Storage
from tests.support.faults.certificates import Certificate, signed_by_itself
from tests.support.processes.waiting import until

FILES = {f"{n:02}.bin": hashlib.shake_256(bytes([n])).digest(20_000 + n) for n in range(40)}
ODD = "05.bin"
BEFORE = [f"{n:02}.bin" for n in range(5)]


@pytest.fixture
async def server() -> AsyncIterator[FaultServer]:
    async with fault_server(FILES) as opened:
        yield opened


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return signed_by_itself(tmp_path_factory.mktemp("tls"))


def session(silence: float = 20.0, speed: int = 100) -> StorageSession:
    patience = StallPolicy(silence=silence, speed=speed)
    return StorageSession(user_agent="test", limits=GENTLE, stall=patience)


def poller_threads() -> int:
    return sum(thread.name == "headrace download" for thread in threading.enumerate())


def items(storage: Storage, address: str = "") -> list[Item]:
    return [
        storage.item(
            name,
            url=f"{address}/{name}" if address else None,
            size=len(content),
            sha256=hashlib.sha256(content).hexdigest(),
        )
        for name, content in FILES.items()
    ]


def left(folder: Path) -> list[str]:
    """What is in the folder besides the files, but for the journal."""
    return [p.name for p in (folder / ".headrace").rglob("*") if p.name != "pulled"]


@pytest.mark.parametrize("fault", [dropped("silent"), cut(9_000, "silent"), cut(0, "silent")])
async def test_f20_cancelled_while_a_server_is_silent(
    server: FaultServer, tmp_path: Path, fault: Reply
) -> None:
    """It ends at once, what came before is there, and nothing of the rest; the next run fetches the rest alone."""
    server.always(ODD, fault)
    storage = Storage(server, session(), tmp_path)
    task = asyncio.create_task(storage.fetch(items(storage), max_workers=1))
    await until(lambda: len(server.seen(ODD)) == 1)
    await until(lambda: set(storage.there()) >= set(BEFORE))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(task, 10)
    assert storage.there() == {name: FILES[name] for name in BEFORE}
    assert left(tmp_path) == []
    assert storage.session.host(server.address).busy == 0
    await storage.session.aclose()
    assert poller_threads() == 0


@pytest.mark.parametrize(
    "fault",
    [
        dropped("silent"),
        cut(9_000, "silent"),
        Reply(trickle=10, pause=0.05),
    ],
    ids=["no answer", "half of one", "a trickle"],
)
async def test_f18_silence_in_the_midst_costs_the_others_nothing(
    server: FaultServer, tmp_path: Path, fault: Reply
) -> None:
    server.script(ODD, fault)
    storage = Storage(server, session(silence=0.3, speed=10_000), tmp_path)
    report = await storage.fetch(items(storage), max_workers=1)
    await storage.session.aclose()
    assert (report.moved, report.failed) == (40, 0)
    assert storage.there() == FILES
    assert [len(server.seen(name)) for name in FILES if name != ODD] == [1] * 39
    first, second = server.seen(ODD)
    assert first.range is None
    assert (second.range is None) == (fault.before)


async def test_more_than_was_said_is_never_the_next_file(
    server: FaultServer, tmp_path: Path
) -> None:
    trap = b"HTTP/1.1 200 OK\r\nContent-Length: 20006\r\n\r\n" + bytes(20_006)
    server.script(ODD, Reply(body=FILES[ODD] + trap, length=len(FILES[ODD])))
    storage = Storage(server, session(), tmp_path)
    sizes = [storage.item(name, size=len(content)) for name, content in FILES.items()]
    report = await storage.fetch(sizes, max_workers=1)
    await storage.session.aclose()
    assert (report.moved, report.failed) == (40, 0)
    assert storage.there() == FILES
    assert [len(server.seen(name)) for name in FILES] == [1] * 40


async def test_files_that_are_larger_than_said(server: FaultServer, tmp_path: Path) -> None:
    """A body that is too large for a batch fails only its own file."""
    server.always(ODD, Reply(body=bytes(600_000)))
    storage = Storage(server, session(), tmp_path)
    report = await storage.fetch(items(storage), max_workers=1)
    await storage.session.aclose()
    assert (report.moved, report.failed) == (39, 1)
    assert [failure.name for failure in report.failures] == [ODD]
    assert ODD not in storage.there()


async def test_f02_a_disk_that_is_full_ends_it(
    server: FaultServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No more is asked for than was under way, and nothing half-written stays."""
    written = 0
    real = os.write

    def write(file: int, data: memoryview) -> int:
        nonlocal written
        if len(data) < 10_000:
            return real(file, data)
        written += 1
        if written > 5:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(file, data)

    monkeypatch.setattr(os, "write", write)
    storage = Storage(server, session(), tmp_path)
    with pytest.raises(BaseExceptionGroup) as caught:
        await storage.fetch(items(storage), max_workers=1)
    await storage.session.aclose()
    assert caught.group_contains(DiskFullError, match="free space")
    assert storage.there() == {name: FILES[name] for name in BEFORE}
    assert left(tmp_path) == []
    assert len(server.requests) <= 8
    assert poller_threads() == 0


async def test_a_connection_that_ended_while_it_rested(server: FaultServer, tmp_path: Path) -> None:
    storage = Storage(server, session(), tmp_path)
    half = items(storage)
    await storage.fetch(half[:20], max_workers=1)
    await server.hang_up()
    report = await storage.fetch(half[20:], max_workers=1)
    await storage.session.aclose()
    assert (report.moved, report.failed, len(server.requests)) == (20, 0, 40)
    assert storage.there() == FILES


@pytest.mark.parametrize("trusted", [True, False], ids=["trusted", "untrusted"])
async def test_files_that_come_encrypted(
    server: FaultServer,
    tmp_path: Path,
    certificate: Certificate,
    monkeypatch: pytest.MonkeyPatch,
    trusted: bool,
) -> None:
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate.path))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate.path, certificate.key)
    server.script(ODD, cut(9_000))
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0, ssl=context)
    address = f"https://localhost:{listening.sockets[0].getsockname()[1]}"
    storage = Storage(server, session(), tmp_path)
    try:
        report = await storage.fetch(items(storage, address), max_workers=2)
    finally:
        await storage.session.aclose()
        listening.close()
        await server.hang_up()
        await listening.wait_closed()
    if trusted:
        assert (report.moved, report.failed) == (40, 0)
        assert storage.there() == FILES
        assert storage.session.fast_path_responses >= 40
        assert [seen.range for seen in server.seen(ODD)] == [None, "bytes=9000-"]
    else:
        assert (report.moved, report.failed) == (0, 40)
        assert "no certificate" in report.failures[0].message
        assert server.requests == []


LARGE = hashlib.shake_256(b"large").digest(6_000_000)


def large(storage: Storage) -> Item:
    return storage.item("large", size=len(LARGE), sha256=hashlib.sha256(LARGE).hexdigest())


async def test_f20_a_large_file_cancelled_while_a_server_is_silent(tmp_path: Path) -> None:
    """It ends at once; the next run goes on where this one ended."""
    async with fault_server({"large": LARGE}) as server:
        server.script("large", cut(4_500_000, "silent"))
        storage = Storage(server, session(silence=4.0), tmp_path)
        task = asyncio.create_task(storage.fetch([large(storage)]))

        def received() -> bool:
            parts = (tmp_path / ".headrace").glob("parts-*/*.part")
            return any(part.stat().st_size == 4_500_000 for part in parts)

        await until(received)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(task, 10)
        assert storage.there() == {}
        assert storage.session.host(server.address).busy == 0
        report = await storage.fetch([large(storage)])
        await storage.session.aclose()
        assert [seen.range for seen in server.seen("large")] == [None, "bytes=4500000-"]
    assert (report.moved, report.bytes) == (1, 1_500_000)
    assert storage.there() == {"large": LARGE}
    assert poller_threads() == 0


@pytest.mark.parametrize("at", [1, 300_000, 4_000_000, 5_999_999])
@pytest.mark.parametrize("by", ["close", "reset", "silent"])
async def test_f07_a_large_file_is_gone_on_with_at_the_byte(
    tmp_path: Path, at: int, by: str
) -> None:
    async with fault_server({"large": LARGE}) as server:
        server.script("large", cut(at, by))
        storage = Storage(server, session(silence=0.4), tmp_path)
        report = await storage.fetch([large(storage)])
        await storage.session.aclose()
        first, second = server.seen("large")
    assert (report.moved, first.range) == (1, None)
    if by != "reset":
        assert second.range == f"bytes={at}-"
        assert report.bytes == len(LARGE)
    assert storage.there() == {"large": LARGE}


async def test_large_files_share_a_connection_and_no_byte_more_than_theirs(tmp_path: Path) -> None:
    """What a server sends beyond the end of one is never read as the next; else the connection is used again."""
    trap = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ntrap"
    connections = 0
    async with fault_server({"large": LARGE}) as server:
        serve = server.serve

        async def counted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal connections
            connections += 1
            await serve(reader, writer)

        listening = await asyncio.start_server(counted, "127.0.0.1", 0)
        address = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/large"
        storage = Storage(server, session(), tmp_path)
        for n, reply in enumerate([Reply(), Reply(), Reply(body=LARGE + trap, length=6_000_000)]):
            server.script("large", reply)
            await storage.fetch([storage.item(f"{n}.bin", url=address, size=len(LARGE))])
        assert connections == 1
        await storage.fetch([storage.item("3.bin", url=address, size=len(LARGE))])
        assert connections == 2
        await storage.session.aclose()
        listening.close()
        await server.hang_up()
        await listening.wait_closed()
    assert storage.there() == {f"{n}.bin": LARGE for n in range(4)}


async def test_f02_a_disk_that_is_full_ends_a_large_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Part.write

    def write(part: Part, chunks: list[bytes | memoryview]) -> None:
        if part.size >= 3_000_000:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(part, chunks)

    monkeypatch.setattr(Part, "write", write)
    async with fault_server({"large": LARGE}) as server:
        storage = Storage(server, session(), tmp_path)
        with pytest.raises(BaseExceptionGroup) as caught:
            await storage.fetch([large(storage)])
        await storage.session.aclose()
        assert len(server.requests) == 1
    assert caught.group_contains(DiskFullError, match="free space")
    assert storage.there() == {}
    assert poller_threads() == 0


@pytest.mark.parametrize("by", ["close", "reset", "silent"])
async def test_f07_a_large_encrypted_file_is_gone_on_with_at_the_byte(
    tmp_path: Path, certificate: Certificate, monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.path))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate.path, certificate.key)
    async with fault_server({"large": LARGE}) as server:
        server.script("large", cut(4_500_000, by))
        listening = await asyncio.start_server(server.serve, "127.0.0.1", 0, ssl=context)
        address = f"https://localhost:{listening.sockets[0].getsockname()[1]}/large"
        storage = Storage(server, session(silence=0.6), tmp_path)
        wanted = hashlib.sha256(LARGE).hexdigest()
        item = storage.item("large", url=address, size=len(LARGE), sha256=wanted)
        report = await storage.fetch([item])
        assert storage.session.fast_path_responses == 2
        await storage.session.aclose()
        listening.close()
        await server.hang_up()
        await listening.wait_closed()
        first, second = server.seen("large")
    assert (report.moved, first.range) == (1, None)
    if by != "reset":
        assert second.range == "bytes=4500000-"
    assert storage.there() == {"large": LARGE}
    assert poller_threads() == 0
