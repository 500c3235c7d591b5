"""A server that is away for some seconds, killed or stopped: whole jobs outlast it, and everything arrives once (F15, F19)."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import anyio
import pytest

import headrace
from headrace.sdk.client.client import Client
from tests.support.data.images import coco, draw_images
from tests.support.lakes.servers import ServerProcess, new_lake, server_process
from tests.support.processes.waiting import until
from tests.support.scripts.serve_lake import serve_lake

COUNT = 200
AWAY = 3.0
VERSION = "d/v"


class Outage:
    """A server process that goes away once, and comes back on the same port."""

    def __init__(self, lake: Path, token: str, how: signal.Signals) -> None:
        self.lake = lake
        self.token = token
        self._how = how

    async def around(
        self, work: Callable[[Client], Awaitable[None]], begun: Callable[[], bool]
    ) -> None:
        """Do work with a client of the server; as soon as it has ``begun``, the server goes away."""
        async with AsyncExitStack() as servers:
            server = await servers.enter_async_context(server_process(self.lake))
            async with (
                headrace.connect(server.address, api_token=self.token) as client,
                anyio.create_task_group() as group,
            ):
                group.start_soon(self._go_away, servers, server, begun)
                await work(client)

    async def _go_away(
        self, servers: AsyncExitStack, server: ServerProcess, begun: Callable[[], bool]
    ) -> None:
        await until(begun, 60)
        if self._how is signal.SIGSTOP:
            server.process.send_signal(signal.SIGSTOP)
            await asyncio.sleep(AWAY)
            server.process.send_signal(signal.SIGCONT)
            return
        port = urlsplit(server.address).port
        await server.stop(self._how)
        await asyncio.sleep(AWAY)
        again = partial(serve_lake, port=port)
        await servers.enter_async_context(server_process(self.lake, serve=again))


@pytest.fixture(params=[signal.SIGKILL, signal.SIGTERM, signal.SIGSTOP], ids=lambda how: how.name)
async def outage(request: pytest.FixtureRequest, tmp_path: Path) -> Outage:
    return Outage(*await new_lake(tmp_path / "lake"), request.param)


def objects(lake: Path) -> list[Path]:
    return [path for path in (lake / "objects").rglob("*.jpg") if path.is_file()]


async def contents(outage: Outage) -> list[str]:
    """The file names of the version, read from the lake itself."""
    async with headrace.connect(str(outage.lake)) as client:
        version = await client.version(VERSION)
        return sorted(asset.filename for asset in await version.list_assets())


async def test_a_push(outage: Outage, tmp_path: Path) -> None:
    paths = draw_images(tmp_path / "images", COUNT)

    async def push(client: Client) -> None:
        report = await client.push(VERSION, tmp_path / "images")
        assert (report.uploaded, report.transfer.failed) == (COUNT, 0)

    await outage.around(push, lambda: len(objects(outage.lake)) >= 20)
    assert await contents(outage) == [path.name for path in paths]
    stored = objects(outage.lake)
    assert len(stored) == COUNT
    assert {path.read_bytes() for path in stored} == {path.read_bytes() for path in paths}


async def pushed(outage: Outage, folder: Path) -> list[Path]:
    paths = draw_images(folder, COUNT)
    async with headrace.connect(str(outage.lake)) as client:
        await client.push(VERSION, folder)
    return paths


async def test_a_pull(outage: Outage, tmp_path: Path) -> None:
    paths = await pushed(outage, tmp_path / "images")
    target = tmp_path / "copy"

    async def pull(client: Client) -> None:
        version = await client.version(VERSION)
        report = await version.download(target, max_workers=2)
        assert report.failed == 0

    await outage.around(pull, lambda: target.is_dir() and len(os.listdir(target)) >= 5)
    assert {path.name: path.read_bytes() for path in target.glob("*.jpg")} == {
        path.name: path.read_bytes() for path in paths
    }


async def test_an_import(outage: Outage, tmp_path: Path) -> None:
    paths = await pushed(outage, tmp_path / "images")
    source = tmp_path / "instances.json"
    document = coco([path.name for path in paths])
    source.write_text(json.dumps(document))
    begun = asyncio.Event()

    async def bring(client: Client) -> None:
        version = await client.version(VERSION)
        begun.set()
        await version.import_annotations(source)

    await outage.around(bring, begun.is_set)
    async with headrace.connect(str(outage.lake)) as client:
        version = await client.version(VERSION)
        found = (await version.load_annotations()).values()
        assert all(len(annotations) <= 1 for annotations in found)
        shapes = [
            shape
            for annotations in found
            for annotation in annotations
            for kind in ("rectangles", "polygons")
            for shape in annotation[kind]
        ]
        # Each ring of a polygon is a shape.
        assert len(shapes) == sum(
            max(1, len(each["segmentation"])) for each in document["annotations"]
        )


async def test_a_sync(outage: Outage, tmp_path: Path) -> None:
    await pushed(outage, tmp_path / "images")
    folder = tmp_path / "folder"
    more = draw_images(folder, COUNT, prefix="more")

    async def sync(client: Client) -> None:
        await client.sync_folder(VERSION, folder)

    await outage.around(sync, lambda: len(objects(outage.lake)) >= COUNT + 10)
    names = await contents(outage)
    assert len(names) == len(set(names)) == 2 * COUNT
    assert {path.name for path in folder.glob("*.jpg")} == set(names)
    assert {path.name for path in more} <= set(names)
