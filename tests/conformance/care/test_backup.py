"""A backup is the lake at one moment, and a restore of it a lake that cannot be told from that."""

from __future__ import annotations

import asyncio
import os
import shutil
from pathlib import Path

import pytest

import headrace
from headrace import blocking
from headrace.errors import (
    BackupError,
    CorruptionError,
    LakeBusyError,
    LakeError,
    LakeVersionError,
)
from headrace.folders.lock import PathLock
from headrace.platform.care.backups import backup as backing
from headrace.platform.platform import Platform
from headrace.storage.database.sqlite.database import SqliteDatabase
from tests.support.data.images import draw_images
from tests.support.lakes.cared import IMAGES, NAME, digests, digests_of, make_lake, served
from tests.support.lakes.templates import copy_empty

pytestmark = pytest.mark.sqlite_only(
    "copies the folder of a lake; a platform over PostgreSQL is copied into one by headrace migrate"
)


@pytest.fixture
async def lake(tmp_path: Path) -> Path:
    await make_lake(tmp_path / "lake", tmp_path / "images")
    return tmp_path / "lake"


async def back_up(lake: Path, backups: Path, **options: object) -> headrace.BackupReport:
    return await headrace.backup_lake(lake, backups, progress=None, **options)  # type: ignore[arg-type]


async def restore(backups: Path, lake: Path, **options: object) -> headrace.RestoreReport:
    return await headrace.restore_lake(backups, lake, progress=None, **options)  # type: ignore[arg-type]


def files_of(lake: Path) -> list[Path]:
    return sorted(path for path in (lake / "objects").rglob("*.jpg"))


async def delete_first(lake: Path) -> None:
    async with headrace.connect(lake) as client:
        data = await (await client.get_datalake()).list_data(limit=1)
        await data.delete()


async def test_a_restored_lake_equals_the_lake(lake: Path, tmp_path: Path) -> None:
    before = await digests(lake)
    report = await back_up(lake, tmp_path / "backups")
    assert (report.files, report.copied, report.missing_count) == (IMAGES, IMAGES, 0)
    restored = await restore(tmp_path / "backups", tmp_path / "again")
    assert (restored.snapshot, restored.files) == (report.snapshot, IMAGES)
    assert await digests(tmp_path / "again") == before
    async with headrace.connect(tmp_path / "again") as client:
        (removal,) = [each for each in await client.list_removals() if each.kind == "assets"]
        undone = await removal.undo()
        assert undone.assets == 1
        await client.push("more/v1", draw_images(tmp_path / "more", 2, prefix="more")[0].parent)


async def test_only_new_files_are_copied(lake: Path, tmp_path: Path) -> None:
    first = await back_up(lake, tmp_path / "backups")
    states = [await digests(lake)]
    draw_images(tmp_path / "new", 3, prefix="new")
    async with headrace.connect(lake) as client:
        await client.push("street/v3", tmp_path / "new")
    states.append(await digests(lake))
    planned = await back_up(lake, tmp_path / "backups", dry_run=True)
    second = await back_up(lake, tmp_path / "backups")
    assert (planned.copied, planned.snapshot) == (3, None)
    assert (second.copied, second.files) == (3, IMAGES + 3)
    listed = await headrace.list_snapshots(tmp_path / "backups")
    assert [each.id for each in listed] == [first.snapshot, second.snapshot]
    for number, report in enumerate((first, second)):
        place = tmp_path / f"again{number}"
        await restore(tmp_path / "backups", place, snapshot=report.snapshot)
        assert await digests(place) == states[number]


async def test_a_server_goes_on_meanwhile(lake: Path, tmp_path: Path) -> None:
    draw_images(tmp_path / "new", 8, prefix="new")
    async with (
        served(lake) as (address, token),
        headrace.connect(address, api_token=token) as client,
    ):
        async with asyncio.TaskGroup() as group:
            taken = group.create_task(back_up(lake, tmp_path / "backups"))
            group.create_task(client.push("street/v3", tmp_path / "new"))
        assert taken.result().missing_count == 0
        await back_up(lake, tmp_path / "backups")
        before = await digests_of(client)
    await restore(tmp_path / "backups", tmp_path / "again")
    assert await digests(tmp_path / "again") == before


