"""A process killed while it fills a lake: what it was told is in is in, and every data has its file."""

from __future__ import annotations

import asyncio
import hashlib
import os
import random
import sys
from pathlib import Path

import apsw
import pytest

from headrace.platform.platform import Platform
from headrace.protocol.operations.datalake import LIST_DATA, ListData
from tests.support.lakes.lake import opened_lake
from tests.support.tiers import slow

ROOT = Path(__file__).parents[3]
FILLER = ROOT / "tests" / "support" / "scripts" / "lake_filler.py"


async def fill_and_kill(lake: Path, seconds: float) -> set[str]:
    """Let a process fill the lake and kill it; the ids that it was answered."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(FILLER),
        str(lake),
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert process.stdout is not None
    first = await process.stdout.readline()
    await asyncio.sleep(seconds)
    process.kill()
    rest = await process.stdout.read()
    await process.wait()
    # The last line may be torn.
    return {line for line in (first + rest).decode().splitlines() if len(line) == 36}


async def check(lake: Path, told: set[str]) -> None:
    async with opened_lake(lake) as opened:
        page = await opened.call(LIST_DATA, ListData(datalake_id=opened.id))
        items, cursor = list(page.items), page.next_cursor
        while cursor:
            page = await opened.call(LIST_DATA, ListData(datalake_id=opened.id, cursor=cursor))
            items, cursor = items + page.items, page.next_cursor
        assert told <= {str(item.id) for item in items}
        for item in items:
            path = opened.platform.context.objects.local_path(item.object_name)
            assert path is not None
            content = Path(path).read_bytes()
            assert hashlib.sha256(content).hexdigest() == item.sha256
        await opened.add("after.png")
    connection = apsw.Connection(str(lake / "headrace.db"))
    assert list(connection.execute("pragma integrity_check")) == [("ok",)]
    connection.close()


@pytest.mark.parametrize(
    "runs", [1, slow(3), pytest.param(40, marks=[pytest.mark.slow, pytest.mark.timeout(600)])]
)
async def test_kill_9_while_filling(tmp_path: Path, runs: int) -> None:
    lake = tmp_path / "lake"
    await Platform.create(lake)
    pauses = random.Random(7)
    told: set[str] = set()
    for _ in range(runs):
        told |= await fill_and_kill(lake, pauses.uniform(0, 0.3))
        await check(lake, told)
    assert len(told) >= runs
