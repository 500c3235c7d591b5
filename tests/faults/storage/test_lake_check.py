"""``headrace check`` and what it stands on: checksums of pages, the mark of an open lake, errors that name the damage."""

from __future__ import annotations

import asyncio
import shutil
import signal
import tarfile
from contextlib import suppress
from pathlib import Path

import aiohttp
import apsw
import pytest

import headrace
from headrace.errors import CorruptionError, ServerError
from headrace.platform.accounts.tokens import create_token
from headrace.platform.care import check_objects, check_rows
from headrace.platform.care.open_mark import NAME, OpenMark
from headrace.platform.platform import Platform
from headrace.server.serve import serve, serving
from headrace.storage.database.sqlite import page_checksums
from headrace.threads import in_thread
from tests.support.lakes.doors import DOORS, open_door
from tests.support.lakes.faults import answers, copy_varied, raw, varied_answers
from tests.support.processes.cli import headrace as command
from tests.support.processes.forked import Forked
from tests.support.scripts import dying_rewrite
from tests.support.tiers import slow

OLD = Path(__file__).parents[2] / "data" / "lakes" / "old.tar.xz"


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    return copy_varied(tmp_path / "lake")


def flip(file: Path, at: int, count: int = 512) -> None:
    content = bytearray(file.read_bytes())
    for place in range(at, min(at + count, len(content))):
        content[place] ^= 0x5A
    file.write_bytes(content)


def page_of_table(lake: Path, table: str) -> int:
    """Where the root page of a table begins."""
    connection = raw(lake)
    (root,) = connection.execute(
        "select rootpage from sqlite_schema where name = ?", (table,)
    ).fetchone()
    connection.close()
    return (int(root) - 1) * 8192


# --- damage is never a shorter answer -------------------------------------------------------------------------


async def test_flipped_bytes_are_an_error_that_names_the_statement(
    lake: Path, tmp_path: Path
) -> None:
    flip(lake / "headrace.db", page_of_table(lake, "annotation") + 3000)
    async with headrace.connect(lake) as client:
        version = await client.version("street/v1")
        with pytest.raises(CorruptionError, match=r"damaged; found in annotations\.") as caught:
            await version.export(tmp_path / "out.json", format="coco")
    assert caught.value.hint == f"find out what is hit: headrace check {lake}"
    assert not (tmp_path / "out.json").exists()


async def test_a_damaged_lake_is_not_served(lake: Path) -> None:
    flip(lake / "headrace.db", page_of_table(lake, "content") + 100)
    with pytest.raises(CorruptionError, match="is damaged: page"):
        await serve(lake)


def delete_newest_data(lake: Path) -> None:
    connection = raw(lake)
    connection.execute("delete from data where no = (select max(no) from data)")
    connection.close()


@pytest.mark.parametrize("kind", DOORS)
async def test_missing_data_of_an_asset_is_an_error_on_every_door(
    kind: str, tmp_path: Path
) -> None:
    async with open_door(kind, tmp_path, with_version=True) as door:
        assert door.lake is not None
        # On a thread: the server, which may be writing, runs in this event loop.
        await asyncio.to_thread(delete_newest_data, door.lake)
        async with door.connect() as client:
            version = await client.version("drawings/first")
            with pytest.raises(
                (CorruptionError, ServerError), match=r"missing or damaged|is damaged"
            ):
                await version.list_assets()


async def test_missing_shapes_are_an_error_that_names_the_annotation(
    lake: Path, tmp_path: Path
) -> None:
    connection = raw(lake)
    connection.execute("delete from content where no = (select min(no) from content)")
    connection.close()
    async with headrace.connect(lake) as client:
        version = await client.version("crowd/v1")
        with pytest.raises(
            CorruptionError, match=r"the shapes of annotation .* of crowd/v1 are missing"
        ):
            await version.load_annotations()
        with pytest.raises(CorruptionError, match=r"the shapes of annotation .* are missing"):
            await version.export_annotation_file("COCO", tmp_path)


async def test_damaged_shapes_are_named(lake: Path) -> None:
    connection = raw(lake)
    connection.execute(
        "update annotation set shapes = cast(substr(shapes, 1, 20) || x'00' || substr(shapes, 22) as blob)"
        " where version = 1 and no = 3"
    )
    connection.close()
    async with headrace.connect(lake) as client:
        version = await client.version("street/v1")
        with pytest.raises(CorruptionError, match=r"annotation [0-9a-f-]{36}: .* damaged"):
            await version.load_annotations()


async def test_a_server_that_met_damage_is_not_ready_and_says_why(lake: Path) -> None:
    flip(lake / "headrace.db", page_of_table(lake, "content") + 100)
    async with await Platform.open(lake) as platform, serving(platform) as address:
        token, _ = await create_token(platform.context, name="test")
        async with aiohttp.ClientSession() as session:
            async with session.get(f"{address}/readyz") as answer:
                assert answer.status == 200
            async with headrace.connect(address, api_token=token) as client:
                version = await client.version("crowd/v1")
                with pytest.raises(ServerError, match="lake of this server is damaged") as caught:
                    await version.load_annotations()
            assert "headrace check" in (caught.value.hint or "")
            async with session.get(f"{address}/readyz") as answer:
                assert answer.status == 503


