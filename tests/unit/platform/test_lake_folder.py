"""A lake as a folder: made whole or not at all, refused with the cure, copied and moved."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest

from headrace.errors import LakeError, NotALakeError, StorageError
from headrace.platform.platform import Platform
from headrace.protocol.operations.datalake import LIST_DATA, ListData
from tests.support.lakes.lake import opened_lake

pytestmark = pytest.mark.sqlite_only("looks into the folder of a lake")


async def test_a_new_lake_holds_what_it_needs_and_is_its_owners_alone(tmp_path: Path) -> None:
    await Platform.create(tmp_path / "deep" / "lake")
    lake = tmp_path / "deep" / "lake"
    assert sorted(path.name for path in lake.iterdir()) == ["headrace.db"]
    assert lake.stat().st_mode & 0o777 == 0o700
    assert (lake / "headrace.db").stat().st_mode & 0o777 == 0o600
    async with opened_lake(lake) as opened:
        assert opened.access.username == "local"
        assert opened.record.name == "default"
        assert (lake / "objects").stat().st_mode & 0o777 == 0o700


async def test_an_empty_folder_becomes_a_lake(tmp_path: Path) -> None:
    await Platform.create(tmp_path)
    async with await Platform.open(tmp_path):
        pass


async def test_folders_in_use_are_refused(tmp_path: Path) -> None:
    await Platform.create(tmp_path / "lake")
    before = (tmp_path / "lake" / "headrace.db").read_bytes()
    with pytest.raises(LakeError, match="is a lake already"):
        await Platform.create(tmp_path / "lake")
    assert (tmp_path / "lake" / "headrace.db").read_bytes() == before
    photos = tmp_path / "photos"
    photos.mkdir()
    (photos / "a.jpg").write_bytes(b"")
    with pytest.raises(LakeError, match="is not empty"):
        await Platform.create(photos)
    assert [path.name for path in photos.iterdir()] == ["a.jpg"]
    with pytest.raises(LakeError, match="is a file"):
        await Platform.create(photos / "a.jpg")
    with pytest.raises((LakeError, StorageError)):
        await Platform.create(photos / "a.jpg" / "lake")


async def test_what_is_no_lake_is_named_with_the_cure(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"")
    for path, text in (
        (tmp_path, "a folder but not a lake"),
        (tmp_path / "missing", "there is no lake"),
        (file, "is a file"),
    ):
        with pytest.raises(NotALakeError, match=text) as caught:
            await Platform.open(path)
        assert caught.value.hint == f"make one: headrace init {path}"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file"]


async def test_of_two_makers_at_once_one_wins_and_the_lake_is_whole(tmp_path: Path) -> None:
    made = await asyncio.gather(
        *[Platform.create(tmp_path / "lake") for _ in range(4)], return_exceptions=True
    )
    assert sorted(type(result).__name__ for result in made) == ["LakeError"] * 3 + ["NoneType"]
    assert [path.name for path in (tmp_path / "lake").iterdir()] == ["headrace.db"]
    async with opened_lake(tmp_path / "lake") as opened:
        assert opened.record.name == "default"


async def test_a_cancelled_making_leaves_no_half_lake(tmp_path: Path) -> None:
    for pause in (0.0, 0.005, 0.02):
        task = asyncio.create_task(Platform.create(tmp_path / "lake"))
        await asyncio.sleep(pause)
        task.cancel()
        await asyncio.wait([task])
        left = [path.name for path in tmp_path.rglob("*") if path.is_file()]
        assert left in ([], ["headrace.db"])
    if not (tmp_path / "lake" / "headrace.db").exists():
        await Platform.create(tmp_path / "lake")
    async with opened_lake(tmp_path / "lake") as opened:
        assert opened.record.name == "default"


async def test_leftovers_of_a_killed_making_do_not_hinder_the_next(tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    lake.mkdir()
    (lake / ".headrace-0011223344556677.db").write_bytes(b"half")
    await Platform.create(lake)
    async with await Platform.open(lake):
        pass


async def test_a_copied_and_a_moved_lake_hold_the_same(tmp_path: Path) -> None:
    async with opened_lake(tmp_path / "lake") as lake:
        data = await lake.add("a.png")
    shutil.copytree(tmp_path / "lake", tmp_path / "copy")
    (tmp_path / "lake").rename(tmp_path / "moved")
    for place in ("copy", "moved"):
        async with opened_lake(tmp_path / place) as lake:
            page = await lake.call(LIST_DATA, ListData(datalake_id=lake.id))
            assert [item.id for item in page.items] == [data.id]
            path = lake.platform.context.objects.local_path(data.object_name)
            assert path is not None
            assert Path(path).is_relative_to(tmp_path / place)
            assert Path(path).stat().st_size == data.size


async def test_two_platforms_share_a_lake(tmp_path: Path) -> None:
    async with opened_lake(tmp_path / "lake") as one, opened_lake(tmp_path / "lake") as two:
        await asyncio.gather(
            *[(one if number % 2 else two).add(f"{number}.png") for number in range(20)]
        )
        for lake in (one, two):
            page = await lake.call(LIST_DATA, ListData(datalake_id=lake.id))
            assert sorted(item.filename for item in page.items) == sorted(
                f"{number}.png" for number in range(20)
            )


async def test_background_work_ends_with_the_platform_and_its_failures_are_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ended = asyncio.Event()

    async def endless() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async def failing() -> None:
        raise StorageError("the disk is gone")

    async def faulty() -> None:
        raise ZeroDivisionError

    async with opened_lake(tmp_path / "lake") as lake:
        lake.platform.context.background.start(endless)
        lake.platform.context.background.start(failing)
        lake.platform.context.background.start(faulty)
        await lake.add()
        assert not ended.is_set()
    assert ended.is_set()
    assert "the disk is gone" in caplog.text
    assert "faulty" in caplog.text
