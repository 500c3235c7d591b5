"""Garbage goes and nothing else does, also where a server registers files at the same time."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

import headrace
from headrace.errors import BadRequestError, HeadraceError
from headrace.platform.care import gc
from headrace.platform.care.opening import opened_place
from headrace.platform.context import Context
from headrace.platform.datalake import drafts
from headrace.platform.datalake.registered import DELETED_AFTER_MS
from headrace.protocol.operations.datalake import DELETE_DATA, REGISTER_DATA, DataId
from headrace.protocol.operations.storage import INIT_MULTIPART, InitMultipart
from headrace.storage.objects.base import StoredObject
from headrace.storage.objects.local import clearing
from headrace.storage.objects.local.store import LocalObjectStore
from tests.support import storage
from tests.support.lakes.cared import NAME, digests, make_lake
from tests.support.lakes.lake import Lake, chunks, opened_lake, png
from tests.support.lakes.stocked_lake import stocked

NOBODY_IS_YOUNG = 1 << 62


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> None:
    """Collections take place days later, when what was never registered is old enough to go.

    A file system gives no file an older time of its inode, so it is the clock of the collection that is set.
    """
    collect_later(monkeypatch, 48 * 3_600_000 + (DELETED_AFTER_MS if storage.files_on_s3() else 0))


def collect_later(monkeypatch: pytest.MonkeyPatch, ahead: float) -> None:
    """Set the clock of collections ahead by so many milliseconds."""

    @asynccontextmanager
    async def opened_later(*arguments: Any, **options: Any) -> AsyncIterator[Context]:
        async with opened_place(*arguments, **options) as context:
            now = context.clock
            context.clock = lambda: now() + int(ahead)  # type: ignore[assignment]
            yield context

    monkeypatch.setattr(gc, "opened_place", opened_later)


async def collect(lake: Path, **options: object) -> headrace.GarbageReport:
    target, objects = storage.address_of(lake)
    return await headrace.collect_garbage(target, objects=objects, progress=None, **options)  # type: ignore[arg-type]


@pytest.mark.usefixtures("later")
async def test_uploads_that_were_never_registered_go(tmp_path: Path) -> None:
    async with opened_lake(tmp_path / "lake") as lake:
        kept = [await lake.add(f"{number}.png") for number in range(3)]
        orphans = [await lake.store(png(), f"{number}.png") for number in range(51)]
        planned = await collect(tmp_path / "lake", dry_run=True)
        done = await collect(tmp_path / "lake")
        assert (planned.objects, done.objects) == (51, 51)
        assert planned.object_bytes == done.object_bytes == 51 * len(png())
        heads = await lake.platform.context.objects.heads(orphans)
        assert set(heads) == {None}
        assert None not in await lake.platform.context.objects.heads(
            [each.object_name for each in kept]
        )
        assert (await collect(tmp_path / "lake")).objects == 0


@pytest.mark.every_storage
async def test_files_on_s3_stay_for_a_week_after_their_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So a backup of the database that is younger than a week finds all files that it names."""
    day = 24 * 3_600_000
    async with opened_lake(tmp_path / "lake") as lake:
        data, other = [await lake.add(f"{number}.png") for number in range(2)]
        context = lake.platform.context
        now = context.clock
        monkeypatch.setattr(context, "clock", lambda: now() + 30 * day)
        await lake.call(DELETE_DATA, DataId(data_id=data.id))
        kept = storage.files_on_s3()
        for days, found, younger in ((30, 0, kept), (36.9, 0, kept), (37.1, kept, 0), (44, 0, 0)):
            collect_later(monkeypatch, days * day)
            report = await collect(tmp_path / "lake")
            assert (report.objects, report.younger) == (found, younger), days
        heads = await context.objects.heads([data.object_name, other.object_name])
        assert [each is not None for each in heads] == [False, True]


async def test_young_files_stay(tmp_path: Path) -> None:
    async with opened_lake(tmp_path / "lake") as lake:
        name = await lake.store(png())
        report = await collect(tmp_path / "lake", older_than_hours=1)
        assert (report.objects, report.younger) == (0, 1)
        assert await lake.platform.context.objects.head(name) is not None
        await lake.call(REGISTER_DATA, lake.registration(name))
    with pytest.raises(BadRequestError, match="too small"):
        await collect(tmp_path / "lake", older_than_hours=0.5)


@pytest.mark.usefixtures("later")
async def test_a_file_that_is_registered_meanwhile_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is listed as garbage, then registered, then looked at once more."""
    async with opened_lake(tmp_path / "lake") as lake:
        name = await lake.store(png())
        delete = gc.CollectedObjects._delete

        async def register_first(self: gc.CollectedObjects, found: list[StoredObject]) -> None:
            await lake.call(REGISTER_DATA, lake.registration(name))
            await delete(self, found)

        monkeypatch.setattr(gc.CollectedObjects, "_delete", register_first)
        assert (await collect(tmp_path / "lake")).objects == 0
        assert await lake.platform.context.objects.head(name) is not None


@pytest.mark.folder_of_files
async def test_a_registration_is_told_that_its_file_was_collected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file is looked at, then collected, then to be registered: there is no row without a file."""
    async with opened_lake(tmp_path / "lake") as lake:
        name = await lake.store(png())
        inspect = drafts._inspect

        async def collected(*arguments: object) -> drafts.Inspected:
            inspected = await inspect(*arguments)  # type: ignore[arg-type]
            await _delete_now(lake, name)
            return inspected

        monkeypatch.setattr(drafts, "_inspect", collected)
        with pytest.raises(BadRequestError, match="nothing was uploaded"):
            await lake.call(REGISTER_DATA, lake.registration(name))
        monkeypatch.undo()
        await lake.platform.context.objects.put(name, chunks(png()))
        await lake.call(REGISTER_DATA, lake.registration(name))