# --- after an unclean stop ----------------------------------------------------------------------------------


async def test_a_lake_that_was_not_closed_is_checked_at_the_next_opening(
    lake: Path, tmp_path: Path
) -> None:
    copied = tmp_path / "copied"
    async with await Platform.open(lake):
        assert (lake / NAME).read_bytes()
        # What a crash leaves behind.
        shutil.copytree(lake, copied)
    assert (lake / NAME).read_bytes() == b""
    async with await Platform.open(copied):
        pass
    (copied / NAME).write_bytes(b"an earlier start\n")
    place = page_of_table(copied, "content") + 100
    flip(copied / "headrace.db", place)
    for _ in range(2):
        with pytest.raises(CorruptionError, match="headrace check"):
            await Platform.open(copied)
    flip(copied / "headrace.db", place)
    async with await Platform.open(copied):
        pass
    assert (copied / NAME).read_bytes() == b""


async def test_a_lake_that_others_have_open_is_not_checked(lake: Path) -> None:
    async with await Platform.open(lake), await Platform.open(lake):
        third = OpenMark(lake)
        assert third.take() is False
        assert third.first is False
        third.free()
        assert (lake / NAME).read_bytes()
    assert (lake / NAME).read_bytes() == b""


# --- checksums of pages ---------------------------------------------------------------------------------------


