"""A lake that an earlier headrace wrote: it opens, answers equal, and its blobs are rewritten through any number of kills.

``tests/data/lakes`` holds the lake, what it answered then, and the script that made it.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import tarfile
from pathlib import Path
from typing import Any

import apsw
import msgspec
import pytest

import headrace
from headrace.model.blob.layout import VERSION
from headrace.platform.jobs import old_blobs
from headrace.platform.platform import Platform
from tests.support.lakes.marks import annotated, marked
from tests.support.processes.forked import Forked
from tests.support.processes.waiting import until
from tests.support.tiers import slow

DATA = Path(__file__).parents[2] / "data" / "lakes"


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    with tarfile.open(DATA / "old.tar.xz") as archive:
        archive.extractall(tmp_path, filter="data")
    return tmp_path / "lake"


def formats(lake: Path) -> set[int]:
    """The formats of all blobs of a lake."""
    connection = apsw.Connection(str(lake / "headrace.db"), flags=apsw.SQLITE_OPEN_READONLY)
    found = connection.execute(
        "select shapes from annotation where shapes is not null union all select shapes from content"
    )
    return {blob[0] >> 4 for (blob,) in found}


def left(lake: Path) -> int:
    """How many versions and datasets are left to rewrite."""
    connection = apsw.Connection(str(lake / "headrace.db"), flags=apsw.SQLITE_OPEN_READONLY)
    (count,) = connection.execute("select count(*) from old_blob").fetchone()
    return count


async def answers(lake: Path) -> dict[str, Any]:
    """What the versions of the lake hold, as the script of the data asked."""
    found: dict[str, Any] = {}
    async with headrace.connect(str(lake)) as client:
        for name in ("first", "second"):
            version = await client.version(f"old/{name}")
            found[name] = {
                "annotations": await version.load_annotations(),
                "digest": (await version.digest()).sha256,
            }
    return comparable(json.loads(msgspec.json.encode(found)))


def expected() -> dict[str, Any]:
    wanted = json.loads((DATA / "old.json").read_text(encoding="utf-8"))
    for version in wanted.values():
        version.pop("stats")
    return comparable(wanted)


def comparable(found: dict[str, Any]) -> dict[str, Any]:
    """Round areas: they are computed, and adding up in another order changes their last digits."""
    for version in found.values():
        for of_asset in version["annotations"].values():
            for annotation in of_asset:
                for polygon in annotation["polygons"]:
                    polygon["area"] = round(polygon["area"], 6)
    return found


async def test_a_lake_of_formats_1_and_2_answers_as_before(lake: Path) -> None:
    assert formats(lake) == {1, 2}
    # Opened for the first time, while its blobs are rewritten, and after that.
    assert await answers(lake) == expected()
    async with await Platform.open(lake):
        await until(lambda: left(lake) == 0)
    assert formats(lake) == {VERSION}
    assert await answers(lake) == expected()


async def test_the_versions_of_an_old_lake_are_marked(lake: Path) -> None:
    """So that listings by label find their assets without a walk."""

    def unmarked() -> int:
        with apsw.Connection(str(lake / "headrace.db")) as connection:
            (count,) = connection.execute(
                "select count(*) from version where unmarked is not null"
            ).fetchone()
            return count

    async with await Platform.open(lake):
        await until(lambda: unmarked() == 0)
    with apsw.Connection(str(lake / "headrace.db")) as connection:
        assert marked(connection) == annotated(connection) != {}


async def test_an_undo_finds_what_replaced_the_annotations_of_an_old_lake(lake: Path) -> None:
    """An undo compares annotations with a digest of their blobs, so these wait for the removals of their dataset."""
    async with headrace.connect(str(lake)) as client:
        version = await client.version("old/second")
        before = await version.load_annotations()
        await version.delete_all_annotations()
        (removal,) = await client.list_removals()
        with apsw.Connection(str(lake / "headrace.db")) as connection:
            connection.execute(
                "insert or replace into old_blob select 0, bucket, no, dataset, 0, 0 from version"
            )
        waiting = left(lake)
        assert waiting >= 2
    async with headrace.connect(str(lake)) as client:
        await asyncio.sleep(0.2)
        assert left(lake) == waiting
        (removal,) = await client.list_removals()
        await removal.undo()
        version = await client.version("old/second")
        assert await version.load_annotations() == before
    async with await Platform.open(lake):
        await until(lambda: left(lake) == 0)


def rewrite_until_killed(lake: str, kills_at: int) -> None:
    """Open the lake and die in the ``kills_at``-th range, before its transaction commits."""
    ranges = 0
    pack = old_blobs.pack_page

    def dying(page: Any) -> Any:
        nonlocal ranges
        ranges += 1
        if ranges == kills_at:
            os.kill(os.getpid(), signal.SIGKILL)
        return pack(page)

    async def run() -> None:
        async with await Platform.open(lake):
            await until(lambda: left(Path(lake)) == 0)

    old_blobs.pack_page = dying
    old_blobs.ROWS = 2
    asyncio.run(run())


@pytest.mark.parametrize("kills", [3, slow(20)])
async def test_a_rewrite_survives_kills(lake: Path, tmp_path: Path, kills: int) -> None:
    for number in range(kills):
        process = Forked(
            rewrite_until_killed, str(lake), 1 + number % 2, log=tmp_path / f"{number}.log"
        )
        assert process.join(60) == -signal.SIGKILL, (tmp_path / f"{number}.log").read_text()
        with apsw.Connection(str(lake / "headrace.db")) as connection:
            assert connection.pragma("integrity_check") == "ok"
    async with await Platform.open(lake):
        await until(lambda: left(lake) == 0)
    assert formats(lake) == {VERSION}
    assert await answers(lake) == expected()
