"""Downloads on file systems that promise less (F34), with locks that lie (F06), through a power cut (F05)."""

from __future__ import annotations

import asyncio
import errno
import fcntl
import hashlib
import os
import random
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from headrace.transfer.download import run as run_module
from headrace.transfer.download.run import run
from headrace.transfer.progress import Progress
from headrace.transfer.report import TransferReport
from headrace.transfer.source import Item
from headrace.transfer.state import journal, started, workspace
from tests.support.faults.power_cut import PowerCut, power_cut
from tests.unit.transfer.test_runner import Contents, OnDisk, files

FILES = {
    **{f"{n}.bin": hashlib.shake_256(bytes([n])).digest(2_000 + n) for n in range(30)},
    "large.bin": hashlib.shake_256(b"large").digest(1_300_000),
}


async def download(
    folder: Path, *, durable: bool = False, lake: Path | None = None
) -> TransferReport:
    """From memory, or from the files of a folder on this machine."""

    async def batches() -> AsyncIterator[list[Item]]:
        yield [
            Item(
                name=name,
                source=Contents(content, step=300_000) if lake is None else OnDisk(lake / name),
                size=len(content),
                sha256=hashlib.sha256(content).hexdigest(),
            )
            for name, content in FILES.items()
        ]

    with Progress("pull", "files", None) as progress:
        return await run(batches(), folder, max_workers=4, durable=durable, progress=progress)


@pytest.mark.parametrize("says", [errno.EINVAL, errno.ENOTSUP, errno.ENOSYS])
async def test_f34_a_disk_without_syncing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, says: int
) -> None:
    def fsync(file: int) -> None:
        raise OSError(says, os.strerror(says))

    monkeypatch.setattr(os, "fsync", fsync)
    report = await download(tmp_path, durable=True)
    assert (report.moved, report.failed) == (len(FILES), 0)
    assert any("cannot sync" in note for note in report.notes)
    again = await download(tmp_path)
    assert (again.moved, again.skipped) == (0, len(FILES))
    assert files(tmp_path) == FILES


@pytest.mark.parametrize("says", [errno.ENOLCK, errno.ENOTSUP, None], ids=["no", "never", "lying"])
async def test_f06_f34_locks_that_are_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, says: int | None
) -> None:
    """Without locks, and with locks that everybody gets, two runs side by side still do no harm."""

    def flock(file: object, how: int) -> None:
        if says is not None:
            raise OSError(says, os.strerror(says))

    monkeypatch.setattr(fcntl, "flock", flock)
    reports = await asyncio.gather(*[download(tmp_path) for _ in range(3)], return_exceptions=True)
    there = {p.name: p.read_bytes() for p in tmp_path.glob("*.bin")}
    assert there.items() <= FILES.items()
    assert any(isinstance(report, TransferReport) for report in reports)
    last = await download(tmp_path)
    assert last.failed == 0
    assert {p.name: p.read_bytes() for p in tmp_path.glob("*.bin")} == FILES


async def cut_at(
    tmp_path: Path, at: int, chance: random.Random, *, durable: bool, lake: Path | None = None
) -> PowerCut:
    """A download whose machine loses power before the ``at``-th change, and another one on what the disk kept."""
    folder, after = tmp_path / f"{at}", tmp_path / f"{at}-after"
    folder.mkdir()
    with power_cut(folder, at) as cut:
        await download(folder, durable=durable, lake=lake)
    cut.restore(after, chance)
    visible = {p.name: p.read_bytes() for p in after.glob("*.bin")}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(started, "boot_id", lambda: "the next boot")
        again = await download(after)
    assert again.failed == 0
    assert files(after) == FILES
    # Nothing that is broken was taken for complete, and nothing that is complete was fetched again.
    broken = [name for name, content in visible.items() if content != FILES[name]]
    complete = len(visible) - len(broken)
    assert (again.moved, again.skipped) == (len(FILES) - complete, complete)
    if durable:
        assert broken == []
    shutil.rmtree(folder)
    shutil.rmtree(after)
    return cut


@pytest.mark.parametrize("durable", [False, True], ids=["batches", "durable"])
async def test_f05_the_power_fails(tmp_path: Path, durable: bool) -> None:
    chance = random.Random(5)
    whole = await cut_at(tmp_path, 10_000, chance, durable=durable)
    assert whole.changes > 2 * len(FILES)
    for _ in range(10):
        await cut_at(tmp_path, chance.randrange(1, whole.changes), chance, durable=durable)


async def test_f05_the_power_fails_beside_a_lake(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files of this machine, of which each eight are synced together with their whole file system."""
    monkeypatch.setattr(journal, "MANY", 4)
    monkeypatch.setattr(workspace, "BATCH", 8)
    monkeypatch.setattr(run_module, "LOCAL_FILES", 4)
    lake = tmp_path / "lake"
    lake.mkdir()
    for name, content in FILES.items():
        (lake / name).write_bytes(content)
    chance = random.Random(7)
    whole = await cut_at(tmp_path, 10_000, chance, durable=False, lake=lake)
    assert whole.changes > 2 * len(FILES)
    for at in range(1, whole.changes, 7):
        await cut_at(tmp_path, at, chance, durable=False, lake=lake)


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("durable", [False, True], ids=["batches", "durable"])
async def test_f05_the_power_fails_anywhere(tmp_path: Path, durable: bool) -> None:
    chance = random.Random(6)
    whole = await cut_at(tmp_path, 10_000, chance, durable=durable)
    for at in range(1, whole.changes + 1):
        await cut_at(tmp_path, at, chance, durable=durable)
