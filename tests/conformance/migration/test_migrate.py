"""A lake that moves into PostgreSQL is the same platform there, and comes back as the same lake."""

from __future__ import annotations

import asyncio
import json
import shutil
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apsw
import pytest

import headrace
from headrace.errors import (
    ConfigurationError,
    ConnectError,
    CorruptionError,
    HeadraceWarning,
    LakeBusyError,
    LakeError,
    LakeVersionError,
    NotALakeError,
    ReadOnlyLakeError,
    StorageError,
)
from headrace.folders.lakes import DATABASE
from headrace.folders.moved import NAME as MOVED
from headrace.platform.accounts.tokens import authenticate, create_token
from headrace.platform.migration import rows
from headrace.platform.platform import Platform
from headrace.storage.database.base import Row
from headrace.storage.database.dsn import shown_dsn
from headrace.storage.database.sqlite.bulk import SqliteReader
from headrace.storage.objects.s3.store import S3Objects
from headrace.testing.objects_conformance import stream
from tests.support.data.images import draw_images
from tests.support.lakes.cared import IMAGES, NAME, digests, digests_of, make_lake
from tests.support.lakes.templates import copy_empty
from tests.support.postgres_server import fresh_database, run
from tests.support.s3_server import READER, fresh_prefix

pytestmark = pytest.mark.filterwarnings("ignore::headrace.errors.HeadraceWarning")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    asyncio.run(make_lake(folder / "lake", folder / "images"))
    return folder / "lake"


@pytest.fixture
def lake(made: Path, tmp_path: Path) -> Path:
    shutil.copytree(made, tmp_path / "lake")
    return tmp_path / "lake"


@pytest.fixture
def dsn() -> Iterator[str]:
    with fresh_database("template0") as address:
        yield address


async def migrate(
    source: Path | str, target: Path | str, **options: Any
) -> headrace.MigrationReport:
    return await headrace.migrate_lake(source, target, progress=None, **options)


async def rows_of(lake: Path) -> dict[str, list[Row]]:
    """All rows of a lake but those of its audit log, to which each migration adds one."""
    reader = await SqliteReader.open(lake / DATABASE)
    try:
        return {
            table.name: [row async for batch in reader.batches(table) for row in batch]
            for table in await reader.tables()
            if table.name != "audit"
        }
    finally:
        await reader.aclose()


async def ids_of(target: Path | str, objects: Path | None = None) -> list[str]:
    """The ids of versions, assets, annotations and shapes."""
    found: list[str] = []
    async with headrace.connect(target, objects=objects) as client:
        version = await client.version(NAME)
        found.append(str(version.id))
        for asset in await version.list_assets():
            found += [str(asset.id), asset.filename]
            for annotation in await asset.list_annotations():
                found.append(str(annotation.id))
    return found


# --- there and back ----------------------------------------------------------------------------------------


async def test_a_lake_moves_and_comes_back_with_every_row(
    lake: Path, dsn: str, tmp_path: Path
) -> None:
    before, ids, table_rows = await digests(lake), await ids_of(lake), await rows_of(lake)
    files = tmp_path / "files"
    moved = await migrate(lake, dsn, objects=files)
    assert (moved.files, moved.copied, moved.missing_count) == (IMAGES, IMAGES, 0)
    assert await ids_of(dsn, files) == ids
    async with headrace.connect(dsn, objects=files) as client:
        assert await digests_of(client) == before
    back = await migrate(dsn, tmp_path / "back", objects=files)
    assert (back.files, back.copied, back.lost_removals) == (IMAGES, IMAGES, 0)
    assert await rows_of(tmp_path / "back") == table_rows
    assert await digests(tmp_path / "back") == before
    check = await headrace.check_lake(tmp_path / "back", read_data=True)
    assert check.ok, check
    # A third place, from the lake that came back: its digest is that of the first but for the audit log.
    assert await ids_of(tmp_path / "back") == ids


