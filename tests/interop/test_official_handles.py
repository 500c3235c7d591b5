"""What stands around a version: one scenario through the official client, the blocking API, on a lake and over HTTP."""

from __future__ import annotations

import functools
import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest
from anyio import to_thread

import headrace
from headrace import blocking
from headrace.errors import BadRequestError, PermissionDeniedError
from tests.support import storage
from tests.support.awaited import Awaited
from tests.support.data.images import draw_images, write_coco
from tests.support.lakes.doors import ALL_DOORS, DOORS, open_door
from tests.support.lakes.servers import new_lake
from tests.support.processes.official import CLIENTS, drive, hosted, moved

SCRIPT = Path(__file__).with_name("official_handles.py")


def check(seen: dict[str, Any]) -> None:
    assert seen["files"] == [1, 6]
    assert seen["left"] == 6
    assert seen["data"][:4] == [True, ["red", "azure"], ["red"], "camera"]
    assert seen["data"][4:] == [[True, {"key": 1}, True], [3, 3], "azure"]
    assert seen["dataset"] == ["renamed", ["good"], 0, "renamed", "v1", "v1", [True], True]
    assert seen["shapes"] == [1, 1, 1, 0, 0, 0]
    assert seen["labels"] == ["house pets", "animals", "hound"]
    assert seen["assets"] == [1, 0, True, 6, 6, [3, 3], ["0.png"]]
    assert (seen["fork"], seen["voc"], seen["end"]) == (3, 1, [])
    assert seen["campaign"][:2] == [["boxes", "look"], 6]
    assert seen["campaign gone"] == 6
    assert seen["locked"] == [True, True]
    assert seen["version tags"] == [["t"], 0, 0]


@pytest.mark.parametrize("client", CLIENTS)
async def test_handles_through_a_client(tmp_path: Path, client: str) -> None:
    lake, token = await new_lake(tmp_path / "lake")
    (tmp_path / "work").mkdir()
    async with hosted(client, lake) as server:
        check(await drive(SCRIPT, server.address, token, tmp_path / "work", client=client))


@pytest.mark.parametrize("kind", ALL_DOORS)
async def test_handles_through_a_door(tmp_path: Path, kind: str) -> None:
    (tmp_path / "work").mkdir()
    spec = importlib.util.spec_from_file_location("moved", moved(SCRIPT, tmp_path))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    async with open_door(kind, tmp_path) as door, door.connect() as client:
        seen = await to_thread.run_sync(module.scenario, Awaited(client), tmp_path / "work")
    check(json.loads(json.dumps(seen, default=str)))


def own(client: Any, folder: Path, *, launching: bool) -> None:
    """What headrace has beyond the official client; ``launching``: whether it may launch processings."""
    draw_images(folder / "images", 4)
    names = [path.name for path in sorted((folder / "images").iterdir())]
    report = client.push("d/v", folder / "images", tags=["raw"])
    assert report.files == 4
    version = client.version("d/v")
    report = client.sync_folder("d/v", folder / "images")
    version.import_annotations(write_coco(folder / "in.json", names))
    assert sorted(part for part, _ in version.iter_split([3, 1], 1)) == [0, 0, 0, 1]
    version.build_yolo_files_locally(folder / "yolo")
    version.build_pascal_voc_locally(folder / "voc")
    exported = version.export(folder / "out.json")
    assert exported.images == 4
    assert len(list(version.iter_assets())) == len(list(version.iter_annotations())) == 4
    lake = client.get_datalake()
    assert len(list(lake.iter_data())) == 4
    assert [each.name for each in client.iter_datasets()] == ["d"]
    dataset = client.get_dataset("d")
    assert [each.version for each in dataset.iter_versions()] == ["v"]
    tag = client.create_tag("t", "DATASET")
    assert client.get_tag("t", "DATASET") == tag == client.get_or_create_tag("t", "DATASET")
    assert len(client.list_tags("DATASET")) == 1
    assert len(client.request("list_assets", version_id=version.id).record.items) == 4
    version.list_annotations().split(0.5)
    version.list_annotations().delete()
    version.delete_assets(version.list_assets(limit=1))
    _, job = version.fork("w", wait=False)
    job.wait_for_done()
    assert job.done
    job.cancel()
    if launching:
        processings(client, version)
    campaigns(client, version, folder)


def processings(client: Any, version: Any) -> None:
    """A processing is launched on a version."""
    lake = client.get_datalake()
    finder = client.get_processing("find-duplicates")
    finder.sync()
    assert finder.name in [each.name for each in client.list_processings()]
    run = version.launch_processing(finder)
    run.wait_for_done(attempts=60)
    assert isinstance(run.logs(), str)
    list(run.iter_logs())
    assert client.get_job_by_id(run.id) == run
    # What a processing runs is for the lake's owner to say: nothing is made or changed by a client.
    for refused in (
        lambda: client.create_processing("x", "DATASET_VERSION", 1, 0, {}, "image", "latest"),
        lambda: finder.update(docker_image="other"),
        lambda: finder.delete(),
    ):
        with pytest.raises(PermissionDeniedError):
            refused()
    with pytest.raises(BadRequestError):
        lake.launch_processing(finder, lake.list_data(limit=1))


def campaigns(client: Any, version: Any, folder: Path) -> None:
    """A campaign's tasks, done by a client."""
    version.delete_all_annotations()
    campaign = version.create_campaign(description="all")
    (folder / "rules.txt").write_text("draw")
    campaign.upload_instructions_file(folder / "rules.txt")
    (worker,) = client.get_dataset("d").list_workers()
    campaign.add_step("draw", "ANNOTATION", assignees=[(worker, 1.0)])
    campaign.sync_assets()
    task = campaign.list_assignments()[0]
    task.sync()
    assert task.get_asset().filename.endswith(".jpg")
    task.submit()
    assert campaign.get_progress() is not None
    campaign.download_instructions_file(folder / "down")
    assert [path.suffix for path in (folder / "down").glob("*.txt")] == [".txt"]
    assert len(client.list_annotation_campaigns()) == 1


@pytest.mark.parametrize("kind", DOORS)
async def test_own_methods_through_a_door(tmp_path: Path, kind: str) -> None:
    async with open_door(kind, tmp_path) as door, door.connect() as client:
        # Over PostgreSQL a server launches programs: they need its address.
        launching = storage.kind() == "lake" or kind != "lake"
        await to_thread.run_sync(
            functools.partial(own, Awaited(client), tmp_path, launching=launching)
        )


def test_own_methods_of_the_blocking_api(tmp_path: Path) -> None:
    blocking.create_lake(tmp_path / "lake")
    with blocking.connect(tmp_path / "lake") as client:
        own(client, tmp_path, launching=storage.kind() == "lake")


async def test_a_client_is_closed(tmp_path: Path) -> None:
    for kind in ("lake", "http", "plain"):
        (tmp_path / kind).mkdir()
        async with open_door(kind, tmp_path / kind) as door:
            client = await headrace.connect(door.target, api_token=door.token)
            await client.aclose()
