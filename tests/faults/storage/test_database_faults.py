"""What happens to a catalog when processes die, disks fill up and files are not what they seem."""

from __future__ import annotations

import asyncio
import shutil
import sys
import threading
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Awaitable
from functools import partial
from pathlib import Path

import apsw
import pytest

from headrace.errors import (
    DatabaseError,
    DiskFullError,
    HeadraceError,
    LakeBusyError,
    LakeError,
    LakeVersionError,
    NotALakeError,
    StorageError,
    UnprocessableEntityError,
)
from headrace.storage.database.queries import migrations
from headrace.storage.database.sqlite import catalog_file
from headrace.storage.database.sqlite.database import SqliteDatabase
from headrace.storage.database.sqlite.schema import APPLICATION_ID

WRITER = Path(__file__).parents[2] / "support" / "scripts" / "catalog_writer.py"


@pytest.fixture
async def path(tmp_path: Path) -> Path:
    place = tmp_path / "catalog.db"
    await SqliteDatabase.create(place)
    return place


@pytest.fixture
async def database(path: Path) -> AsyncIterator[SqliteDatabase]:
    database = await SqliteDatabase.open(path)
    yield database
    await database.aclose()


async def run_writer(path: Path, *arguments: str) -> Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, str(WRITER), str(path), *arguments, stdout=PIPE
    )


async def said(process: Process) -> str:
    assert process.stdout is not None
    return (await process.stdout.readline()).decode().strip()


def integrity(path: Path) -> list[str]:
    connection = apsw.Connection(str(path))
    try:
        return [text for (text,) in connection.execute("pragma integrity_check")]
    finally:
        connection.close()


async def test_kill_9_inside_a_transaction_leaves_nothing_of_it(path: Path) -> None:
    process = await run_writer(path, "hold", "doomed")
    assert await said(process) == "open"
    assert await said(process) == "holding"
    process.kill()
    await process.wait()
    database = await SqliteDatabase.open(path, busy_timeout=1)
    assert await database.fetch("conformance.all", start="") == []
    await database.execute("conformance.add", name="after", last=1)
    await database.aclose()
    assert integrity(path) == ["ok"]


async def test_two_processes_and_this_one_write_at_once(
    path: Path, database: SqliteDatabase
) -> None:
    processes = [await run_writer(path, "count", "shared", "100") for _ in range(2)]
    for process in processes:
        assert await said(process) == "open"
    for _ in range(100):
        await database.execute("identifiers.take_numbers", name="shared", count=1)
    assert [await process.wait() for process in processes] == [0, 0]
    assert await database.fetch_one("conformance.one", name="shared") == (300,)


async def test_a_writer_held_for_too_long_is_a_busy_lake(path: Path) -> None:
    process = await run_writer(path, "hold", "x")
    await said(process)
    assert await said(process) == "holding"
    database = await SqliteDatabase.open(path, busy_timeout=0.1)
    with pytest.raises(LakeBusyError, match="busy") as caught:
        await database.execute("conformance.add", name="mine", last=1)
    assert caught.value.retryable
    assert caught.value.hint
    with pytest.raises(LakeBusyError):
        async with database.transaction() as tx:
            await tx.fetch("conformance.all", start="")
    assert await database.fetch("conformance.all", start="") == []
    process.kill()
    await process.wait()
    await database.execute("conformance.add", name="mine", last=1)
    await database.aclose()


async def test_a_cancelled_wait_for_another_process_ends_at_once(path: Path) -> None:
    process = await run_writer(path, "hold", "x")
    await said(process)
    assert await said(process) == "holding"
    database = await SqliteDatabase.open(path, busy_timeout=3600)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await database.execute("conformance.add", name="mine", last=1)
    process.kill()
    await process.wait()
    await database.execute("conformance.add", name="other", last=1)
    assert await database.fetch("conformance.all", start="") == [("other", 1)]
    await database.aclose()


