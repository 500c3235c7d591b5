"""Labels as handles, over both doors: deleted, grouped, with skeletons and kinds of attributes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from anyio import to_thread

from headrace import blocking
from headrace.errors import BadRequestError, NotFoundError
from headrace.sdk.client.client import Client
from headrace.sdk.version.dataset_version import DatasetVersion
from tests.support.lakes.doors import Door

KEYPOINTS = {
    "images": [{"id": 7, "file_name": "image_0003.jpg", "width": 67, "height": 48}],
    "categories": [
        {
            "id": 3,
            "name": "person",
            "supercategory": "animal.human",
            "keypoints": ["head", "hand", "foot"],
            "skeleton": [[1, 2], [1, 3]],
        },
        {"id": 4, "name": "stone", "supercategory": "thing"},
    ],
    "annotations": [
        {
            "id": 1,
            "image_id": 7,
            "category_id": 3,
            "bbox": [1, 1, 9, 9],
            "area": 81,
            "iscrowd": 0,
            "keypoints": [1, 2, 2, 3.5, 4, 1, 0, 0, 0],
            "num_keypoints": 2,
        }
    ],
}


async def test_a_deleted_label_takes_its_shapes(version: DatasetVersion) -> None:
    cat, dog = await version.create_label("cat"), await version.create_label("dog")
    annotation = await (await version.list_assets())[0].create_annotation()
    await annotation.create_multiple_rectangles([(1, 1, 1, 1, cat), (2, 2, 2, 2, dog)])
    await cat.delete()
    assert (await version.retrieve_stats()).label_repartition == {"dog": 1}
    assert [label.name for label in await version.list_labels()] == ["dog"]
    with pytest.raises(NotFoundError):
        await cat.sync()


async def test_groups_hold_each_other(version: DatasetVersion) -> None:
    root, leaf = await version.create_label_group("root"), await version.create_label_group("leaf")
    assert await root.get_parent() is None
    await leaf.set_parent(root)
    assert await leaf.get_parent() == root
    label = await version.create_label("cat")
    await label.set_group(leaf)
    await root.delete()
    await leaf.sync()
    assert leaf.parent_id is None
    await leaf.delete()
    await label.sync()
    assert (label.group_id, await version.list_label_groups()) == (None, [])


@pytest.mark.lakes_only("the wrong definitions are refused with another status there")
async def test_kinds_of_attributes(version: DatasetVersion) -> None:
    label = await version.create_label("car")
    kinds = {"colour": {"input_type": "STRING", "required": True, "choices": ["red", "blue"]}}
    await label.set_attributes(kinds)
    found = await label.get_attributes()
    assert found is not None
    assert found["colour"] == {
        **kinds["colour"],
        "archived": False,
        "display_name": None,
        "allow_multiple": None,
        "min": None,
        "max": None,
    }
    await version.set_attributes({"age": {"input_type": "INTEGER", "required": False, "min": 0}})
    assert list(await version.get_attributes() or ()) == ["age"]
    await label.set_attributes(None)
    assert await label.get_attributes() is None
    for wrong in (
        {"x": {"required": True}},
        {"x": {"input_type": "TEXT", "required": True}},
        {"x": {"input_type": "BOOLEAN", "required": True, "min": 3}},
    ):
        with pytest.raises(BadRequestError):
            await label.set_attributes(wrong)


async def test_skeletons_and_groups_come_in_and_go_out(
    version: DatasetVersion, tmp_path: Path
) -> None:
    source, target = tmp_path / "in.json", tmp_path / "out.json"
    source.write_text(json.dumps(KEYPOINTS))
    await version.set_type("KEYPOINT")
    report = await version.import_annotations(source, "coco")
    assert not [finding for finding in report.findings if "skeleton" in finding.message]
    person = await version.get_label("person")
    body = {"vertices": ["head", "hand", "foot"], "edges": [[1, 2], [1, 3]]}
    assert await person.get_skeleton() == body
    assert await version.get_skeletons() == {str(person.id): body}
    await version.export(target, "coco")
    written = {each["name"]: each for each in json.loads(target.read_text())["categories"]}
    for category in KEYPOINTS["categories"]:
        name = category["name"]  # type: ignore[index]
        for field in ("supercategory", "keypoints", "skeleton"):
            assert written[name].get(field) == category.get(field)  # type: ignore[attr-defined]
    # The same again changes nothing, another skeleton replaces it, and joints of nothing are counted.
    await person.set_skeleton(["head"], [])
    broken = json.loads(source.read_text())
    broken["categories"][0]["skeleton"].append([3, 4])
    source.write_text(json.dumps(broken))
    report = await version.import_annotations(source, "coco")
    assert await person.get_skeleton() == body
    assert any("edges of skeletons" in finding.message for finding in report.findings)
    with pytest.raises(BadRequestError, match="pairs"):
        await person.set_skeleton(["head"], [[1]])


async def test_merged_labels_keep_their_shapes(version: DatasetVersion) -> None:
    cat, dog = await version.create_label("cat"), await version.create_label("dog")
    asset = (await version.list_assets())[0]
    annotation = await asset.create_annotation()
    await annotation.create_multiple_rectangles([(1, 1, 1, 1, cat), (2, 2, 2, 2, dog)])
    await annotation.create_multiple_polygons([([[1, 1], [5, 1], [5, 5]], cat)])
    animal = await version.merge_labels(["cat", dog], "animal")
    assert (await version.retrieve_stats()).label_repartition == {"animal": 3}
    assert [label.name for label in await version.list_labels()] == ["animal"]
    assert {each.label.name for each in await annotation.list_rectangles()} == {"animal"}
    again = await version.merge_labels([animal], animal)
    assert again.id == animal.id
    with pytest.raises(NotFoundError):
        await version.merge_labels(["cat"], "animal")
    found = await version.list_assets(q='annotations.rectangles.label.name = "animal"')
    assert [each.id for each in found] == [asset.id]


@pytest.mark.lakes_only("only headrace lists jobs")
async def test_jobs_are_listed_newest_first(client: Client, version: DatasetVersion) -> None:
    before = await client.list_jobs()
    _, job = await version.fork("copy")
    jobs = await client.list_jobs(limit=5)
    assert jobs[0].id == job.id
    assert (jobs[0].kind, jobs[0].done) == ("fork", True)
    assert [each.id for each in await client.list_jobs(limit=1)] == [job.id]
    assert [each.id for each in jobs[1:]] == [each.id for each in before][:4]
    for limit in (0, 1001):
        with pytest.raises(BadRequestError, match=f"limit is {limit}"):
            await client.list_jobs(limit=limit)


@pytest.mark.lakes_only("only headrace lists jobs")
async def test_the_blocking_api_merges_labels_and_lists_jobs(
    door: Door, version: DatasetVersion
) -> None:
    await version.create_label("cat")

    def merge() -> None:
        with blocking.connect(door.target, api_token=door.token) as client:
            same = client.version("drawings/first")
            assert same.merge_labels("cat", "animal").name == "animal"
            _, job = same.fork("copy")
            assert client.list_jobs()[0].id == job.id

    await to_thread.run_sync(merge)
    assert [label.name for label in await version.list_labels()] == ["animal"]
