"""Servers are drained and replaced one after another under load: a client that repeats what was not answered sees no error."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

import aiohttp
import pytest

from headrace.sdk.version.dataset_version import DatasetVersion
from tests.support.data.images import draw_images, write_coco
from tests.support.processes.waiting import until
from tests.support.servers import QUICK, RUNNER, AnswerError, Cluster, Server, cluster, new_server

WRITERS = 4
COUNT = 30
ENOUGH = 10
RELEASE = "99.0"
NEXT = {"headrace.server.readiness.__version__": RELEASE, f"{RUNNER}.FIRST_SIZE": 7}
"""A later release on the same schema: it says so, and works on jobs in ranges of another size."""
DATASETS = "/api/organization/{organization}/datasets"


class Load:
    """Clients that create datasets with keys, and list them, through whichever server answers."""

    def __init__(self, made: Cluster) -> None:
        self.answers: dict[str, Any] = {}
        self.errors: list[AnswerError] = []
        self.repeats = 0
        self._made = made
        self._stop = asyncio.Event()
        self._turn = 0

    async def __aenter__(self) -> Self:
        self._writers = [asyncio.create_task(self._write(number)) for number in range(WRITERS)]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._stop.set()
        await asyncio.gather(*self._writers)

    async def more(self) -> None:
        """Wait until more calls were answered."""
        before = len(self.answers)
        await until(lambda: len(self.answers) >= before + ENOUGH)

    async def _write(self, writer: int) -> None:
        number = 0
        while not self._stop.is_set():
            name = f"{writer}-{number}"
            self.answers[name] = await self._call(
                "POST", DATASETS, key=f"key-{name}", json={"name": name}
            )
            await self._call("GET", DATASETS, params={"limit": "5"})
            number += 1

    async def _call(self, *request: str, **more: Any) -> Any:
        """Send a request to one server after another until one answers."""
        while True:
            self._turn += 1
            try:
                return await self._made.call(self._turn % len(self._made.servers), *request, **more)
            except AnswerError as error:
                if error.status != 503 or not error.wait:
                    self.errors.append(error)
                    return None
            except aiohttp.ClientError:
                pass
            # Stopping, refused, or ended before an answer: the other server, with the same key.
            self.repeats += 1
            await asyncio.sleep(0.01)


@pytest.fixture
async def made(tmp_path: Path) -> AsyncIterator[Cluster]:
    """Two servers of a platform."""
    async with cluster(tmp_path / "platform", constants=QUICK) as made:
        yield made


async def release_of(made: Cluster, server: Server) -> str:
    async with made.http.get(f"{server.address}/healthz") as answer:
        return str((await answer.json())["headrace"])


async def keep_forking(version: DatasetVersion, stopped: asyncio.Event) -> list[DatasetVersion]:
    """Fork a version again and again, at least three times; returns the forks."""
    forks: list[DatasetVersion] = []
    while len(forks) < 3 or not stopped.is_set():
        fork, _ = await version.fork(f"fork{len(forks)}", with_annotations=True)
        forks.append(fork)
    return forks


@pytest.mark.slow
async def test_a_release_replaces_another_one(made: Cluster, tmp_path: Path) -> None:
    draw_images(tmp_path / "images", COUNT)
    names = [f"image_{index:04d}.jpg" for index in range(COUNT)]
    file = write_coco(tmp_path / "instances.json", names)
    stopped = asyncio.Event()
    with ExitStack() as stack:
        async with made.front() as front, made.connect_by(front) as client:
            await client.push("d/v", tmp_path / "images")
            version = await client.version("d/v")
            await version.import_annotations(file)
            async with Load(made) as load, asyncio.TaskGroup() as group:
                forking = group.create_task(keep_forking(version, stopped))
                for old in [*made.servers]:
                    new = new_server(made, tmp_path / "platform", constants={**QUICK, **NEXT})
                    made.servers.remove(new)
                    stack.callback(new.end)
                    await new.start()
                    made.servers.append(new)
                    front.servers.append(new.address)
                    front.requests.append(0)
                    # Both releases answer side by side.
                    await load.more()
                    assert await release_of(made, old) != RELEASE
                    assert await old.stop() == 0, old.output
                    made.servers.remove(old)
                    front.servers.remove(old.address)
                    await load.more()
                assert [await release_of(made, server) for server in made.servers] == [RELEASE] * 2
                stopped.set()
            wanted = await version.digest()
            for fork in forking.result():
                assert await fork.digest() == wanted
        # Here, since the new servers end with this block.
        await made.assert_sound()
    assert load.errors == []
    created = {name for (name,) in await made.rows("select name from dataset")}
    assert created == {*load.answers, "d"}