async def test_a_full_disk_keeps_what_was_committed(path: Path) -> None:
    database = await SqliteDatabase.open(path, max_bytes=path.stat().st_size + 64 * 1024)
    await database.execute("conformance.add", name="kept", last=1)
    with pytest.raises(DiskFullError, match="no space left") as caught:
        async with database.transaction() as tx:
            rows = ((f"{number:06d}", number) for number in range(100_000))
            await tx.insert_many("conformance.add_many", rows)
    assert str(path.parent) in str(caught.value)
    assert await database.fetch("conformance.all", start="") == [("kept", 1)]
    await database.execute("conformance.add", name="again", last=1)
    await database.aclose()
    assert integrity(path) == ["ok"]


async def test_after_a_full_disk_nothing_slips_in_singly(path: Path) -> None:
    database = await SqliteDatabase.open(path, max_bytes=path.stat().st_size + 64 * 1024)
    with pytest.raises(DatabaseError, match="rolled back"):
        async with database.transaction() as tx:
            rows = ((f"{number:06d}", number) for number in range(100_000))
            with pytest.raises(DiskFullError, match="no space left"):
                await tx.insert_many("conformance.add_many", rows)
            await tx.execute("conformance.add", name="alone", last=1)
    assert await database.fetch("conformance.all", start="") == []
    await database.aclose()


async def test_an_open_catalog_may_be_copied_and_a_closed_one_moved(
    path: Path, database: SqliteDatabase, tmp_path: Path
) -> None:
    await database.execute("conformance.add", name="a", last=1)
    copied = tmp_path / "copy"
    copied.mkdir()
    for file in path.parent.glob("catalog.db*"):
        shutil.copy(file, copied)
    await database.aclose()
    assert [file.name for file in tmp_path.glob("catalog.db*")] == ["catalog.db"]
    moved = tmp_path / "moved.db"
    path.rename(moved)
    for place in (copied / "catalog.db", moved):
        other = await SqliteDatabase.open(place)
        assert await other.fetch("conformance.all", start="") == [("a", 1)]
        await other.aclose()


async def test_a_newer_schema_is_refused_with_the_cure(path: Path) -> None:
    connection = apsw.Connection(str(path))
    connection.pragma("user_version", len(migrations("sqlite")) + 1)
    connection.close()
    with pytest.raises(LakeVersionError, match="pip install"):
        await SqliteDatabase.open(path)


