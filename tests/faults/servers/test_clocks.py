"""Two servers whose clocks are five minutes apart: they go by the clock of their database, and agree about all times."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from headrace.platform.accounts.tokens import create_token
from headrace.platform.platform import Platform
from tests.support.data.images import draw_images, write_coco
from tests.support.servers import QUICK, RUNNER, AnswerError, Cluster, cluster, new_server
from tests.support.tiers import slow

APART = 300.0
COUNT = 30
DATASETS = "/api/organization/{organization}/datasets"
SLOW = {**QUICK, f"{RUNNER}.PAUSE_SECONDS": 0.4}


@pytest.fixture(params=[APART, slow(-APART)], ids=["ahead", "behind"])
async def made(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Cluster]:
    """A server whose clock is right, and one whose clock is ahead or behind. Between two ranges jobs wait a while."""
    async with cluster(tmp_path / "platform", 1, constants=SLOW) as made:
        other = new_server(made, tmp_path / "platform", constants=SLOW)
        try:
            await other.start(clock=request.param)
            yield made
            await made.assert_sound()
        finally:
            other.end()


async def test_all_times_are_those_of_the_database(made: Cluster, tmp_path: Path) -> None:
    await assert_tokens(made)
    await assert_keys(made)
    await assert_times(made)


async def assert_tokens(made: Cluster) -> None:
    """A token that ends in a minute opens both servers, one that has ended a minute ago neither."""
    for lifetime, wanted in ((60.0, {200}), (-60.0, {401})):
        async with await Platform.open(made.target.dsn, objects=made.target.objects) as platform:
            token, _ = await create_token(platform.context, lifetime=lifetime)
        headers = {"Authorization": f"Bearer {token}"}
        statuses: set[int] = set()
        async with aiohttp.ClientSession(headers=headers) as session:
            for server in made.servers:
                async with session.get(f"{server.address}/api/home/ping") as answer:
                    statuses.add(answer.status)
        assert statuses == wanted


async def assert_keys(made: Cluster) -> None:
    """The answer to a key is kept for a day, on every server."""
    for first, second in ((0, 1), (1, 0)):
        call: dict[str, Any] = {"key": f"key-{first}", "json": {"name": f"by {first}"}}
        answer = await made.call(first, "POST", DATASETS, **call)
        left = "update answered_call set expires = (extract(epoch from clock_timestamp()) * 1000)::bigint + {}"
        await made.rows(left.format(60_000))
        assert await made.call(second, "POST", DATASETS, **call) == answer
        await made.rows(left.format(-60_000))
        with pytest.raises(AnswerError) as refused:
            await made.call(second, "POST", DATASETS, **call)
        assert refused.value.status == 409


async def assert_times(made: Cluster) -> None:
    """What was created through either server has the time of the database."""
    off = "select abs(created - extract(epoch from clock_timestamp()) * 1000) from dataset"
    assert all(milliseconds < 60_000 for (milliseconds,) in await made.rows(off))


@pytest.mark.slow
async def test_work_by_both_in_turn(made: Cluster, tmp_path: Path) -> None:
    """Files go up and down by URLs of both, and no job is taken from a server that works on it."""
    images = draw_images(tmp_path / "images", COUNT)
    file = write_coco(tmp_path / "instances.json", [image.name for image in images])
    async with made.front() as front, made.connect_by(front) as client:
        await client.push("d/v", tmp_path / "images")
        version = await client.version("d/v")
        await version.import_annotations(file)
        await version.download(tmp_path / "pulled")
        for image in images:
            assert (tmp_path / "pulled" / image.name).read_bytes() == image.read_bytes()
        for number in range(2):
            # The job takes longer than its lease, which each of its ranges renews.
            fork, _ = await version.fork(f"fork{number}", with_annotations=True)
            assert await fork.digest() == await version.digest()
    forks = "select state, attempts from job where kind = 'FORK'"
    assert await made.rows(forks) == [("SUCCESS", 1)] * 2


@pytest.mark.slow
async def test_a_fork_that_is_repeated_without_a_key(made: Cluster, tmp_path: Path) -> None:
    """A client that sends none, as the official one, may repeat the call within a minute; then the name is taken."""
    draw_images(tmp_path / "images", 3)
    async with made.connect(0) as client:
        await client.push("d/v", tmp_path / "images")
        version = await client.version("d/v")
        dataset = await client.get_dataset("d")
    for first, second in ((0, 1), (1, 0)):
        body = {"parent_id": str(version.id), "version": f"fork {first}"}
        answers = [
            await made.call(server, "POST", f"/api/dataset/{dataset.id}/fork", json=body)
            for server in (first, second)
        ]
        assert answers[0]["dataset_version"] == answers[1]["dataset_version"]
        await made.rows("update job set updated = updated - 120000 where kind = 'FORK'")
        with pytest.raises(AnswerError) as refused:
            await made.call(second, "POST", f"/api/dataset/{dataset.id}/fork", json=body)
        assert refused.value.status == 409
