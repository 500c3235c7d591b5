"""A server killed during an export (F26): no half file is there, neither at the client nor to download, and the next run is whole."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

import pytest

import headrace
from headrace.errors import HeadraceError
from tests.support.data.images import draw_images, write_coco
from tests.support.lakes.servers import new_lake, server_process
from tests.support.tiers import slow

COUNT = 60
NAMES = [f"image_{index:04d}.jpg" for index in range(COUNT)]


@pytest.fixture
async def served(tmp_path: Path) -> tuple[Path, str]:
    """A lake of one annotated version, and a token for it."""
    lake, token = await new_lake(tmp_path / "lake")
    draw_images(tmp_path / "images", COUNT)
    file = write_coco(tmp_path / "instances.json", NAMES, boxes=40)
    async with headrace.connect(lake) as client:
        await client.push("d/v", tmp_path / "images")
        await (await client.version("d/v")).import_annotations(file)
    return lake, token


async def export(address: str, token: str, out: Path, how: str) -> bytes:
    """Export to a folder of its own, and return the content of the only file."""
    async with headrace.connect(address, api_token=token) as patient:
        # A server that is killed does not come back, so no call waits for it long.
        client = patient.with_options(retries=2)
        version = await client.version("d/v")
        if how == "own":
            await version.export(out / "coco.json", "coco")
        else:
            await version.export_annotation_file("COCO", out)
    (file,) = [path for path in out.rglob("*") if path.is_file()]
    return file.read_bytes()


@pytest.mark.parametrize("how", ["own", "by the server"])
@pytest.mark.parametrize("wait", [0.0, slow(0.004), 0.012, slow(0.02), slow(0.05), slow(0.1)])
async def test_f26_an_export_of_a_server_that_is_killed(
    served: tuple[Path, str], tmp_path: Path, how: str, wait: float
) -> None:
    lake, token = served
    (tmp_path / "whole").mkdir()
    async with server_process(lake) as server:
        wanted = await export(server.address, token, tmp_path / "whole", how)
    out = tmp_path / "out"
    out.mkdir()
    async with server_process(lake) as server, asyncio.TaskGroup() as group:

        async def interrupted() -> None:
            try:
                assert await export(server.address, token, out, how) == wanted
            except HeadraceError:
                # The list of what was not downloaded says how to go on; nothing else is there.
                left = [path.name for path in out.rglob("*") if path.is_file()]
                assert [name for name in left if not name.endswith("failed.json")] == []

        group.create_task(interrupted())
        await asyncio.sleep(wait)
        await server.stop(signal.SIGKILL)
    async with server_process(lake) as server:
        (tmp_path / "again").mkdir()
        assert await export(server.address, token, tmp_path / "again", how) == wanted