async def test_it_goes_on_where_it_was_in_the_database(
    lake: Path, dsn: str, tmp_path: Path
) -> None:
    """Numbers go on after the last ones, tokens stay valid, and what was removed can be put back."""
    async with await Platform.open(lake) as platform:
        token, _ = await create_token(platform.context, name="ann")
    files = tmp_path / "files"
    await migrate(lake, dsn, objects=files)
    async with await Platform.open(dsn, objects=files) as platform:
        await authenticate(platform.context, token)
        await create_token(platform.context, name="bob")
    draw_images(tmp_path / "more", 3, prefix="more")
    async with headrace.connect(dsn, objects=files) as client:
        pushed = await client.push("more/v1", tmp_path / "more")
        assert pushed.assets == 3
        (removal,) = [each for each in await client.list_removals() if each.kind == "assets"]
        undone = await removal.undo()
        assert undone.assets == 1
        assert await (await client.version(NAME)).list_assets().count() == IMAGES
        states = await digests_of(client)
    await migrate(dsn, tmp_path / "back", objects=files)
    assert await digests(tmp_path / "back") == states
    check = await headrace.check_lake(tmp_path / "back", read_data=True)
    assert check.ok, check
    async with headrace.connect(tmp_path / "back") as client:
        await client.push("again/v1", tmp_path / "more")


async def test_the_database_is_as_if_it_was_made_there(
    lake: Path, dsn: str, tmp_path: Path
) -> None:
    """The same tables and indexes, also those that are set aside while rows are copied, and numbers that go on."""
    shape = (
        "select tablename, indexname, indexdef from pg_indexes where schemaname = 'public'"
        " union all select table_name, column_name, data_type from information_schema.columns"
        " where table_schema = 'public' order by 1, 2, 3"
    )
    with fresh_database() as other:
        expected = await run(other, shape)
    await migrate(lake, dsn, objects=tmp_path / "files")
    assert await run(dsn, shape) == expected
    broken = "select count(*) from pg_index where not (indisvalid and indisready)"
    assert await run(dsn, broken) == [(0,)]
    highest = await run(dsn, "select max(no) from audit")
    added = 'insert into audit (time, username, operation, subject, address, "system_user", client)'
    assert await run(dsn, f"{added} values (0, '', '', '', '', '', '') returning no") == [
        (highest[0][0] + 1,)
    ]


async def test_files_go_to_s3_and_come_from_it(lake: Path, dsn: str, tmp_path: Path) -> None:
    before = await digests(lake)
    with fresh_prefix() as objects:
        moved = await migrate(lake, dsn, objects=objects)
        assert (moved.files, moved.copied) == (IMAGES, IMAGES)
        async with headrace.connect(dsn, objects=objects) as client:
            assert await digests_of(client) == before
        back = await migrate(dsn, tmp_path / "back", objects=objects)
    assert back.copied == IMAGES
    assert await digests(tmp_path / "back") == before
    check = await headrace.check_lake(tmp_path / "back", read_data=True)
    assert check.ok, check


async def test_a_plan_writes_nothing(lake: Path, dsn: str, tmp_path: Path) -> None:
    files = tmp_path / "files"
    planned = await migrate(lake, dsn, objects=files, dry_run=True)
    assert (planned.files, planned.digest) == (IMAGES, None)
    assert not files.exists()
    assert not (lake / MOVED).exists()
    assert await run(dsn, "select count(*) from pg_tables where schemaname = 'public'") == [(0,)]
    moved = await migrate(lake, dsn, objects=files)
    # The move itself is in the audit log.
    assert planned.rows == moved.rows - 1
    back = await migrate(dsn, tmp_path / "back", objects=files, dry_run=True)
    assert (back.rows, back.files) == (moved.rows + 1, IMAGES)
    assert not (tmp_path / "back").exists()


async def test_the_same_command_again_changes_nothing(lake: Path, dsn: str, tmp_path: Path) -> None:
    first = await migrate(lake, dsn, objects=tmp_path / "files")
    again = await migrate(lake, dsn, objects=tmp_path / "files")
    assert (again.rows, again.digest, again.copied) == (first.rows, first.digest, 0)


# --- the lake that has moved -------------------------------------------------------------------------------


