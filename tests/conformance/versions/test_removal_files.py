"""Removal files: who may read them, how much they may take, when they go, and what calls are one removal."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from msgspec.structs import replace

from headrace.errors import NotFoundError, RemovalNotRecordedError, StorageError
from headrace.model.records import RemovalRecord
from headrace.platform.annotations import delete
from headrace.platform.jobs.maintenance import purge
from headrace.platform.removals import parts, recorder
from headrace.platform.undo import restore
from headrace.protocol.operations import annotating, annotations, assets, datasets, undo
from headrace.settings import UndoPolicy
from tests.support.lakes.campaigns import campaign
from tests.support.lakes.stocked_lake import Filled, Stocked

pytestmark = pytest.mark.every_storage

DAY = 86_400_000


@pytest.fixture(autouse=True)
def one_call_undoes_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a slow machine an undo would be answered after a second, before it is whole."""
    monkeypatch.setattr(restore, "SECONDS", 60.0)


class FakeClock:
    """A clock that is set by hand, of all servers."""

    def __init__(self, lake: Stocked) -> None:
        self.now = lake.platform.context.clock()
        for platform in lake.platforms:
            platform.context.clock = self  # type: ignore[assignment]

    def __call__(self) -> int:
        return self.now


async def removals(lake: Stocked, **filters: Any) -> list[RemovalRecord]:
    found = await lake.call(
        undo.LIST_REMOVALS, organization_id=lake.access.organization_id, **filters
    )
    return found.items


def files(lake: Stocked) -> list[Path]:
    folder = lake.platform.context.path / "removals"
    return sorted(folder.iterdir()) if folder.exists() else []


async def annotated(lake: Stocked, count: int = 6) -> Filled:
    filled = await lake.filled(count)
    await filled.send(*(filled.item(asset, 1, 2) for asset in range(count)))
    return filled


async def count(filled: Filled) -> int:
    return (await filled.lake.call(datasets.GET_STATS, version_id=filled.id)).nb_annotations


async def delete_all(filled: Filled, **more: Any) -> None:
    await filled.lake.call(
        annotating.DELETE_ANNOTATIONS,
        version_id=filled.id,
        asset_ids=[annotating.ALL_ASSETS],
        **more,
    )


def limit(lake: Stocked, size: int) -> None:
    for platform in lake.platforms:
        platform.context.undo = UndoPolicy(max_bytes=size)


@pytest.mark.sqlite_only("reads the file of a removal")
async def test_only_the_owner_may_read_it(lake: Stocked) -> None:
    filled = await annotated(lake)
    mask = os.umask(0)
    try:
        await delete_all(filled)
    finally:
        os.umask(mask)
    (file,) = files(lake)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert file.stat().st_size == (await removals(lake))[0].bytes


@pytest.mark.parametrize("what", ["annotations", "assets", "import"])
async def test_what_exceeds_the_limit_stays(lake: Stocked, what: str) -> None:
    filled = await annotated(lake)
    limit(lake, 500)

    async def remove(choice: bool | None) -> None:
        if what == "annotations":
            await delete_all(filled, undo=choice)
        elif what == "assets":
            ids = [UUID(each) for each in filled.assets]
            await lake.call(assets.DELETE_ASSETS, version_id=filled.id, ids=ids, undo=choice)
        else:
            items = [filled.item(asset, 3) for asset in range(6)]
            await filled.send(*items, undo=choice)

    before = await filled.load()
    with pytest.raises(RemovalNotRecordedError) as caught:
        await remove(True)
    assert "500" not in caught.value.message
    assert "undo_bytes" in (caught.value.hint or "")
    assert await filled.load() == before
    assert files(lake) == []
    # The official client does not know of it, and removes as it always did.
    await remove(None)
    assert await filled.load() != before
    assert await removals(lake) == []


async def test_removals_share_the_limit(lake: Stocked) -> None:
    first, second = await annotated(lake), await lake.filled(6, "v2")
    await second.send(*(second.item(asset, 1) for asset in range(6)))
    await delete_all(first, undo=True)
    limit(lake, (await removals(lake))[0].bytes + 100)
    with pytest.raises(RemovalNotRecordedError):
        await delete_all(second, undo=True)
    assert await count(second) == 6
    await delete_all(second, undo=False)


