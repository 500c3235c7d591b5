"""Backups, restores and collections that are killed at any point: either nothing has happened, or the next run completes it."""

from __future__ import annotations

import random
import time
from pathlib import Path

import anyio
import pytest

import headrace
from tests.support.lakes.cared import digests, keep_writing, make_lake
from tests.support.processes.forked import Forked
from tests.support.processes.waiting import until
from tests.support.scripts.backer import back_up, collect, restore
from tests.support.tiers import slow


async def whole(function: object, *arguments: object, log: Path) -> float:
    """Run to the end; how long it took."""
    began = time.monotonic()
    process = Forked(function, *map(str, arguments), log=log)  # type: ignore[arg-type]
    assert await process.wait() == 0, log.read_text()
    return time.monotonic() - began


async def killed_after(seconds: float, function: object, *arguments: object, log: Path) -> None:
    process = Forked(function, *map(str, arguments), log=log)  # type: ignore[arg-type]
    with anyio.move_on_after(seconds):
        await process.wait()
        return
    process.kill()
    await process.wait()


async def snapshots(backups: Path) -> list[str]:
    if not (backups / "headrace-backup.json").exists():
        return []
    return [each.id for each in await headrace.list_snapshots(backups)]


@pytest.mark.timeout(600)
@pytest.mark.parametrize("kills", [3, slow(20)])
async def test_a_killed_backup_is_completed_by_the_next(tmp_path: Path, kills: int) -> None:
    lake, backups, log = tmp_path / "lake", tmp_path / "backups", tmp_path / "log"
    await make_lake(lake, tmp_path / "images", 30)
    before = await digests(lake)
    seconds = await whole(back_up, lake, tmp_path / "measured", log=log)
    pauses = random.Random(kills)
    for number in range(kills):
        await killed_after(seconds * pauses.uniform(0.1, 1.1), back_up, lake, backups, log=log)
        # Every snapshot that has a name is complete.
        for position, name in enumerate(await snapshots(backups)):
            place = tmp_path / f"again-{number}-{position}"
            await headrace.restore_lake(backups, place, snapshot=name, progress=None)
            assert await digests(place) == before
    await whole(back_up, lake, backups, log=log)
    kept = await headrace.backup_lake(lake, backups, keep=1, progress=None)
    assert await snapshots(backups) == [kept.snapshot]
    left = [path for path in backups.rglob("*") if path.name.startswith((".new-", ".old-"))]
    assert left == []


@pytest.mark.timeout(600)
@pytest.mark.parametrize("kills", [3, slow(20)])
async def test_a_killed_restore_is_completed_by_the_next(tmp_path: Path, kills: int) -> None:
    lake, backups, log = tmp_path / "lake", tmp_path / "backups", tmp_path / "log"
    await make_lake(lake, tmp_path / "images", 30)
    before = await digests(lake)
    await headrace.backup_lake(lake, backups, progress=None)
    seconds = await whole(restore, backups, tmp_path / "measured", log=log)
    pauses = random.Random(kills)
    for number in range(kills):
        place = tmp_path / f"again-{number}"
        await killed_after(seconds * pauses.uniform(0.1, 1.1), restore, backups, place, log=log)
        if not place.exists():
            await whole(restore, backups, place, log=log)
        assert await digests(place) == before
        assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".again")] == []


@pytest.mark.timeout(600)
@pytest.mark.parametrize("kills", [3, slow(20)])
async def test_a_killed_collection_takes_nothing_that_is_needed(tmp_path: Path, kills: int) -> None:
    lake, log = tmp_path / "lake", tmp_path / "log"
    await make_lake(lake, tmp_path / "images")
    before = await digests(lake)
    seconds = await whole(collect, lake, log=log)
    pauses = random.Random(kills)
    for _ in range(kills):
        await killed_after(seconds * pauses.uniform(0.1, 1.1), collect, lake, log=log)
        assert await digests(lake) == before


@pytest.mark.timeout(600)
@pytest.mark.parametrize("rounds", [2, slow(10)])
async def test_backups_of_a_lake_that_is_written_to(tmp_path: Path, rounds: int) -> None:
    """Each restored lake equals the lake at one moment: versions that were complete then are the same in both."""
    lake, backups = tmp_path / "lake", tmp_path / "backups"
    await make_lake(lake, tmp_path / "images")
    (tmp_path / "written").mkdir()
    log = tmp_path / "log"
    writer = Forked(keep_writing, str(lake), str(tmp_path / "written"), log=log)
    try:
        taken = []
        for number in range(rounds):

            async def more(least: int = 2 + number) -> bool:
                found = await busy_versions(lake)
                return found >= least

            await until(more, 60)
            report = await headrace.backup_lake(lake, backups, progress=None)
            assert report.missing_count == 0
            taken.append(str(report.snapshot))
        assert writer.returncode is None, log.read_text()
    finally:
        writer.kill()
        await writer.wait()
    source = await digests(lake)
    for name in taken:
        place = tmp_path / name
        await headrace.restore_lake(backups, place, snapshot=name, progress=None)
        restored = await digests(place)
        busy = sorted(
            (each for each in restored if each.startswith("busy/")),
            key=lambda each: int(each.partition("/v")[2]),
        )
        # The last one was being written.
        for version in [*(set(restored) - set(busy)), *busy[:-1]]:
            assert restored[version] == source[version], version
        check = await headrace.check_lake(place, read_data=True, progress=None)
        assert check.ok, check


async def busy_versions(lake: Path) -> int:
    """How many versions of the dataset ``busy`` there are."""
    async with headrace.connect(lake) as client:
        names = [each.name async for each in client.iter_datasets()]
        if "busy" not in names:
            return 0
        return await (await client.get_dataset("busy")).list_versions().count()