async def test_a_lake_that_has_moved_is_only_read_and_says_where_it_is(
    lake: Path, dsn: str, tmp_path: Path
) -> None:
    before = await digests(lake)
    await migrate(lake, dsn, objects=tmp_path / "files")
    draw_images(tmp_path / "more", 1, prefix="more")
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        assert await digests(lake) == before
    told = {str(each.message) for each in found if each.category is HeadraceWarning}
    assert told == {f"the lake {lake} has moved to {shown_dsn(dsn)}, and is only read"}
    async with headrace.connect(lake) as client:
        with pytest.raises(ReadOnlyLakeError, match=f"has moved to {shown_dsn(dsn)}") as refused:
            await client.push("more/v1", tmp_path / "more")
    assert str(tmp_path / "files") in str(refused.value.hint)
    password = dsn.partition("//")[2].partition(":")[2].partition("@")[0]
    assert password not in (lake / MOVED).read_text()
    assert password not in str(refused.value)
    await headrace.reopen_lake(lake)
    async with headrace.connect(lake) as client:
        await client.push("more/v1", tmp_path / "more")
    with pytest.raises(LakeError, match="has not moved"):
        await headrace.reopen_lake(lake)


async def test_a_lake_that_was_interrupted_is_read_only_as_well(
    lake: Path, dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await interrupted(lake, dsn, tmp_path / "files", monkeypatch)
    async with headrace.connect(lake) as client:
        with pytest.raises(ReadOnlyLakeError, match="is being moved to") as refused:
            await client.push("more/v1", draw_images(tmp_path / "more", 1)[0])
    assert f"headrace migrate {lake} {shown_dsn(dsn)}" in str(refused.value.hint)
    with (
        fresh_database("template0") as other,
        pytest.raises(LakeError, match="is being moved to"),
    ):
        await migrate(lake, other, objects=tmp_path / "elsewhere")
    # Servers do not open half a platform.
    with pytest.raises(ConfigurationError, match="another platform"):
        await Platform.open(dsn, objects=tmp_path / "files")


async def interrupted(lake: Path, dsn: str, files: Path, patch: pytest.MonkeyPatch) -> None:
    """Move a lake, and stop when the rows are there."""

    async def fail(*_: object) -> None:
        raise KeyError("interrupted")

    with patch.context() as inner:
        inner.setattr(rows.RowCopy, "verify", fail)
        with pytest.raises(KeyError):
            await migrate(lake, dsn, objects=files)


# --- what is refused ---------------------------------------------------------------------------------------


async def test_a_database_that_is_not_empty(lake: Path, tmp_path: Path) -> None:
    with fresh_database() as dsn:
        await headrace.create_lake(dsn, objects=tmp_path / "used")
        with pytest.raises(LakeError, match="is not empty: there are rows in account"):
            await migrate(lake, dsn, objects=tmp_path / "files")
    with fresh_database("template0") as dsn:
        await run(dsn, "create table mine (a int)")
        with pytest.raises(LakeError, match="already in use: it has mine"):
            await migrate(lake, dsn, objects=tmp_path / "files")
    assert not (lake / MOVED).exists()
    assert not (tmp_path / "files").exists()


async def test_a_place_for_files_that_is_not_empty(lake: Path, dsn: str, tmp_path: Path) -> None:
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "mine.txt").write_text("mine")
    with pytest.raises(LakeError, match="files is not empty"):
        await migrate(lake, dsn, objects=tmp_path / "files")
    assert [each.name for each in (tmp_path / "files").iterdir()] == ["mine.txt"]
    with pytest.raises(ConfigurationError, match="needs a place for its files"):
        await migrate(lake, dsn)
    assert not (lake / MOVED).exists()


async def test_a_place_on_s3_that_is_not_empty(lake: Path, dsn: str) -> None:
    """It is noticed before tables are made."""
    with fresh_prefix() as objects:
        store = await S3Objects.open(objects)
        await store.put("mine.txt", stream(b"mine"))
        await store.aclose()
        with pytest.raises(LakeError, match="is not empty"):
            await migrate(lake, dsn, objects=objects)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("AWS_ACCESS_KEY_ID", READER)
            with pytest.raises(ConfigurationError, match="no right to"):
                await migrate(lake, dsn, objects=objects)
    assert not (lake / MOVED).exists()
    assert await run(dsn, "select to_regclass('schema_version')") == [(None,)]


