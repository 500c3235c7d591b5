"""Answers are lost between two servers: the client repeats the call, the other server has done nothing twice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from headrace.sdk.client.client import Client
from tests.support.alternating import Alternating
from tests.support.data.images import draw_images, write_coco
from tests.support.servers import QUICK, Cluster, cluster

COUNT = 20
NAMES = [f"image_{index:04d}.jpg" for index in range(COUNT)]
DATASETS = "/api/organization/{organization}/datasets"
REPEATS = 4


@pytest.fixture
async def made(tmp_path: Path) -> AsyncIterator[Cluster]:
    async with cluster(tmp_path / "platform", constants=QUICK) as made:
        yield made
        await made.assert_sound()


def lose_first_answers(front: Alternating) -> None:
    """Let the first answer to every change be lost, so that the client sends each at least twice."""
    changes = 0

    def loses(line: str) -> bool:
        nonlocal changes
        if line.startswith(("GET ", "XGET ")):
            return False
        changes += 1
        return changes % 2 == 1

    front.loses = loses


async def work(client: Client, folder: Path, dataset: str) -> list[object]:
    """Do one of each; returns what is there in the end."""
    await client.push(f"{dataset}/v", folder / "images", tags=["night"])
    version = await client.version(f"{dataset}/v")
    await version.import_annotations(folder / "instances.json", mode="CONCATENATE")
    label = await version.create_label("by hand")
    tag = await version.create_asset_tag("seen")
    asset = (await version.list_assets(order_by=["filename"]))[0]
    await asset.add_tags(tag)
    annotation = await asset.create_annotation()
    await annotation.create_rectangle(1, 2, 3, 4, label)
    fork, _ = await version.fork("fork", with_annotations=True, with_tags=True)
    gone, _ = await version.fork("gone", with_labels=True)
    await gone.delete(undo=False)
    return [
        await version.retrieve_stats(),
        [str(await each.digest()) for each in (version, fork)],
        sorted([each.name for each in await version.list_labels()]),
        sorted([each.name for each in await version.list_asset_tags()]),
        [len(await each.list_assets()) for each in (version, fork)],
    ]


@pytest.mark.slow
async def test_a_whole_job_whose_answers_are_lost(made: Cluster, tmp_path: Path) -> None:
    draw_images(tmp_path / "images", COUNT)
    write_coco(tmp_path / "instances.json", NAMES)
    async with made.front() as front, made.connect_by(front) as client:
        wanted = await work(client, tmp_path, "calm")
        data = await made.rows("select count(*) from data")
        lose_first_answers(front)
        # The same files again are the same data.
        found = await work(client, tmp_path, "lost")
        assert front.lost > COUNT // 2
    assert found == wanted
    assert await made.rows("select count(*) from data") == data
    names = "select name from dataset where name in ('calm', 'lost') order by name"
    assert await made.rows(names) == [("calm",), ("lost",)]


async def test_the_same_call_at_both_servers_at_once(made: Cluster) -> None:
    async def create(server: int, name: str) -> object:
        return await made.call(server, "POST", DATASETS, key=f"key-{name}", json={"name": name})

    for name in ("a", "b", "c"):
        answers = await asyncio.gather(*(create(number % 2, name) for number in range(2 * REPEATS)))
        assert answers == [answers[0]] * (2 * REPEATS)
    assert await made.rows("select count(*) from dataset") == [(3,)]


@pytest.mark.slow
async def test_the_server_dies_when_it_has_committed(made: Cluster) -> None:
    """The other one has the answer, and so has the first one when it is back."""
    call = {"key": "key", "json": {"name": "a"}}
    first = await made.call(0, "POST", DATASETS, **call)
    await made.servers[0].kill()
    assert await made.call(1, "POST", DATASETS, **call) == first
    await made.servers[0].start()
    assert await made.call(0, "POST", DATASETS, **call) == first
    assert await made.rows("select count(*) from dataset") == [(1,)]