async def test_a_removal_of_several_calls_is_checked_as_a_whole(lake: Stocked) -> None:
    filled = await annotated(lake)
    place = {"version_id": filled.id}
    assert (await lake.call(undo.CHECK_REMOVAL, **place)).needed == 0
    limit(lake, 500)
    with pytest.raises(RemovalNotRecordedError):
        await lake.call(undo.CHECK_REMOVAL, **place)
    ids = [UUID(each) for each in filled.assets]
    room = await lake.call(undo.CHECK_REMOVAL, **place, asset_ids=ids[:1])
    assert 0 < room.needed <= room.free == 500


async def test_calls_with_one_key_are_one_removal(lake: Stocked) -> None:
    filled = await annotated(lake)
    key = uuid4()
    for asset in filled.assets:
        await lake.call(
            assets.DELETE_ASSETS, version_id=filled.id, ids=[UUID(asset)], undo=True, removal=key
        )
    (removal,) = await removals(lake)
    assert (removal.assets, removal.annotations, removal.shapes) == (6, 6, 12)
    assert await removals(lake, removal=key) == [removal]
    assert await removals(lake, removal=uuid4()) == []
    await lake.call(undo.UNDO_REMOVAL, removal_id=removal.id)
    assert await count(filled) == 6


async def test_calls_without_a_key_join_for_a_minute(lake: Stocked) -> None:
    filled = await annotated(lake)
    clock = FakeClock(lake)

    async def delete(asset: int) -> None:
        await lake.call(assets.DELETE_ASSET, asset_id=UUID(filled.assets[asset]))

    await delete(0)
    clock.now += 50_000
    await delete(1)
    clock.now += recorder.JOINED_MS + 1
    await delete(2)
    assert [removal.assets for removal in await removals(lake)] == [1, 2]


async def test_several_replacements_of_one_removal_are_all_taken_back(lake: Stocked) -> None:
    filled = await annotated(lake)
    before = await filled.load()
    for boxes in range(3, 6):
        await filled.send(*(filled.item(asset, boxes) for asset in range(6)))
    (removal,) = await removals(lake)
    assert removal.annotations == 18
    report = await lake.call(undo.UNDO_REMOVAL, removal_id=removal.id)
    assert (report.annotations, report.replaced, report.conflict_count) == (18, 18, 0)
    assert await filled.load() == before