async def test_the_same_command_with_another_place_for_files(
    lake: Path, dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files, other = tmp_path / "files", tmp_path / "other"
    for state in ("is being moved to", "has moved to"):
        if "being" in state:
            await interrupted(lake, dsn, files, monkeypatch)
        else:
            await migrate(lake, dsn, objects=files)
        for place in (other, "s3://bucket/prefix"):
            with pytest.raises(LakeError, match=state) as refused:
                await migrate(lake, dsn, objects=place)
            assert f"in {files} and not in {place}" in str(refused.value)
            assert str(files) in str(refused.value.hint)
        assert not other.exists()
    await migrate(lake, dsn, objects=f"{files}/")


async def test_a_lake_that_is_open(lake: Path, dsn: str, tmp_path: Path) -> None:
    async with headrace.connect(lake):
        with pytest.raises(LakeBusyError, match=f"another process has the lake {lake} open"):
            await migrate(lake, dsn, objects=tmp_path / "files")
    assert not (lake / MOVED).exists()
    await migrate(lake, dsn, objects=tmp_path / "files")


async def test_a_job_that_has_not_ended(lake: Path, dsn: str, tmp_path: Path) -> None:
    connection = apsw.Connection(str(lake / DATABASE))
    connection.execute(
        "insert into job (no, organization, wire, kind, spec, state, cancel, done, created, updated)"
        " values (999, 1, 1, 'FORK', '{}', 'RUNNING', 0, 0, 0, 0)"
    )
    connection.close()
    with pytest.raises(LakeBusyError, match=r"a job of .*lake has not ended") as refused:
        await migrate(lake, dsn, objects=tmp_path / "files")
    assert f"headrace job list {lake}" in str(refused.value.hint)
    assert not (lake / MOVED).exists()


async def test_another_lake_in_the_same_database(
    lake: Path, dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await interrupted(lake, dsn, tmp_path / "files", monkeypatch)
    copy_empty(tmp_path / "other")
    with pytest.raises(LakeError, match="unfinished migration of another lake"):
        await migrate(tmp_path / "other", dsn, objects=tmp_path / "more")
    assert not (tmp_path / "other" / MOVED).exists()
    await migrate(lake, dsn, objects=tmp_path / "files")


async def test_places_that_are_neither_or_the_same(lake: Path, dsn: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="between a lake and a database"):
        await migrate(lake, tmp_path / "other")
    with pytest.raises(ConfigurationError, match="between a lake and a database"):
        await migrate(dsn, dsn, objects=tmp_path / "files")
    with pytest.raises(NotALakeError, match="there is no lake"):
        await migrate(tmp_path / "none", dsn, objects=tmp_path / "files")
    with pytest.raises(NotALakeError, match="has no catalog"):
        await migrate(dsn, tmp_path / "new", objects=tmp_path / "files")
    with pytest.raises(ConfigurationError, match="has no database"):
        await migrate(lake, f"{dsn}_gone", objects=tmp_path / "files")
    with pytest.raises(ConnectError):
        await migrate(lake, "postgresql://me@127.0.0.1:1/x", objects=tmp_path / "files")
    await migrate(lake, dsn, objects=tmp_path / "files")
    with pytest.raises(LakeError, match="is a lake already"):
        await migrate(dsn, lake, objects=tmp_path / "files")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("mine")
    with pytest.raises(LakeError, match="is not empty"):
        await migrate(dsn, tmp_path / "mine", objects=tmp_path / "files")


async def test_a_schema_that_is_not_that_of_this_headrace(
    lake: Path, dsn: str, tmp_path: Path
) -> None:
    await migrate(lake, dsn, objects=tmp_path / "files")
    await run(dsn, "alter table tag add column colour text")
    with pytest.raises(LakeVersionError, match=r"schema of .* is not that of this headrace: tag"):
        await migrate(dsn, tmp_path / "back", objects=tmp_path / "files")
    assert not (tmp_path / "back").exists()


# --- what goes wrong ---------------------------------------------------------------------------------------


async def test_rows_that_differ_on_arrival(
    lake: Path, dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await interrupted(lake, dsn, tmp_path / "files", monkeypatch)
    await run(dsn, "update asset set filename = filename || 'x' where seq = 3")
    with pytest.raises(CorruptionError, match=r"the rows of asset up to the key .* are not those"):
        await migrate(lake, dsn, objects=tmp_path / "files")
    await run(dsn, "update asset set filename = rtrim(filename, 'x') where seq = 3")
    await run(dsn, "insert into label_gone (version, key) values (77, 1)")
    with pytest.raises(CorruptionError, match="the rows of label_gone"):
        await migrate(lake, dsn, objects=tmp_path / "files")
    await run(dsn, "delete from label_gone where version = 77")
    await migrate(lake, dsn, objects=tmp_path / "files")


async def test_a_file_that_the_lake_has_lost(lake: Path, dsn: str, tmp_path: Path) -> None:
    (lost, *_) = (lake / "objects").rglob("*.jpg")
    lost.unlink()
    with pytest.raises(StorageError, match="1 files are missing or damaged, such as"):
        await migrate(lake, dsn, objects=tmp_path / "files")
    assert json.loads((lake / MOVED).read_text())["complete"] is False
    report = await migrate(lake, dsn, objects=tmp_path / "files", on_error="skip")
    assert (report.files, report.missing_count) == (IMAGES - 1, 1)
    assert report.missing == [str(lost.relative_to(lake / "objects"))]


async def test_a_text_that_postgresql_cannot_hold(lake: Path, dsn: str, tmp_path: Path) -> None:
    connection = apsw.Connection(str(lake / DATABASE))
    connection.execute("update tag set name = 'a' || char(0) || 'b'")
    connection.close()
    with pytest.raises(headrace.HeadraceError, match="tag contains a NUL character"):
        await migrate(lake, dsn, objects=tmp_path / "files")


async def test_a_platform_that_changes_while_its_copy_is_interrupted(
    lake: Path, dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lake is the platform at the moment of the last run, in each row."""
    monkeypatch.setattr(rows, "CHUNK_ROWS", 4)
    monkeypatch.setattr("headrace.storage.database.postgres.catalog_reader.BATCH_ROWS", 2)
    files = tmp_path / "files"
    await migrate(lake, dsn, objects=files)
    draw_images(tmp_path / "more", 5, prefix="more")
    async with headrace.connect(dsn, objects=files) as client:
        await client.push("more/v1", tmp_path / "more")
        await stop_after_rows(dsn, tmp_path / "back", files, monkeypatch)
        await client.push("other/v1", tmp_path / "more")
        version = await client.version(NAME)
        await version.delete_assets((await version.list_assets())[:2])
        await (await client.get_dataset("more")).delete()
        await stop_after_rows(dsn, tmp_path / "back", files, monkeypatch)
        await version.update(description="changed")
        expected = await digests_of(client)
    await migrate(dsn, tmp_path / "back", objects=files)
    assert await digests(tmp_path / "back") == expected
    check = await headrace.check_lake(tmp_path / "back", read_data=True)
    assert check.ok, check
    await migrate(dsn, tmp_path / "fresh", objects=files)
    assert await rows_of(tmp_path / "back") == await rows_of(tmp_path / "fresh")
    left = [each.name for each in tmp_path.iterdir() if each.name.startswith(".")]
    assert left == []


async def stop_after_rows(dsn: str, lake: Path, files: Path, patch: pytest.MonkeyPatch) -> None:
    async def fail(*_: object) -> None:
        raise KeyError("interrupted")

    with patch.context() as inner:
        inner.setattr(rows.RowCopy, "verify", fail)
        with pytest.raises(KeyError):
            await migrate(dsn, lake, objects=files)
    assert not lake.exists()