async def test_what_is_deleted_between_files_and_catalog_is_noticed(
    lake: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file comes after the first pass and is deleted after the copy of the catalog: this copy must not be published."""
    copies = 0
    copy = SqliteDatabase.copy_to

    async def interrupted(database: SqliteDatabase, path: Path) -> None:
        nonlocal copies
        copies += 1
        if copies == 1:
            draw_images(tmp_path / "late", 1, prefix="late")
            async with headrace.connect(lake) as client:
                await client.push("late/v1", tmp_path / "late")
        await copy(database, path)
        if copies == 1:
            async with headrace.connect(lake) as client:
                version = await client.version("late/v1")
                (asset,) = await version.list_assets()
                await (await asset.get_data()).delete()

    monkeypatch.setattr(SqliteDatabase, "copy_to", interrupted)
    report = await back_up(lake, tmp_path / "backups")
    assert (copies, report.files, report.missing_count) == (2, IMAGES, 0)
    await restore(tmp_path / "backups", tmp_path / "again")
    monkeypatch.undo()
    assert await digests(tmp_path / "again") == await digests(lake)


async def test_endless_deletion_is_an_error(
    lake: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nothing_stays(*_: object) -> None:
        return None

    monkeypatch.setattr(backing._Taking, "_copy_named", nothing_stays)
    with pytest.raises(BackupError, match="faster than they could be copied"):
        await back_up(lake, tmp_path / "backups")
    assert await headrace.list_snapshots(tmp_path / "backups") == []


async def test_files_that_the_lake_has_lost_are_named(lake: Path, tmp_path: Path) -> None:
    lost, damaged = files_of(lake)[:2]
    lost.unlink()
    damaged.chmod(0o600)
    damaged.write_bytes(damaged.read_bytes()[:-1] + b"?")
    report = await back_up(lake, tmp_path / "backups")
    names = sorted(path.relative_to(lake / "objects").as_posix() for path in (lost, damaged))
    assert (sorted(report.missing), report.missing_count) == (names, 2)
    assert report.files == IMAGES - 2
    restored = await restore(tmp_path / "backups", tmp_path / "again")
    assert restored.missing == names
    assert len(files_of(tmp_path / "again")) == IMAGES - 2


async def test_a_good_copy_of_a_damaged_file_is_kept(lake: Path, tmp_path: Path) -> None:
    await back_up(lake, tmp_path / "backups")
    damaged = files_of(lake)[0]
    good = damaged.read_bytes()
    damaged.chmod(0o600)
    damaged.write_bytes(b"?" * len(good))
    assert (await back_up(lake, tmp_path / "backups")).missing_count == 0
    await restore(tmp_path / "backups", tmp_path / "again")
    assert (tmp_path / "again" / damaged.relative_to(lake)).read_bytes() == good


@pytest.mark.parametrize("damage", ["file", "lost", "catalog", "removal"])
async def test_a_damaged_backup_makes_no_lake(lake: Path, tmp_path: Path, damage: str) -> None:
    backups, again = tmp_path / "backups", tmp_path / "again"
    report = await back_up(lake, backups)
    hit = {
        "file": files_of(backups)[0],
        "lost": files_of(backups)[0],
        "catalog": backups / "snapshots" / str(report.snapshot) / "catalog.db",
        "removal": next((backups / "removals").iterdir()),
    }[damage]
    hit.chmod(0o600)
    if damage == "lost":
        hit.unlink()
    else:
        content = hit.read_bytes()
        hit.write_bytes(content[:-20] + b"?" * 20)
    with pytest.raises(BackupError, match=r"lacks 1 of its files|is damaged"):
        await restore(backups, again)
    assert not again.exists()
    if damage in ("file", "lost"):
        restored = await restore(backups, again, on_error="skip")
        assert (restored.files, restored.missing_count) == (IMAGES - 1, 1)
    if damage != "file":
        # Without reading the files, their loss and all else is noticed.
        with pytest.raises(BackupError):
            await restore(backups, tmp_path / "other", dry_run=True)


async def test_a_dry_run_of_a_restore_writes_nothing(lake: Path, tmp_path: Path) -> None:
    await back_up(lake, tmp_path / "backups")
    before = sorted(tmp_path.rglob("*"))
    report = await restore(tmp_path / "backups", tmp_path / "again", dry_run=True)
    assert report.files == IMAGES
    assert sorted(tmp_path.rglob("*")) == before


async def test_old_snapshots_go_with_what_only_they_hold(lake: Path, tmp_path: Path) -> None:
    first = await back_up(lake, tmp_path / "backups")
    await delete_first(lake)
    second = await back_up(lake, tmp_path / "backups")
    assert len(files_of(tmp_path / "backups")) == IMAGES
    before = await digests(lake)
    third = await back_up(lake, tmp_path / "backups", keep=1)
    assert third.removed == [first.snapshot, second.snapshot]
    assert len(files_of(tmp_path / "backups")) == IMAGES - 1
    await restore(tmp_path / "backups", tmp_path / "again")
    assert await digests(tmp_path / "again") == before


async def test_places_that_are_in_use_are_refused(lake: Path, tmp_path: Path) -> None:
    backups, photos = tmp_path / "backups", tmp_path / "photos"
    photos.mkdir()
    (photos / "a.jpg").write_bytes(b"")
    with pytest.raises(BackupError, match="holds no backups"):
        await back_up(lake, photos)
    with pytest.raises(LakeError, match="is a lake"):
        await back_up(lake, lake)
    with pytest.raises(LakeError, match="lies in"):
        await back_up(lake, lake / "backups")
    await back_up(lake, backups)
    copy_empty(tmp_path / "other")
    await _rename_origin(tmp_path / "other")
    with pytest.raises(BackupError, match="of another lake"):
        await back_up(tmp_path / "other", backups)
    with pytest.raises(LakeError, match="is not empty"):
        await restore(backups, photos)
    with pytest.raises(LakeError, match="is a lake already"):
        await restore(backups, lake)
    with pytest.raises(LakeError, match="in the folder of the backups"):
        await restore(backups, backups / "lake")
    with pytest.raises(BackupError, match="holds no backups"):
        await restore(photos, tmp_path / "again")
    with pytest.raises(BackupError, match="no snapshot"):
        await restore(backups, tmp_path / "again", snapshot="2001")
    (tmp_path / "empty").mkdir()
    await restore(backups, tmp_path / "empty")
    assert await digests(tmp_path / "empty") == await digests(lake)


async def _rename_origin(lake: Path) -> None:
    """Make the copy of a template another lake."""
    async with await Platform.open(lake) as platform:
        database = platform.context.database
        assert isinstance(database, SqliteDatabase)
        await database._writer.run(
            lambda connection: connection.execute("update organization set created = 1").fetchall()
        )


async def test_two_backups_into_one_folder_exclude_each_other(lake: Path, tmp_path: Path) -> None:
    await back_up(lake, tmp_path / "backups")
    lock = PathLock(tmp_path / "backups" / ".lock")
    assert lock.take()
    with pytest.raises(LakeBusyError, match="another process writes backups"):
        await back_up(lake, tmp_path / "backups")
    lock.free()
    await back_up(lake, tmp_path / "backups")


async def test_what_a_newer_headrace_wrote_is_refused(lake: Path, tmp_path: Path) -> None:
    report = await back_up(lake, tmp_path / "backups")
    record = tmp_path / "backups" / "snapshots" / str(report.snapshot) / "snapshot.json"
    text = record.read_text()
    record.write_text(text.replace('"schema": ', '"schema": 9'))
    with pytest.raises(LakeVersionError, match="this headrace knows up to"):
        await restore(tmp_path / "backups", tmp_path / "again")
    mark = tmp_path / "backups" / "headrace-backup.json"
    mark.write_text(mark.read_text().replace('"format": 1', '"format": 2'))
    with pytest.raises(LakeVersionError, match="a newer headrace"):
        await back_up(lake, tmp_path / "backups")


async def test_only_the_owner_can_read_what_is_secret(lake: Path, tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        report = await back_up(lake, tmp_path / "backups")
        await restore(tmp_path / "backups", tmp_path / "again")
    finally:
        os.umask(old)
    snapshot = tmp_path / "backups" / "snapshots" / str(report.snapshot)
    for folder in (tmp_path / "backups", snapshot, tmp_path / "again"):
        assert folder.stat().st_mode & 0o777 == 0o700
    for file in (
        snapshot / "catalog.db",
        snapshot / "snapshot.json",
        tmp_path / "again/headrace.db",
    ):
        assert file.stat().st_mode & 0o777 == 0o600
    for file in (tmp_path / "again" / "removals").iterdir():
        assert file.stat().st_mode & 0o777 == 0o600


def test_without_await(lake: Path, tmp_path: Path) -> None:
    report = blocking.backup_lake(lake, tmp_path / "backups", progress=None)
    assert [each.id for each in blocking.list_snapshots(tmp_path / "backups")] == [report.snapshot]
    assert (
        blocking.restore_lake(tmp_path / "backups", tmp_path / "again", progress=None).files
        == IMAGES
    )
    with blocking.connect(tmp_path / "again") as client:
        assert client.version(NAME).retrieve_stats().nb_objects > 0


async def test_the_drill_of_the_documentation(lake: Path, tmp_path: Path) -> None:
    """docs/how-to/back-up.md, section "Rehearse it"."""
    backups, drill = tmp_path / "backups", tmp_path / "drill"
    await back_up(lake, backups)
    await restore(backups, drill)
    for name in ("street/v1", "street/v2"):
        async with headrace.connect(lake) as one, headrace.connect(drill) as two:
            digest = str(await (await one.version(name)).digest())
            assert str(await (await two.version(name)).digest()) == digest
    shutil.rmtree(drill)


async def test_a_damaged_file_of_the_backups_is_copied_again(lake: Path, tmp_path: Path) -> None:
    """One that is too short, and one that is gone."""
    await back_up(lake, tmp_path / "backups")
    short, gone = files_of(tmp_path / "backups")[:2]
    short.chmod(0o600)
    short.write_bytes(b"?")
    gone.unlink()
    assert (await back_up(lake, tmp_path / "backups")).copied == 2
    restored = await restore(tmp_path / "backups", tmp_path / "again")
    assert restored.missing_count == 0
    assert await digests(tmp_path / "again") == await digests(lake)


async def test_a_damaged_database_is_not_backed_up(lake: Path, tmp_path: Path) -> None:
    first = await back_up(lake, tmp_path / "backups")
    database = lake / "headrace.db"
    pages = database.stat().st_size // 8192
    with database.open("r+b") as file:
        for page in range(pages // 2, pages, 3):
            file.seek(page * 8192 + 4000)
            file.write(b"\xff" * 100)
    with pytest.raises(CorruptionError):
        await back_up(lake, tmp_path / "backups")
    listed = await headrace.list_snapshots(tmp_path / "backups")
    assert [each.id for each in listed] == [first.snapshot]
    await restore(tmp_path / "backups", tmp_path / "again")
