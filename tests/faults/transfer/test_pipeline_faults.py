"""The pipeline itself under strain: cancelled anywhere, few handles, callbacks that fail, a million files (F20, F31, F32, F42)."""

from __future__ import annotations

import asyncio
import gc
import hashlib
import subprocess
import sys
import textwrap
import tracemalloc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest

from headrace.backend.remote_file import RemoteFile
from headrace.net.storage_session import StorageSession
from headrace.testing.fault_server import fault_server
from headrace.transfer.download.run import run
from headrace.transfer.progress import Progress, ProgressEvent
from headrace.transfer.source import Item, Stream
from headrace.transfer.state.journal import MarkSet
from tests.unit.transfer.test_runner import CONTENT, Contents, files, item

FILES = {f"{n}.bin": hashlib.shake_256(bytes([n])).digest(2_000) for n in range(40)}


def listed(session: StorageSession, address: str) -> AsyncIterator[list[Item]]:
    async def renew() -> str:
        raise AssertionError("nothing expires here")

    async def batches() -> AsyncIterator[list[Item]]:
        yield [
            Item(
                name=name,
                source=RemoteFile(session, f"{address}/{name}", renew=renew, what=name),
                size=len(content),
                sha256=hashlib.sha256(content).hexdigest(),
            )
            for name, content in FILES.items()
        ]

    return batches()


async def cancelled_at(tmp_path: Path, points: range, *, natively: bool, fast_path: bool) -> None:
    """After each cancellation nothing is left running or open, what is visible is right, and a run goes on from there."""
    async with fault_server(FILES) as server:
        session = StorageSession(user_agent="test", fast_path=fast_path)
        tasks = len(asyncio.all_tasks())
        for steps in points:
            folder = tmp_path / str(steps)

            async def work(folder: Path = folder) -> None:
                with Progress("pull", "files", None) as progress:
                    await run(
                        listed(session, server.address), folder, max_workers=4, progress=progress
                    )

            if natively:
                task = asyncio.ensure_future(work())
                for _ in range(steps):
                    await asyncio.sleep(0)
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
            else:
                async with anyio.create_task_group() as group:
                    group.start_soon(work)
                    for _ in range(steps):
                        await asyncio.sleep(0)
                    group.cancel_scope.cancel()
            assert files(folder).items() <= FILES.items()
        await session.aclose()
        connections = len([task for task in asyncio.all_tasks() if "serve" in repr(task)])
        assert len(asyncio.all_tasks()) - connections <= tasks
        session = StorageSession(user_agent="test", fast_path=fast_path)
        with Progress("pull", "files", None) as progress:
            await run(listed(session, server.address), folder, progress=progress)
        await session.aclose()
        assert files(folder) == FILES


@pytest.mark.parametrize("fast_path", [True, False], ids=["http1", "aiohttp"])
@pytest.mark.parametrize("natively", [True, False])
async def test_f20_cancelled_anywhere(tmp_path: Path, natively: bool, fast_path: bool) -> None:
    await cancelled_at(tmp_path, range(0, 400, 9), natively=natively, fast_path=fast_path)


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("fast_path", [True, False], ids=["http1", "aiohttp"])
@pytest.mark.parametrize("natively", [True, False])
async def test_f20_cancelled_everywhere(tmp_path: Path, natively: bool, fast_path: bool) -> None:
    await cancelled_at(tmp_path, range(600), natively=natively, fast_path=fast_path)


def test_f31_few_handles(tmp_path: Path) -> None:
    script = """
        import asyncio, resource, sys
        from pathlib import Path
        from tests.unit.transfer.test_runner import CONTENT, fetched, files, item
        resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
        items = [item(f"{n}.bin", CONTENT) for n in range(300)]
        report = asyncio.run(fetched(items, Path(sys.argv[1]), max_workers=256))
        print(report.moved, report.failed, len(files(Path(sys.argv[1]))))
        print(*report.notes)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script), str(tmp_path / "out")],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[3],
    )
    counts, note = done.stdout.splitlines()
    assert counts == "300 0 300", done.stderr
    assert "files at a time instead of 256" in note


def test_f32_a_million_marks_take_little() -> None:
    tracemalloc.start()
    try:
        marks = MarkSet()
        for number in range(1, 100_001):
            marks.add(number * 0x9E3779B97F4A7C15 % 2**64)
        gc.collect()
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held <= 64 * 100_000


async def test_f42_a_callback_that_fails_is_left_alone(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    calls = 0

    def broken(event: ProgressEvent) -> None:
        nonlocal calls
        calls += 1
        raise ValueError("no terminal here")

    async def batches() -> AsyncIterator[list[Item]]:
        yield [item(f"{n}.bin", CONTENT) for n in range(20)]

    with Progress("pull", "files", broken) as progress:
        report = await run(batches(), tmp_path, progress=progress)
    assert (report.moved, report.failed, calls) == (20, 0, 1)
    assert "the progress callback of pull failed" in caplog.text


async def test_progress_never_passes_the_whole(tmp_path: Path) -> None:
    """Files that are added while they are listed raise the total."""
    events: list[ProgressEvent] = []

    async def batches() -> AsyncIterator[list[Item]]:
        yield [item(f"{n}.bin", CONTENT) for n in range(20)]

    with Progress("pull", "files", events.append, total=5) as progress:
        await run(batches(), tmp_path, progress=progress)
    assert (events[-1].done, events[-1].total) == (20, 20)
    assert all(event.total is not None and event.done <= event.total for event in events)


async def test_f40_a_slow_disk_holds_the_line_back(tmp_path: Path) -> None:
    """No more items are taken from the listing than can be under way."""
    taken = 0
    gate = anyio.Event()

    class Held(Contents):
        @asynccontextmanager
        async def open(
            self, offset: int = 0, validator: str | None = None
        ) -> AsyncIterator[Stream]:
            await gate.wait()
            async with super().open(offset, validator) as stream:
                yield stream

    async def batches() -> AsyncIterator[list[Item]]:
        nonlocal taken
        for number in range(500):
            taken += 1
            yield [Item(name=f"{number}.bin", source=Held(CONTENT), size=len(CONTENT))]

    with Progress("pull", "files", None) as progress:
        async with anyio.create_task_group() as group:

            async def work() -> None:
                await run(batches(), tmp_path, max_workers=4, progress=progress)

            group.start_soon(work)
            before = -1
            while taken != before or not taken:
                before = taken
                await anyio.sleep(0.2)
            assert taken <= 4 + 64 + 2
            gate.set()
    assert len(files(tmp_path)) == 500
