"""One process writes, 64 readers read, and the log is written back between (F29): no reader is told to wait, nothing is lost."""

from __future__ import annotations

from pathlib import Path

import anyio
import apsw
import pytest

import headrace
from headrace.storage.database.sqlite import page_checksums
from tests.support.lakes.servers import new_lake
from tests.support.processes.forked import Forked
from tests.support.tiers import slow

READERS = 64


def write(lake: Path, times: int) -> None:
    """Add labels, and write the log of the database back after every tenth."""

    async def run() -> None:
        async with headrace.connect(lake) as client:
            version = await client.version("d/v")
            for number in range(times):
                await version.create_label(f"label {number}")
                if number % 10 == 9:
                    flags = apsw.SQLITE_OPEN_READWRITE
                    database = page_checksums.connect(str(lake / "headrace.db"), flags)
                    database.set_busy_timeout(30_000)
                    database.execute("pragma wal_checkpoint(truncate)").fetchall()
                    database.close()

    anyio.run(run)


@pytest.mark.parametrize("times", [30, slow(1_500)])
async def test_f29_readers_beside_a_writer(tmp_path: Path, times: int) -> None:
    lake, _ = await new_lake(tmp_path / "lake")
    async with headrace.connect(lake) as client:
        dataset = await client.create_dataset("d")
        version = await dataset.create_version("v", type="object_detection")
        writer = Forked(write, lake, times, log=tmp_path / "writer.log")
        looks = 0

        async def read() -> None:
            nonlocal looks
            seen: set[str] = set()
            while writer.returncode is None:
                found = {label.name for label in await version.list_labels()}
                assert seen <= found
                seen, looks = found, looks + 1

        async with anyio.create_task_group() as group:
            for _ in range(READERS):
                group.start_soon(read)
        assert writer.returncode == 0, (tmp_path / "writer.log").read_text()
        assert looks >= READERS
        names = {label.name for label in await version.list_labels()}
    assert names == {f"label {number}" for number in range(times)}
