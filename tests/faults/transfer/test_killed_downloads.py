"""Downloads killed at any point, twice over, by two processes at once (F01, F04, F06): never a wrong file to be seen."""

from __future__ import annotations

import asyncio
import hashlib
import random
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from headrace.testing.fault_server import FaultServer, cut, fault_server
from headrace.transfer.report import TransferReport
from tests.support.processes.waiting import until
from tests.support.tiers import slow

SCRIPT = Path(__file__).parents[2] / "support" / "scripts" / "puller.py"
FILES = {
    **{f"{n}.bin": hashlib.shake_256(bytes([n])).digest(3_000 + n) for n in range(60)},
    "large.bin": hashlib.shake_256(b"large").digest(5_000_000),
}


@pytest.fixture
async def server() -> AsyncIterator[FaultServer]:
    async with fault_server(FILES) as opened:
        yield opened


async def start(
    server: FaultServer, folder: Path, kill_at: int, names: list[str], *, errors: int | None = None
) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, str(SCRIPT), server.address, str(folder), str(kill_at), *names,
        stdout=asyncio.subprocess.PIPE, stderr=errors,
    )  # fmt: skip


def listed(known: str) -> list[str]:
    """The arguments that name all files, with what is known of them."""
    if known == "none":
        return list(FILES)
    if known == "size":
        return [f"{name}={len(content)}" for name, content in FILES.items()]
    return [f"{n}={len(c)}:{hashlib.sha256(c).hexdigest()}" for n, c in FILES.items()]


async def pull(
    server: FaultServer, folder: Path, *, kill_at: int = 0, known: str = "sha256"
) -> tuple[int, TransferReport | None]:
    process = await start(server, folder, kill_at, listed(known))
    output, _ = await process.communicate()
    report = msgspec.json.decode(output, type=TransferReport) if output else None
    return process.returncode or 0, report


def there(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in folder.glob("*.bin")}


async def killed_and_again(server: FaultServer, folder: Path, points: list[int]) -> None:
    for point in points:
        status, _ = await pull(server, folder, kill_at=point)
        assert status in (-signal.SIGKILL, 0)
        assert there(folder).items() <= FILES.items()
    before = there(folder)
    server.requests.clear()
    status, report = await pull(server, folder)
    assert (status, there(folder)) == (0, FILES)
    assert report is not None
    assert (report.skipped, report.moved, report.failed) == (len(before), 61 - len(before), 0)
    # Nothing that was complete is asked for again.
    assert {seen.target[1:] for seen in server.requests} == FILES.keys() - before.keys()
    assert {path.name for path in folder.iterdir()} == FILES.keys()


@pytest.mark.slow
async def test_f01_f04_killed_once_and_twice(server: FaultServer, tmp_path: Path) -> None:
    chance = random.Random(5)
    for number, times in enumerate([1, 1, 1, 2, 3]):
        points = [chance.randrange(1, 260) for _ in range(times)]
        await killed_and_again(server, tmp_path / str(number), points)


@pytest.mark.slow
@pytest.mark.timeout(3000)
async def test_f01_f04_at_many_points(server: FaultServer, tmp_path: Path) -> None:
    chance = random.Random(6)
    for number in range(250):
        points = [chance.randrange(1, 260) for _ in range(chance.choice([1, 1, 2, 3, 3]))]
        await killed_and_again(server, tmp_path / str(number), points)


@pytest.mark.parametrize("known", [slow("none"), slow("size"), "sha256"])
async def test_f01_a_large_part_is_gone_on_with(
    server: FaultServer, tmp_path: Path, known: str
) -> None:
    """The first process dies while the file falls silent after 4 MB; the next one asks for the rest alone."""
    folder = tmp_path / "out"
    server.script("large.bin", cut(4_000_000, "silent"))
    process = await start(server, folder, 0, listed(known))

    def size(part: Path) -> int:
        # The parts of small files are renamed while we look.
        try:
            return part.stat().st_size
        except FileNotFoundError:
            return 0

    async def far() -> bool:
        return any(size(part) >= 3 << 20 for part in folder.glob(".headrace/parts-*/*.part"))

    await until(far, 60)
    process.kill()
    await process.communicate()
    server.requests.clear()
    status, report = await pull(server, folder, known=known)
    assert (status, there(folder)) == (0, FILES)
    (seen,) = server.seen("large.bin")
    assert seen.range is not None
    assert int(seen.range.removeprefix("bytes=").rstrip("-")) >= 3 << 20
    assert report is not None
    assert report.failed == 0


async def test_f06_two_processes_and_one_folder(server: FaultServer, tmp_path: Path) -> None:
    """The second waits for the first, and has nothing to do. In the end there is nothing but the files."""
    both = await asyncio.gather(pull(server, tmp_path), pull(server, tmp_path))
    assert [status for status, _ in both] == [0, 0]
    counts = sorted((report.moved, report.skipped) for _, report in both if report is not None)
    assert counts == [(0, 61), (61, 0)]
    assert there(tmp_path) == FILES
    assert {path.name for path in tmp_path.iterdir()} == FILES.keys()
    status, report = await pull(server, tmp_path)
    assert status == 0
    assert report is not None
    assert (report.skipped, report.moved) == (61, 0)


async def test_f06_who_waits_takes_over_when_the_other_is_killed(
    server: FaultServer, tmp_path: Path
) -> None:
    """While the first lives the second asks for nothing; what the first has is not fetched again."""
    folder = tmp_path / "out"
    server.script("large.bin", cut(4_000_000, "silent"))
    first = await start(server, folder, 0, listed("sha256"))
    await until(lambda: len(there(folder)) == 60 and bool(server.seen("large.bin")), 60)
    second = await start(server, folder, 0, listed("sha256"), errors=asyncio.subprocess.PIPE)
    assert second.stderr is not None
    assert b"waiting for its end" in await second.stderr.readline()
    asked = len(server.requests)
    first.kill()
    await first.communicate()
    output, _ = await second.communicate()
    report = msgspec.json.decode(output, type=TransferReport)
    assert (report.moved, report.skipped) == (1, 60)
    assert len(server.requests) == asked + 1
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == FILES
