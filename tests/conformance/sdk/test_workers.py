"""Whose annotations are whose: two users of one version, over both doors."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import pytest

from headrace.errors import BadRequestError, ConfigurationError, NotFoundError
from headrace.sdk.client.client import Client
from headrace.sdk.client.connect import connect
from headrace.sdk.user import Worker
from headrace.sdk.version.dataset_version import DatasetVersion
from tests.support.data.images import write_coco
from tests.support.lakes.doors import Door

pytestmark = pytest.mark.lakes_only("only headrace tells annotations by worker")

NAMES = [f"image_{index:04d}.jpg" for index in range(12)]


@pytest.fixture
async def ann(door: Door, version: DatasetVersion) -> AsyncIterator[Client]:
    async with await door.connect_as("ann") as opened:
        yield opened


@pytest.fixture
async def mine(version: DatasetVersion, tmp_path: Path) -> DatasetVersion:
    """The version with annotations of the lake's own account on eight assets."""
    await version.import_annotations(write_coco(tmp_path / "mine.json", NAMES[:8]))
    return version


@pytest.fixture
async def hers(ann: Client, mine: DatasetVersion, tmp_path: Path) -> DatasetVersion:
    """The same version as ann's client sees it, with her annotations on six of its assets."""
    version = await ann.version("drawings/first")
    await version.import_annotations(write_coco(tmp_path / "hers.json", NAMES[4:10]))
    return version


async def both(client: Client) -> tuple[Worker, Worker]:
    dataset = await client.get_dataset("drawings")
    return await dataset.find_worker("local"), await dataset.find_worker("ann")


def count(loaded: dict[str, list[object]]) -> int:
    return sum(map(len, loaded.values()))


async def test_who_is_called_what(client: Client, ann: Client) -> None:
    assert (client.username, ann.username) == ("local", "ann")
    assert ann.id == client.id
    workers = await (await ann.get_dataset("drawings")).list_workers()
    assert [worker.username for worker in workers] == ["local", "ann"]


async def test_annotations_are_read_by_worker(
    client: Client, hers: DatasetVersion, mine: DatasetVersion
) -> None:
    local, ann = await both(client)
    assert {a.worker_id async for a in mine.list_annotations()} == {local.id, ann.id}
    for worker, size in ((local, 8), (ann, 6)):
        listed = await mine.list_annotations(worker=worker, limit=4)
        assert {a.worker_id for a in listed} == {worker.id}
        assert await mine.list_annotations(worker=worker).count() == size
        assert len(await mine.list_annotations(worker=worker, order_by=["duration"])) == size
        loaded = await mine.load_annotations(worker)
        assert count(loaded) == size
        assert {one["worker_id"] for many in loaded.values() for one in many} == {str(worker.id)}
        assert len([a async for a in mine.iter_annotations(worker=worker.id)]) == size
        some = await mine.list_assets(filenames=NAMES[4:8])
        assert count(await mine.load_annotations(worker, assets=some)) == 4
    asset = await mine.find_asset(filename=NAMES[5])
    assert (await asset.get_annotation()).worker_id == ann.id
    assert (await asset.get_annotation(local)).worker_id == local.id
    alone = await mine.find_asset(filename=NAMES[0])
    with pytest.raises(NotFoundError):
        await alone.get_annotation(ann)
    assert await mine.list_annotations(worker=ann, status="ACCEPTED").count() == 0
    nobody = UUID(int=local.id.int ^ 1 << 90)
    with pytest.raises(NotFoundError, match="no user"):
        await mine.list_annotations(worker=nobody)


async def test_files_of_one_worker(
    client: Client, hers: DatasetVersion, mine: DatasetVersion, tmp_path: Path
) -> None:
    local, ann = await both(client)
    for worker, names in ((local, NAMES[:8]), (ann, NAMES[4:10])):
        path = await mine.export_annotation_file("COCO", tmp_path / worker.username, worker=worker)
        document = json.loads(Path(path).read_text())
        assert sorted(image["file_name"] for image in document["images"]) == names
        built = await mine.build_coco_file_locally(worker)
        assert sorted(image.file_name for image in built.images) == names


async def test_one_replaces_and_deletes_what_is_ones_own(
    client: Client, hers: DatasetVersion, mine: DatasetVersion, tmp_path: Path
) -> None:
    local, ann = await both(client)
    await hers.import_annotations(write_coco(tmp_path / "again.json", NAMES))
    assert await mine.list_annotations(worker=local).count() == 8
    assert await mine.list_annotations(worker=ann).count() == 12
    asset = await mine.find_asset(filename=NAMES[0])
    await asset.delete_annotations([ann])
    assert [a.worker_id for a in await asset.list_annotations()] == [local.id]
    await mine.delete_all_annotations(workers=[local])
    assert await mine.list_annotations().count() == 11
    assert await mine.list_annotations(worker=ann).count() == 11
    assert (await mine.retrieve_stats()).nb_annotations == 11
    with pytest.raises(BadRequestError):
        await mine.delete_all_annotations(workers=["me"])
    await mine.delete_all_annotations(workers=[])
    assert await mine.list_annotations().count() == 11
    await mine.delete_all_annotations(workers=[ann.id, local])
    assert await mine.list_annotations().count() == 0


async def test_work_in_somebody_elses_name(
    client: Client, ann: Client, version: DatasetVersion, tmp_path: Path
) -> None:
    _, worker = await both(client)
    counts = await version.import_annotations_coco_file(
        write_coco(tmp_path / "coco.json", NAMES), worker
    )
    assert len(counts) == 12
    assert await version.list_annotations(worker=worker).count() == 12
    asset = await version.find_asset(filename=NAMES[0])
    made = await asset.create_annotation(2.0, worker)
    assert (made.worker_id, made.duration) == (worker.id, 2.0)
    own = await asset.create_annotation()
    assert own.worker_id != worker.id
    await own.update(worker)
    assert own.worker_id == worker.id


async def test_a_name_is_for_lakes_and_must_be_known(door: Door) -> None:
    error = NotFoundError if door.token is None else ConfigurationError
    with pytest.raises(error):
        await connect(door.target, api_token=door.token, username="nobody")
