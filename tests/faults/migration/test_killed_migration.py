"""A migration that is killed at any step: the same command completes it, and no row or file is lost or comes twice."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest

import headrace
from tests.support.lakes.cared import IMAGES, digests, digests_of, make_lake
from tests.support.postgres_server import fresh_database, run
from tests.support.processes.forked import Forked
from tests.support.scripts.mover import move
from tests.support.tiers import slow

pytestmark = pytest.mark.filterwarnings("ignore::headrace.errors.HeadraceWarning")

NEVER = 1 << 30
"""More steps than a migration has: it is killed once, and then runs undisturbed."""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    asyncio.run(make_lake(folder / "lake", folder / "images"))
    return folder / "lake"


async def steps(source: Path | str, target: Path | str, files: Path, fatal: int, log: Path) -> int:
    """Migrate, and die at a step; returns how many steps there were, 0 if it died."""
    process = Forked(move, str(source), str(target), str(files), fatal, log=log)
    status = await process.wait()
    if status == -9:
        return 0
    assert status == 0, log.read_text()
    return int(log.read_text().split()[-1])


@pytest.mark.timeout(1200)
@pytest.mark.parametrize(("first", "every"), [(20, NEVER), slow(1, 2)])
async def test_a_lake_that_moves(made: Path, tmp_path: Path, first: int, every: int) -> None:
    before = await digests(made)
    fatal, ended = first, 0
    while not ended:
        place = tmp_path / str(fatal)
        shutil.copytree(made, place / "lake")
        with fresh_database("template0") as dsn:
            ended = await steps(place / "lake", dsn, place / "files", fatal, place / "log")
            # Killed again a little later, and then let through.
            if not ended:
                await steps(place / "lake", dsn, place / "files", 5, place / "log")
                report = await headrace.migrate_lake(
                    place / "lake", dsn, objects=place / "files", progress=None
                )
                assert report.digest is not None
            async with headrace.connect(dsn, objects=place / "files") as client:
                assert await digests_of(client) == before
            check = await headrace.check_lake(dsn, objects=place / "files", read_data=True)
            assert check.ok, check
            tables = await run(
                dsn, "select count(*) from pg_tables where tablename like 'migration%'"
            )
            assert tables == [(0,)]
        assert len([*(place / "files").rglob("*.jpg")]) == IMAGES
        shutil.rmtree(place)
        fatal += every
    assert first <= ended < fatal


@pytest.mark.timeout(1200)
@pytest.mark.parametrize(("first", "every"), [(20, NEVER), slow(1, 2)])
async def test_a_platform_that_is_copied(
    made: Path, tmp_path: Path, first: int, every: int
) -> None:
    before = await digests(made)
    shutil.copytree(made, tmp_path / "lake")
    files = tmp_path / "files"
    with fresh_database("template0") as dsn:
        await headrace.migrate_lake(tmp_path / "lake", dsn, objects=files, progress=None)
        fatal, ended = first, 0
        while not ended:
            place = tmp_path / str(fatal)
            place.mkdir()
            ended = await steps(dsn, place / "back", files, fatal, place / "log")
            if not ended and not (place / "back").exists():
                await steps(dsn, place / "back", files, 5, place / "log")
            if not (place / "back").exists():
                await headrace.migrate_lake(dsn, place / "back", objects=files, progress=None)
            assert await digests(place / "back") == before
            check = await headrace.check_lake(place / "back", read_data=True)
            assert check.ok, check
            assert [each.name for each in place.iterdir() if each.name.startswith(".")] == []
            shutil.rmtree(place)
            fatal += every
    assert first <= ended < fatal