async def test_a_lake_written_without_the_extension_is_read_and_mended(
    lake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    default = apsw.vfs_names()[0]
    plain = next(name for name in apsw.vfs_names() if name != default)
    with monkeypatch.context() as patch:
        patch.setattr(page_checksums, "available", lambda: False)
        apsw.set_default_vfs(plain)
        try:
            async with headrace.connect(lake) as client:
                await (await client.version("street/v1")).create_asset_tag("new")
            report = await headrace.check_lake(lake)
            assert (report.ok, report.checksums) == (True, "unavailable")
            assert "checksums" in report.notes
        finally:
            apsw.set_default_vfs(default)
    report = await headrace.check_lake(lake)
    assert (report.ok, report.checksums) == (True, "stale")
    async with headrace.connect(lake) as client:
        assert len(await (await client.version("street/v1")).list_asset_tags()) == 3
    report = await headrace.check_lake(lake, repair=True)
    assert report.repaired == ["the database is written again, with checksums on all pages"]
    report = await headrace.check_lake(lake)
    assert (report.ok, report.checksums, report.notes) == (True, "verified", {})


async def test_an_old_lake_gets_checksums_by_a_repair(tmp_path: Path) -> None:
    with tarfile.open(OLD) as archive:
        archive.extractall(tmp_path, filter="data")
    old = tmp_path / "lake"
    report = await headrace.check_lake(old)
    assert report.checksums == "none"
    async with headrace.connect(old) as client:
        before = [
            str(await version.digest())
            for dataset in await client.list_datasets()
            for version in await dataset.list_versions()
        ]
        held = await headrace.check_lake(old, repair=True)
        assert held.checksums == "none"
        assert "skipped" in held.notes
    report = await headrace.check_lake(old, repair=True)
    assert report.checksums == "verified"
    async with headrace.connect(old) as client:
        after = [
            str(await version.digest())
            for dataset in await client.list_datasets()
            for version in await dataset.list_versions()
        ]
    assert before == after
    flip(old / "headrace.db", page_of_table(old, "content") + 4000, 1)
    assert (await headrace.check_lake(old)).faults["page"]


async def test_a_large_old_lake_gets_checksums_and_can_be_backed_up(tmp_path: Path) -> None:
    """Of a database that is larger than SQLite's cache, pages are written before the first one."""
    with tarfile.open(OLD) as archive:
        archive.extractall(tmp_path, filter="data")
    old = tmp_path / "lake"
    async with headrace.connect(old):
        pass
    connection = raw(old)
    with connection:
        connection.executemany(
            "insert into answered_call values (?, 1, 1, ?, 'x', x'00', ?, 9000000000000)",
            ((no, f"key {no}", bytes([no % 251 + 1]) * 8000) for no in range(1, 3000)),
        )
    wanted = connection.execute("select no, answer from answered_call order by no").fetchall()
    connection.close()

    def kept(lake: Path) -> bool:
        reading = raw(lake)
        found = reading.execute("select no, answer from answered_call order by no").fetchall()
        reading.close()
        return found == wanted

    await headrace.backup_lake(old, tmp_path / "backup")
    await headrace.restore_lake(tmp_path / "backup", tmp_path / "restored")
    assert kept(tmp_path / "restored")
    assert (await headrace.check_lake(tmp_path / "restored")).checksums == "none"
    report = await headrace.check_lake(old, repair=True)
    assert (report.ok, report.checksums) == (True, "verified")
    assert kept(old)
    assert (await headrace.check_lake(old)).ok
    await headrace.backup_lake(old, tmp_path / "second")
    await headrace.restore_lake(tmp_path / "second", tmp_path / "again")
    assert kept(tmp_path / "again")
    report = await headrace.check_lake(tmp_path / "again")
    assert (report.ok, report.checksums) == (True, "verified")


@pytest.mark.parametrize("first", [3, slow(1), slow(2), slow(4), slow(5)])
async def test_kill_9_while_checksums_are_added_loses_nothing(lake: Path, first: int) -> None:
    database, log = lake / "headrace.db", lake.with_name("rewrite.log")
    for step in range(first, 1000, 5):
        process = Forked(dying_rewrite.work, str(database), step, log=log)
        status = await in_thread(process.join, 60)
        if status == 0:
            break
        assert status == -signal.SIGKILL, log.read_text()
        report = await headrace.check_lake(lake)
        assert (report.ok, report.checksums) == (True, "verified"), (step, report)
    assert step > 30
    assert await answers(lake) == varied_answers()


async def test_the_copy_of_a_killed_rewrite_is_dropped(lake: Path) -> None:
    copy = lake / "headrace.db-checksums"
    copy.write_bytes(b"half")
    connection = raw(lake)
    connection.close()
    page_checksums.rewrite(lake / "headrace.db")
    assert not copy.exists()
    assert await answers(lake) == varied_answers()


# --- the command ------------------------------------------------------------------------------------------------


async def test_a_check_beside_writers_finds_nothing(lake: Path) -> None:
    """Assets go with their annotations and come back, versions are forked and deleted, all the while."""
    async with headrace.connect(lake) as client:
        version = await client.version("street/v1")
        turns = 0

        async def write() -> None:
            nonlocal turns
            while True:
                turns += 1
                found = await version.list_assets(limit=2)
                await version.delete_assets(found)
                (removal, *_) = await client.list_removals("street/v1")
                await removal.undo()
                fork, _ = await version.fork(
                    f"copy {turns}", with_annotations=True, with_labels=True
                )
                await fork.delete()

        writing = asyncio.ensure_future(write())
        for _ in range(6):
            report = await headrace.check_lake(lake, read_data=True)
            assert report.ok, report
        assert turns > 1
        writing.cancel()
        with suppress(asyncio.CancelledError):
            await writing
    report = await headrace.check_lake(lake, read_data=True)
    assert (report.ok, report.notes) == (True, {}), report


async def test_a_check_that_is_cancelled_anywhere_leaves_the_lake_as_it_was(lake: Path) -> None:
    connection = raw(lake)
    connection.execute("update label_delta set shapes = shapes + 7 where version = 1")
    connection.close()
    cancelled = 0
    for step in range(40):
        task = asyncio.ensure_future(
            headrace.check_lake(lake, read_data=True, repair=step % 2 == 1)
        )
        for _ in range(step):
            await asyncio.sleep(0.001)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        cancelled += task.cancelled()
    assert cancelled > 5
    assert (await headrace.check_lake(lake, read_data=True, repair=True)).ok
    assert (await headrace.check_lake(lake, read_data=True)).faults == {}
    assert await answers(lake) == varied_answers()


def test_the_command_names_what_is_wrong_and_mends_it(lake: Path) -> None:
    good = command("check", lake)
    assert (good.status, good.out.splitlines()[-1]) == (0, "all is well")
    connection = raw(lake)
    connection.execute("update label_delta set shapes = shapes + 7 where version = 1")
    connection.close()
    bad = command("check", lake)
    assert bad.status == 1
    assert "counters that disagree with what they count" in bad.out
    assert "street/v1 label 1: says" in bad.out
    mended = command("check", lake, "--repair")
    assert mended.status == 0
    assert "repaired: street/v1: counters counted again" in mended.out
    assert command("check", lake).status == 0


async def test_uploads_that_were_given_up_are_deleted_by_a_repair(
    lake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    part = lake / "objects" / ".incoming" / f"{7:032x}"
    part.write_bytes(b"half")
    assert (await headrace.check_lake(lake, repair=True)).faults == {}
    assert part.exists()
    monkeypatch.setattr(check_rows, "UPLOAD_MS", -60_000)
    assert (await headrace.check_lake(lake)).faults == {"left over": 1}
    report = await headrace.check_lake(lake, repair=True)
    assert (report.ok, report.repaired) == (True, ["deleted 1 unfinished uploads"])
    assert not part.exists()


async def test_files_that_no_data_names_are_a_note(
    lake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    orphan = lake / "objects" / "0" / "1" / "1" / "orphan.jpg"
    orphan.parent.mkdir(parents=True, exist_ok=True)
    orphan.write_bytes(b"left")
    assert (await headrace.check_lake(lake)).notes == {}
    monkeypatch.setattr(check_objects, "ORPHAN_MS", -60_000)
    report = await headrace.check_lake(lake)
    assert (report.ok, report.notes) == (True, {"orphan": 1})
    assert report.examples[0].place == "0/1/1/orphan.jpg"