async def _delete_now(lake: Lake, name: str) -> None:
    objects = lake.platform.context.objects
    assert await objects.delete_before([name], NOBODY_IS_YOUNG) == [name]


async def test_a_file_that_takes_the_place_of_garbage_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = await LocalObjectStore.open(tmp_path / "objects")
    await store.put("a/b", chunks(b"old"))
    rename = os.rename

    def replaced(source: str, target: str) -> None:
        (tmp_path / "new").write_bytes(b"new")
        os.replace(tmp_path / "new", source)
        rename(source, target)

    monkeypatch.setattr(clearing.os, "rename", replaced)
    assert await store.delete_before(["a/b"], NOBODY_IS_YOUNG) == []
    monkeypatch.undo()
    assert Path(store.local_path("a/b")).read_bytes() == b"new"
    assert await store.delete_before(["a/b", "a/c"], NOBODY_IS_YOUNG) == ["a/b"]
    assert await store.head("a/b") is None
    assert list((tmp_path / "objects" / ".incoming").iterdir()) == []


@pytest.mark.usefixtures("later")
async def test_uploads_that_never_ended_go(tmp_path: Path) -> None:
    async with opened_lake(tmp_path / "lake") as lake:
        name = await lake.object_name()
        request = InitMultipart(
            connector_id=lake.connector, object_name=name, content_type="image/png"
        )
        ticket = await lake.call(INIT_MULTIPART, request)
        await lake.platform.context.objects.put_part(name, ticket.upload_id, 1, chunks(b"x" * 100))
        assert (await collect(tmp_path / "lake", dry_run=True)).uploads == 1
        done = await collect(tmp_path / "lake")
        assert (done.uploads, done.upload_bytes >= 100) == (1, True)
        if not storage.files_on_s3():
            assert list((tmp_path / "lake" / "objects" / ".parts").iterdir()) == []


async def test_a_lake_keeps_all_that_it_needs(tmp_path: Path, later: None) -> None:
    await make_lake(tmp_path / "lake", tmp_path / "images")
    before = await digests(tmp_path / "lake")
    await collect(tmp_path / "lake", older_than_hours=1)
    assert await digests(tmp_path / "lake") == before
    async with headrace.connect(tmp_path / "lake") as client:
        version = await client.version(NAME)
        report = await version.download(tmp_path / "pulled", progress=None)
        assert report.failed == 0


@pytest.mark.sqlite_only("writes rows by hand")
async def test_unused_shapes_go(tmp_path: Path) -> None:
    """Shapes that two versions shared, once both annotations are gone, however few they are."""
    async with stocked(tmp_path / "lake") as lake:
        filled = await lake.filled(2)
        await filled.send(filled.item(0, *range(300)), filled.item(1, *range(300)))
        with lake.raw() as connection:
            (contents,) = connection.execute("select count(*) from content").fetchone()
            # As if a fork had shared them and were gone.
            connection.execute("update dataset set sharing = 1, garbage = 2")
            connection.execute(
                "insert into content (dataset_bucket, dataset, no, shapes)"
                " select dataset_bucket, dataset, no + 100, shapes from content"
            )
            connection.execute("update dataset set next_content = next_content + 200")
        report = await collect(tmp_path / "lake")
        assert (contents, report.contents) == (2, 2)
        assert len(await filled.load()) == 2


@pytest.mark.sqlite_only("looks at the files of removals")
async def test_a_removal_that_is_too_old_goes(tmp_path: Path) -> None:
    await make_lake(tmp_path / "lake", tmp_path / "images")
    assert len(list((tmp_path / "lake" / "removals").iterdir())) == 1
    assert (await collect(tmp_path / "lake")).removals == 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HEADRACE_UNDO_DAYS", "0")
        await asyncio.sleep(0.01)
        assert (await collect(tmp_path / "lake", dry_run=True)).removals == 1
        assert (await collect(tmp_path / "lake")).removals == 1
    assert list((tmp_path / "lake" / "removals").iterdir()) == []


@pytest.mark.folder_of_files
async def test_no_row_is_ever_without_its_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files are registered and collected at the same time, with no age that would keep the two apart."""
    monkeypatch.setattr(gc, "LEAST_HOURS", 0.0)
    async with opened_lake(tmp_path / "lake") as lake:
        names: list[str] = []
        ended = asyncio.Event()

        async def add() -> None:
            # What is collected before it is registered is refused; what is registered stays.
            for number in range(60):
                with contextlib.suppress(HeadraceError):
                    names.append((await lake.add(f"{number}.png")).object_name)
            ended.set()

        async with asyncio.TaskGroup() as group:
            group.create_task(add())
            gone = 0
            while not ended.is_set():
                gone += (await collect(tmp_path / "lake", older_than_hours=0)).objects
        assert None not in await lake.platform.context.objects.heads(names)
        rows = await lake.platform.context.database.fetch(
            "care.objects", bucket=-1, after=0, limit=1000
        )
        assert {row[2] for row in rows} == set(names)
