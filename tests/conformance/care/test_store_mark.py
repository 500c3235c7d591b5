"""The files of one database are not taken for those of another, though both hold the same platform."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec
import pytest

import headrace
from headrace.errors import ConfigurationError
from headrace.folders.lakes import STORE_MARK
from headrace.platform.platform import Platform
from headrace.storage.database.dsn import shown_dsn
from tests.support.lakes.cared import IMAGES, make_lake
from tests.support.postgres_server import fresh_database, postgres_server
from tests.support.processes.cli import Outcome
from tests.support.processes.cli import headrace as run_command

pytestmark = pytest.mark.filterwarnings("ignore::headrace.errors.HeadraceWarning")


class Moved(msgspec.Struct):
    """A platform that was made of a lake: its database, and the folder of its files."""

    dsn: str
    files: Path

    @property
    def mark(self) -> Path:
        return self.files / STORE_MARK

    def age_mark(self, **others: str) -> None:
        """Write the mark as older versions did, which knew no catalog."""
        mark = json.loads(self.mark.read_text())
        del mark["catalog"]
        self.mark.write_text(json.dumps({**mark, **others}))


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Moved, Moved]]:
    """Two platforms that were made of the same lake: all ids are the same."""
    folder = tmp_path_factory.mktemp("pair")
    asyncio.run(make_lake(folder / "lake", folder / "images"))
    shutil.copytree(folder / "lake", folder / "copy")
    with fresh_database("template0") as first, fresh_database("template0") as second:
        found = Moved(first, folder / "first"), Moved(second, folder / "second")
        for lake, each in zip(("lake", "copy"), found, strict=True):
            asyncio.run(
                headrace.migrate_lake(folder / lake, each.dsn, objects=each.files, progress=None)
            )
        yield found


@pytest.fixture
def two(pair: tuple[Moved, Moved]) -> Iterator[tuple[Moved, Moved]]:
    """The pair, with complete marks."""
    marks = [each.mark.read_bytes() for each in pair]
    yield pair
    for each, mark in zip(pair, marks, strict=True):
        each.mark.write_bytes(mark)


def stored(folder: Path) -> int:
    return len([*folder.rglob("*.jpg")])


async def opened(dsn: str, files: Path) -> None:
    await (await Platform.open(dsn, objects=files)).aclose()


async def test_the_files_of_a_copy_are_refused(two: tuple[Moved, Moved]) -> None:
    first, second = two
    calls: list[Any] = [
        opened,
        lambda dsn, files: headrace.collect_garbage(dsn, objects=files),
        lambda dsn, files: headrace.check_lake(dsn, objects=files),
        lambda dsn, files: headrace.lake_usage(dsn, objects=files),
    ]
    for call in calls:
        with pytest.raises(ConfigurationError, match="another database with the same") as refused:
            await call(first.dsn, second.files)
        assert shown_dsn(second.dsn) in str(refused.value)
        assert "HEADRACE_OBJECTS" in str(refused.value.hint)
        assert postgres_server().password not in repr(refused.value)
        await call(first.dsn, first.files)
        await call(second.dsn, second.files)
    assert stored(second.files) == IMAGES


async def test_a_restored_database_has_its_files(two: tuple[Moved, Moved]) -> None:
    """A copy of the database itself, as pg_dump makes one, keeps the id of its catalog."""
    first, _ = two
    name = urlsplit(first.dsn).path[1:]
    copy = f"{name}_restored"
    postgres_server().run(f"create database {copy} template {name}")
    try:
        await opened(postgres_server().dsn(copy), first.files)
    finally:
        postgres_server().run(f"drop database {copy} with (force)")


async def test_nothing_is_deleted_in_files_with_an_older_mark(two: tuple[Moved, Moved]) -> None:
    """They may be those of the copy, so only migrate-schema says whose they are; opening does not."""
    first, second = two
    second.age_mark()
    mark = second.mark.read_bytes()
    for dsn in (first.dsn, second.dsn):
        await opened(dsn, second.files)
        await headrace.collect_garbage(dsn, objects=second.files, dry_run=True)
        await headrace.check_lake(dsn, objects=second.files)
        for deleting in (
            headrace.collect_garbage(dsn, objects=second.files),
            headrace.check_lake(dsn, objects=second.files, repair=True),
        ):
            with pytest.raises(ConfigurationError, match="marked by an older") as refused:
                await deleting
            assert f"headrace migrate-schema {shown_dsn(dsn)} --objects {second.files}" in str(
                refused.value.hint
            )
    assert second.mark.read_bytes() == mark
    assert stored(second.files) == IMAGES


def migrate_schema(of: Moved, files: Path, *options: str) -> Outcome:
    variables = {"HEADRACE_DATABASE": of.dsn}
    arguments = ("postgresql://", "--objects", files, *options)
    return run_command("migrate-schema", *arguments, **variables)


def test_migrate_schema_completes_an_older_mark(two: tuple[Moved, Moved]) -> None:
    first, second = two
    complete = second.mark.read_bytes()
    second.age_mark()
    aged = second.mark.read_bytes()
    refused = migrate_schema(first, second.files)
    assert (refused.status != 0, second.mark.read_bytes()) == (True, aged)
    assert shown_dsn(second.dsn) in refused.err
    assert "--claim-files" in refused.err
    assert "would be marked" in migrate_schema(second, second.files, "--dry-run").out
    assert second.mark.read_bytes() == aged
    assert migrate_schema(second, second.files, "--json").json()["files_marked"] is True
    assert second.mark.read_bytes() == complete
    assert migrate_schema(second, second.files, "--json").json()["files_marked"] is False
    # From now on the copy is refused, whatever it claims.
    claimed = migrate_schema(first, second.files, "--claim-files")
    assert (claimed.status != 0, second.mark.read_bytes()) == (True, complete)


@pytest.mark.parametrize("address", ["postgresql://", "postgresql://old-host/platform"])
def test_an_older_mark_with_another_address_is_claimed(
    two: tuple[Moved, Moved], address: str
) -> None:
    _, second = two
    complete = second.mark.read_bytes()
    second.age_mark(database=address)
    assert migrate_schema(second, second.files).status != 0
    assert migrate_schema(second, second.files, "--claim-files").status == 0
    assert second.mark.read_bytes() == complete
