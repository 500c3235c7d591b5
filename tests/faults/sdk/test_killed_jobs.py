"""Jobs of the SDK killed in the middle: the lake is sound, and the same job again ends as if nothing had happened."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import apsw
import pytest

import headrace
from tests.support.data.images import draw_images, write_coco
from tests.support.processes.forked import Forked
from tests.support.scripts.dying_job import work
from tests.support.tiers import slow

COUNT = 30
NAMES = [f"image_{index:04d}.jpg" for index in range(COUNT)]


def job(lake: Path, kind: str, calls: int, *arguments: object) -> tuple[int, str]:
    log = lake.with_name("job.log")
    log.write_bytes(b"")
    process = Forked(work, str(lake), kind, calls, [*map(str, arguments)], log=log)
    return process.join(100), log.read_text()


def killed(lake: Path, kind: str, calls: int, *arguments: object) -> None:
    status, said = job(lake, kind, calls, *arguments)
    assert status == -signal.SIGKILL, said
    database = apsw.Connection(str(lake / "headrace.db"))
    assert database.execute("pragma integrity_check").fetchone() == ("ok",)
    database.close()


def finished(lake: Path, kind: str, *arguments: object) -> str:
    status, said = job(lake, kind, 0, *arguments)
    assert status == 0, said
    return said.strip()


async def content(lake: Path, name: str) -> Any:
    """Everything that an import wrote, without ids."""
    async with headrace.connect(lake) as client:
        version = await client.version(name)
        files = {str(asset.id): asset.filename async for asset in version.list_assets()}
        loaded = await version.load_annotations()
        shapes = {
            files[asset]: [{k: v for k, v in each.items() if k != "id"} for each in annotations]
            for asset, annotations in loaded.items()
        }
        return await version.retrieve_stats(), shapes


@pytest.fixture
async def lake(tmp_path: Path) -> Path:
    """Two versions of the same images, both with annotations already."""
    draw_images(tmp_path / "images", COUNT)
    first = write_coco(tmp_path / "before.json", NAMES, boxes=1)
    write_coco(tmp_path / "instances.json", NAMES, boxes=3)
    await headrace.create_lake(tmp_path / "lake")
    async with headrace.connect(tmp_path / "lake") as client:
        for name in ("d/disturbed", "d/undisturbed"):
            await client.push(name, tmp_path / "images")
            await (await client.version(name)).import_annotations(first)
    return tmp_path / "lake"


@pytest.mark.parametrize("mode", ["REPLACE", "CONCATENATE"])
@pytest.mark.parametrize("calls", [slow(1), slow(4), -3, slow(8)])
async def test_an_import_killed_half_way_ends_in_exactly_the_same(
    lake: Path, tmp_path: Path, mode: str, calls: int
) -> None:
    file = tmp_path / "instances.json"
    killed(lake, "import", calls, "d/disturbed", file, mode)
    resumed = int(finished(lake, "import", "d/disturbed", file, mode))
    finished(lake, "import", "d/undisturbed", file, mode)
    assert await content(lake, "d/disturbed") == await content(lake, "d/undisturbed")
    assert resumed >= max(0, abs(calls) - 4)


@pytest.mark.slow
async def test_an_import_killed_twice_and_then_repeated(lake: Path, tmp_path: Path) -> None:
    """Two deaths and a run to the end are one import; the same command after that is another one."""
    file = tmp_path / "instances.json"
    for _ in range(2):
        killed(lake, "import", 2, "d/disturbed", file, "CONCATENATE")
    finished(lake, "import", "d/disturbed", file, "CONCATENATE")
    finished(lake, "import", "d/undisturbed", file, "CONCATENATE")
    assert await content(lake, "d/disturbed") == await content(lake, "d/undisturbed")
    before, _ = await content(lake, "d/disturbed")
    assert finished(lake, "import", "d/disturbed", file, "CONCATENATE") == "0"
    after, _ = await content(lake, "d/disturbed")
    assert after.nb_objects > before.nb_objects


@pytest.mark.parametrize(("kind", "calls"), [("push", 11), ("push", -7), ("add", -1), ("add", 1)])
async def test_a_push_killed_half_way_goes_on(tmp_path: Path, kind: str, calls: int) -> None:
    """No data twice, no asset twice, none missing."""
    draw_images(tmp_path / "images", COUNT)
    lake = tmp_path / "lake"
    await headrace.create_lake(lake)
    killed(lake, kind, calls, "d/v", tmp_path / "images")
    finished(lake, kind, "d/v", tmp_path / "images")
    async with headrace.connect(lake) as client:
        version = await client.version("d/v")
        assert sorted([a.filename async for a in version.list_assets()]) == NAMES
        assert await (await client.get_datalake()).list_data().count() == COUNT


@pytest.mark.parametrize("home", ["same", "other"])
async def test_a_download_killed_half_way_goes_on(
    lake: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, home: str
) -> None:
    """What was being written is taken for no file; in the end there is nothing but the files.

    All that the next process needs is in the folder: it may have another home.
    """
    out = tmp_path / "out"
    killed(lake, "download", 13, "d/disturbed", out)
    visible = [path for path in out.iterdir() if not path.name.startswith(".")]
    assert len(visible) < COUNT
    images = tmp_path / "images"
    assert all(path.read_bytes() == (images / path.name).read_bytes() for path in visible)
    assert (out / ".headrace").is_dir()
    if home == "other":
        monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "other"))
    finished(lake, "download", "d/disturbed", out)
    assert {p.name: p.read_bytes() for p in out.iterdir()} == {
        p.name: p.read_bytes() for p in images.iterdir()
    }