@pytest.mark.parametrize(
    "content",
    [b"", b"\x89PNG\r\n\x1a\n" * 100, b"SQLite format 3\0" + b"\xff" * 4000],
    ids=["empty", "png", "torn header"],
)
async def test_a_file_that_is_no_database_is_no_lake(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "headrace.db"
    path.write_bytes(content)
    with pytest.raises(NotALakeError, match="headrace init"):
        await SqliteDatabase.open(path)
    assert path.read_bytes() == content


async def test_somebody_elses_database_is_no_lake_and_stays_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "headrace.db"
    connection = apsw.Connection(str(path))
    connection.execute("create table theirs (a); insert into theirs values (1)")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(NotALakeError):
        await SqliteDatabase.open(path)
    assert path.read_bytes() == before


async def test_a_missing_file_is_no_lake_and_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(NotALakeError):
        await SqliteDatabase.open(tmp_path / "headrace.db")
    assert list(tmp_path.iterdir()) == []


async def test_an_existing_file_is_not_made_anew(path: Path) -> None:
    with pytest.raises(LakeError, match="exists"):
        await SqliteDatabase.create(path)


async def test_a_damaged_page_is_told_as_damage(path: Path, database: SqliteDatabase) -> None:
    async with database.transaction() as tx:
        rows = ((f"{number:06d}", number) for number in range(100_000))
        await tx.insert_many("conformance.add_many", rows)
    await database.aclose()
    content = bytearray(path.read_bytes())
    content[len(content) // 2 :] = b"\xa5" * (len(content) - len(content) // 2)
    path.write_bytes(content)
    damaged = await SqliteDatabase.open(path)
    with pytest.raises(StorageError, match="damaged") as caught:
        await damaged.fetch("conformance.all", start="")
    assert caught.value.hint
    await damaged.aclose()


async def test_many_processes_migrate_one_catalog_at_once(tmp_path: Path) -> None:
    path = tmp_path / "catalog.db"
    connection = apsw.Connection(str(path))
    connection.pragma("journal_mode", "wal")
    connection.pragma("application_id", APPLICATION_ID)
    connection.close()
    processes = [await run_writer(path, "open") for _ in range(4)]
    assert [await process.wait() for process in processes] == [0] * 4
    database = await SqliteDatabase.open(path)
    await database.execute("conformance.add", name="a", last=1)
    await database.aclose()
    assert integrity(path) == ["ok"]


async def test_the_file_is_its_owners_alone_with_all_its_helpers(
    path: Path, database: SqliteDatabase
) -> None:
    await database.execute("conformance.add", name="a", last=1)
    modes = {file.name: file.stat().st_mode & 0o777 for file in path.parent.glob("catalog.db*")}
    assert modes == {"catalog.db": 0o600, "catalog.db-wal": 0o600, "catalog.db-shm": 0o600}


async def test_a_folder_in_the_place_of_the_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "headrace.db").mkdir()
    with pytest.raises(HeadraceError):
        await SqliteDatabase.open(tmp_path / "headrace.db")


COUNT = (
    " union all select (with recursive n(i) as (select 1 union all select i + 1 from n where i < :f1)"
    " select count(*) from n)"
)


async def test_queries_that_take_too_long_end_and_leave_a_reader_to_others(path: Path) -> None:
    database = await SqliteDatabase.open(path, query_seconds=0.5)

    async def ask() -> None:
        await database.fetch("marks.labels", filters=COUNT, version=1, f1=10**12)

    async with asyncio.TaskGroup() as group:
        asked = [group.create_task(refused(ask())) for _ in range(6)]
        await asyncio.sleep(0.1)
        # Six of them would keep all readers busy for a second and a half.
        assert await database.fetch_one("accounts.account", username="me") is None
        assert not any(task.done() for task in asked)
    assert await database.fetch("marks.labels", filters=COUNT, version=1, f1=1000) == [(1000,)]
    await database.aclose()


async def test_short_calls_never_wait_behind_a_slow_query(path: Path) -> None:
    database = await SqliteDatabase.open(path)
    call = partial(database.fetch, "marks.labels", filters=COUNT, version=1, f1=10**12)
    slow = [asyncio.create_task(call()) for _ in range(2)]
    await asyncio.sleep(0)
    try:
        async with asyncio.timeout(20), asyncio.TaskGroup() as group:
            # Many at once: each reader would get a share of them.
            for _ in range(30):
                group.create_task(database.fetch_one("accounts.account", username="me"))
        assert not any(task.done() for task in slow)
    finally:
        for task in slow:
            task.cancel()
        await asyncio.gather(*slow, return_exceptions=True)
        await database.aclose()


async def test_a_query_cancelled_before_its_statement_begins_ends(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_reader = catalog_file.open_reader
    opening = threading.Event()

    def open_slowly(path: Path) -> apsw.Connection:
        opening.set()
        time.sleep(0.1)
        return open_reader(path)

    monkeypatch.setattr(catalog_file, "open_reader", open_slowly)
    database = await SqliteDatabase.open(path)
    call = partial(database.fetch, "marks.labels", filters=COUNT, version=1, f1=10**12)
    slow = asyncio.create_task(call())
    await asyncio.to_thread(opening.wait)
    slow.cancel()
    with pytest.raises(asyncio.CancelledError):
        await slow
    # Closing waits for the end of the statement, which would take days.
    async with asyncio.timeout(20):
        await database.aclose()


async def refused(call: Awaitable[None]) -> None:
    with pytest.raises(UnprocessableEntityError, match=r"took more than 0\.5 s"):
        await call
