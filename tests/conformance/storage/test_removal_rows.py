"""What removals recorded moves between the files of a lake and the rows of PostgreSQL, byte for byte."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from headrace.errors import CorruptionError
from headrace.platform.removals import parts
from headrace.platform.removals.frames import Frame, SavedAnnotation, append, read_frames
from headrace.platform.removals.parts import load_file, save_file
from headrace.storage.database.locks import Lock
from headrace.storage.database.postgres.database import PostgresDatabase
from tests.support.postgres_server import fresh_database, run

NO = 3


@pytest.fixture(name="dsn")
def new_database() -> Iterator[str]:
    with fresh_database() as dsn:
        yield dsn


@pytest.fixture
async def database(dsn: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[PostgresDatabase]:
    """A catalog with a removal, whose rows are small."""
    monkeypatch.setattr(parts, "_PIECE", 2_000)
    await run(
        dsn,
        "insert into removal (no, organization, account, dataset, assets, annotations, shapes, bytes, created, updated,"
        f" restorable, kind, name) values ({NO}, 1, 1, 1, 0, 0, 0, 0, 1, 1, 1, 'ANNOTATIONS', 'v')",
    )
    opened = await PostgresDatabase.open(dsn, strict_locks=True)
    try:
        yield opened
    finally:
        await opened.aclose()


@pytest.fixture
def file(tmp_path: Path) -> tuple[Path, int]:
    """A removal file of twelve frames, and how many of its bytes count: a last frame belongs to no committed call."""
    path, size = tmp_path / "lake" / "removal", 0
    path.parent.mkdir()
    for number in range(12):
        size = append(path, size, [frame(number)])
    append(path, size, [frame(99)])
    return path, size


def frame(number: int) -> Frame:
    blob = bytes((number * byte) % 251 for byte in range(700))
    annotation = SavedAnnotation(number, 1, 1, "DONE", 1, 0.5, b"\2", blob)
    return Frame(horizon=number, annotations=[annotation], labels={1: "ä"})


async def load(database: PostgresDatabase, path: Path, size: int) -> None:
    async with database.transaction(Lock.organization(0)) as tx:
        await load_file(tx, NO, path, size)


async def rows(database: PostgresDatabase) -> int:
    count = 0
    start = 0
    while row := await database.fetch_one("removal_parts.at", removal=NO, start=start):
        count, start = count + 1, start + len(row[0])
    return count


async def test_a_file_becomes_rows_and_a_file_again(
    database: PostgresDatabase, file: tuple[Path, int], tmp_path: Path
) -> None:
    path, size = file
    await load(database, path, size)
    assert 1 < await rows(database) < 12
    back = tmp_path / "other" / "removal"
    assert await save_file(database, NO, back) == size
    assert back.read_bytes() == path.read_bytes()[:size]
    assert [each.horizon for each in read_frames(back, size)] == list(range(12))


async def test_a_removal_that_recorded_nothing_has_no_rows(
    database: PostgresDatabase, file: tuple[Path, int], tmp_path: Path
) -> None:
    await load(database, file[0], 0)
    assert await rows(database) == 0
    assert await save_file(database, NO, tmp_path / "other" / "removal") == 0


DAMAGES = (
    "missing",
    "no such file",
    "cut in a frame",
    "cut in a head",
    "cut in the last frame",
    "a wrong end",
)


@pytest.mark.parametrize("damage", DAMAGES)
async def test_a_file_that_is_damaged_leaves_no_rows(
    database: PostgresDatabase, file: tuple[Path, int], damage: str
) -> None:
    path, size = file
    content = path.read_bytes()
    if damage == "missing":
        path.unlink()
    elif damage == "no such file":
        path.write_bytes(b"something else\n" + content)
    elif damage == "cut in the last frame":
        path.write_bytes(content[: size - 40])
    elif damage == "a wrong end":
        size -= 40
    else:
        one = append(path.with_name("one"), 0, [frame(0)])
        path.write_bytes(content[: one + (3 if damage == "cut in a head" else 40)])
    with pytest.raises(CorruptionError):
        await load(database, path, size)
    assert await rows(database) == 0


async def test_rows_of_which_one_is_gone_end_the_file_before_it(
    database: PostgresDatabase, dsn: str, file: tuple[Path, int], tmp_path: Path
) -> None:
    path, size = file
    await load(database, path, size)
    back = tmp_path / "other" / "removal"
    first = await database.fetch_one("removal_parts.at", removal=NO, start=0)
    assert first is not None
    await run(dsn, f"delete from removal_part where removal = {NO} and start = {len(first[0])}")
    assert await save_file(database, NO, back) == len(first[0]) < size