@pytest.mark.sqlite_only("fills the disk of a lake")
async def test_a_disk_that_fills_up_stops_the_removal(
    lake: Stocked, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled = await annotated(lake)
    before = await filled.load()
    append, calls = parts.append, 0

    def full(*arguments: Any) -> int:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return append(*arguments)

    monkeypatch.setattr(parts, "append", full)
    monkeypatch.setattr(delete, "RANGE", 2)
    with pytest.raises(RemovalNotRecordedError, match="no space left on device") as caught:
        await delete_all(filled, undo=True)
    assert "headrace undo list" in (caught.value.hint or "")
    assert await count(filled) == 4
    (removal,) = await removals(lake)
    await lake.call(undo.UNDO_REMOVAL, removal_id=removal.id)
    assert await filled.load() == before


async def test_annotations_do_not_return_into_a_campaign(lake: Stocked) -> None:
    filled = await annotated(lake)
    await delete_all(filled)
    (removal,) = await removals(lake)
    run = await campaign(lake, filled.id)
    await run.step("draw")
    await run.launch()
    report = await lake.call(undo.UNDO_REMOVAL, removal_id=removal.id)
    assert (report.annotations, report.conflict_count) == (0, 6)
    assert "campaign" in report.conflicts[0].why


async def test_returning_assets_get_tasks_where_new_ones_do(lake: Stocked) -> None:
    filled = await annotated(lake)
    run = await campaign(lake, filled.id, auto_add_new_assets=True)
    await run.step("draw")
    await run.launch()
    ids = [UUID(each) for each in filled.assets[:2]]
    await lake.call(assets.DELETE_ASSETS, version_id=filled.id, ids=ids)
    assert len(await run.tasks()) == 4
    (removal,) = await removals(lake)
    report = await lake.call(undo.UNDO_REMOVAL, removal_id=removal.id)
    assert (report.assets, report.annotations, report.conflict_count) == (2, 2, 0)
    assert len(await run.tasks()) == 6


@pytest.mark.sqlite_only("reads the file of a removal")
async def test_a_damaged_file_is_an_error(lake: Stocked) -> None:
    filled = await annotated(lake)
    await delete_all(filled)
    (removal,) = await removals(lake)
    (file,) = files(lake)
    content = bytearray(file.read_bytes())
    content[-20] ^= 0xFF
    file.write_bytes(content)
    with pytest.raises(StorageError, match="damaged"):
        await lake.call(undo.UNDO_REMOVAL, removal_id=removal.id)
    file.unlink()
    with pytest.raises(StorageError, match="missing"):
        await lake.call(undo.UNDO_REMOVAL, removal_id=removal.id)


async def test_an_undone_removal_gets_nothing_more(lake: Stocked) -> None:
    filled = await annotated(lake)
    await lake.call(assets.DELETE_ASSET, asset_id=UUID(filled.assets[0]))
    (first,) = await removals(lake)
    await lake.call(undo.UNDO_REMOVAL, removal_id=first.id)
    await lake.call(assets.DELETE_ASSET, asset_id=UUID(filled.assets[0]))
    second, first = await removals(lake)
    assert second.id != first.id
    assert (first.undone_at is None, second.undone_at) == (False, None)


async def test_old_removals_go_with_their_files(lake: Stocked) -> None:
    context = lake.platform.context
    clock = FakeClock(lake)
    filled = await annotated(lake)
    await delete_all(filled)
    (removal,) = await removals(lake)
    assert removal.expires_at - removal.created_at == 7 * DAY / 1000
    clock.now += 7 * DAY - 1
    await purge(context)
    assert await removals(lake) == [removal]
    clock.now += 2
    assert await removals(lake) == []
    await purge(context)
    assert files(lake) == []
    with pytest.raises(NotFoundError):
        await lake.call(undo.UNDO_REMOVAL, removal_id=removal.id)


async def test_a_deleted_version_is_purged_after_its_time(lake: Stocked) -> None:
    context = lake.platform.context
    clock = FakeClock(lake)
    filled = await annotated(lake)
    await delete_all(filled)
    await lake.call(datasets.DELETE_VERSION, version_id=filled.id)
    clock.now += 7 * DAY - 1
    await purge(context)
    deletion, _ = await removals(lake)
    assert deletion.kind == "version"
    await lake.call(undo.UNDO_REMOVAL, removal_id=deletion.id)
    assert (await lake.call(datasets.GET_STATS, version_id=filled.id)).nb_assets == 6
    await lake.call(datasets.DELETE_VERSION, version_id=filled.id)
    clock.now += 7 * DAY + 1
    await purge(context)
    assert await removals(lake) == []
    assert files(lake) == []
    with lake.raw() as connection:
        assert connection.execute("select count(*) from asset").fetchone() == (0,)
        assert connection.execute("select count(*) from version").fetchone() == (0,)


async def test_shared_content_of_a_deleted_version_stays_until_it_is_purged(lake: Stocked) -> None:
    context = lake.platform.context
    filled = await lake.filled(3)
    many = [
        annotations.PolygonIn(label_id=filled.labels["a"], polygon=[(x, x * 2) for x in range(300)])
    ]
    items = [replace(filled.item(asset, 1), polygons=many) for asset in range(3)]
    await filled.send(*items)
    found = await lake.call(datasets.GET_VERSION, version_id=filled.id)
    fork = await lake.call(
        datasets.FORK_VERSION,
        dataset_id=found.origin_id,
        parent_id=filled.id,
        version="v2",
        with_labels=True,
        with_annotations=True,
    )
    before = await filled.load()
    await lake.call(datasets.DELETE_VERSION, version_id=filled.id)
    await delete_all(Filled(lake, fork.dataset_version.id, [], [], {}), undo=False)
    await purge(context)
    with lake.raw() as connection:
        # Make the collection due, as many changes would.
        connection.execute("update dataset set garbage = 1000000")
    await purge(context)
    for removal in await removals(lake):
        await lake.call(undo.UNDO_REMOVAL, removal_id=removal.id)
    assert await filled.load() == before


@pytest.mark.sqlite_only("reads the file of a removal")
async def test_files_of_removals_that_are_gone_are_deleted(lake: Stocked) -> None:
    filled = await annotated(lake)
    await delete_all(filled)
    (file,) = files(lake)
    left_over = file.with_name("0000000999.removal")
    left_over.write_bytes(b"of a call that was killed before it committed")
    await purge(lake.platform.context)
    assert files(lake) == [file]
