"""A lake that another machine has open: refused at every door, taken over from the dead, never written by two."""

from __future__ import annotations

import time
from pathlib import Path

import msgspec
import pytest

import headrace
from headrace.errors import HeadraceWarning, LakeHeldError
from headrace.file_system import Mount
from headrace.folders import holders
from headrace.folders.holders import FOLDER, Holder
from headrace.platform.care import held
from headrace.platform.platform import Platform
from tests.support.lakes.lake import opened_lake
from tests.support.lakes.templates import copy_empty
from tests.support.processes.cli import headrace as command

ELSEWHERE = Holder(host="storage-2", machine="m2", boot="b2", namespace="pid:[1]", pid=77)


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    copy_empty(tmp_path / "lake")
    return tmp_path / "lake"


def hold_elsewhere(lake: Path) -> Path:
    (lake / FOLDER).mkdir(exist_ok=True)
    path = lake / FOLDER / "other.json"
    path.write_bytes(msgspec.json.encode(ELSEWHERE))
    return path


async def test_it_is_refused_and_left_as_it_is(lake: Path, tmp_path: Path) -> None:
    hold_elsewhere(lake)
    before = {path: path.stat().st_mtime_ns for path in lake.rglob("*") if path.is_file()}
    for attempt in (
        lambda: Platform.open(lake),
        lambda: headrace.backup_lake(lake, tmp_path / "backups", progress=None),
        lambda: headrace.collect_garbage(lake, progress=None),
        lambda: headrace.lake_usage(lake, progress=None),
        lambda: headrace.check_lake(lake, repair=True),
    ):
        with pytest.raises(LakeHeldError, match="storage-2"):
            await attempt()
    assert before == {path: path.stat().st_mtime_ns for path in lake.rglob("*") if path.is_file()}
    assert not (tmp_path / "backups").exists()


def test_commands_say_who_has_it_and_what_to_do(lake: Path) -> None:
    hold_elsewhere(lake)
    outcome = command("ls", lake)
    assert outcome.status == 1
    assert "storage-2 has the lake" in outcome.err
    assert "headrace serve" in outcome.err


async def test_processes_and_platforms_of_this_machine_share_it(lake: Path) -> None:
    async with opened_lake(lake) as one, opened_lake(lake) as two:
        await one.add("a.png")
        await two.add("b.png")
        assert command("ls", lake).status == 0
        assert len(holders.holders_of(lake)) == 2
    assert holders.holders_of(lake) == []


async def test_a_lake_that_is_lost_to_another_machine_is_not_written(
    lake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process slept: its note was removed, and the other machine wrote its own."""
    now = time.monotonic()
    monkeypatch.setattr(holders, "_now", lambda: now)
    async with opened_lake(lake) as opened:
        await opened.add("a.png")
        (mine,) = (lake / FOLDER).iterdir()
        mine.unlink()
        other = hold_elsewhere(lake)
        now += 2 * holders.STALE_SECONDS
        with pytest.raises(LakeHeldError, match="storage-2"):
            await opened.add("b.png")
        other.unlink()
        await opened.add("b.png")
        assert len(holders.holders_of(lake)) == 1


async def test_the_note_is_renewed_while_the_lake_is_open(
    lake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(held, "BEAT_SECONDS", 0.01)
    async with opened_lake(lake):
        (mine,) = (lake / FOLDER).iterdir()
        first = mine.stat().st_mtime_ns
        deadline = time.monotonic() + 20
        while mine.stat().st_mtime_ns == first and time.monotonic() < deadline:
            await held.anyio.sleep(0.01)
        assert mine.stat().st_mtime_ns > first


async def test_a_network_file_system_is_warned_of(
    lake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(held, "mount_of", lambda _: Mount("nfs4", "/mnt"))
    with pytest.warns(HeadraceWarning, match="network file system .nfs4.*headrace serve") as seen:
        async with opened_lake(lake) as opened:
            await opened.add("a.png")
    assert len(seen) == 1


def test_the_doctor_says_who_has_it(lake: Path) -> None:
    hold_elsewhere(lake)
    outcome = command("doctor", lake)
    assert outcome.status == 0
    assert "open elsewhere: storage-2  [unsafe]" in outcome.out
