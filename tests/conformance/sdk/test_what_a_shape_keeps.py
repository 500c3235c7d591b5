"""COCO through a version: scores, boxes and outlines beside keypoints, whole numbers; and who does not get them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from headrace.backend.base import Limits
from headrace.formats.geometry import rle
from headrace.model.enums import InferenceType
from headrace.sdk.client.client import Client
from headrace.sdk.version.dataset_version import DatasetVersion
from tests.support.lakes.doors import Door

RING = [1, 2, 20.5, 2, 20.5, 30]
OTHER = [30, 2, 40, 2, 40, 12]
POINTS = [10, 11, 2, 12.5, 13, 1, 0, 0, 0]
UNSEEN = [0] * 9
CROWD = {"size": [48, 64], "counts": rle.encode([100, 12, 48 * 64 - 112])}
PLAIN = Limits()


def annotation(number: int, **more: Any) -> dict[str, Any]:
    start = {"id": number, "image_id": 1, "category_id": 1, "bbox": [1, 2, 3.5, 4], "iscrowd": 0}
    return {**start, "area": 14, "segmentation": [], **more}


def write(path: Path, *annotations: dict[str, Any]) -> Path:
    person = {"id": 1, "name": "person", "keypoints": ["a", "b", "c"], "skeleton": [[1, 2]]}
    images = [{"id": 1, "file_name": "image_0000.jpg", "width": 64, "height": 48}]
    document = {"images": images, "annotations": annotations, "categories": [person]}
    path.write_text(json.dumps(document))
    return path


async def exported(version: DatasetVersion, path: Path) -> list[dict[str, Any]]:
    await version.export(path)
    found = json.loads(path.read_text())["annotations"]
    for each in found:
        del each["image_id"]
    return [{key: each[key] for key in sorted(each)} for each in found]


@pytest.mark.lakes_only("only headrace keeps it")
@pytest.mark.parametrize("type", [InferenceType.KEYPOINT, InferenceType.MULTI])
async def test_keypoints_keep_their_box_and_outline(
    version: DatasetVersion, tmp_path: Path, type: InferenceType
) -> None:
    await version.set_type(type)
    given = [
        annotation(1, keypoints=POINTS, num_keypoints=2, segmentation=[RING]),
        annotation(2, keypoints=UNSEEN, num_keypoints=0, segmentation=[RING, OTHER]),
        annotation(3, keypoints=UNSEEN, num_keypoints=0, segmentation=CROWD, iscrowd=1),
        annotation(4, keypoints=UNSEEN, num_keypoints=0),
    ]
    report = await version.import_annotations(write(tmp_path / "in.json", *given))
    assert report.shapes_imported == 4
    back = await exported(version, tmp_path / "out.json")
    # The area is computed again: from the outline where there is one.
    assert [each.pop("area") for each in back] == [273, 323, 12, 14]
    expected = [{key: each[key] for key in sorted(each) if key != "image_id"} for each in given]
    for each in expected:
        del each["area"]
    assert json.dumps(back) == json.dumps(expected)


@pytest.mark.lakes_only("only headrace keeps it")
async def test_whole_numbers_stay_whole(version: DatasetVersion, tmp_path: Path) -> None:
    given = [
        annotation(1, bbox=[1, 2, 3, 4], area=12),
        annotation(2, bbox=[1, 2.25, 3, 4.5]),
        annotation(3, bbox=[10.1, 2, 20.2, 28], segmentation=[[10.1, 2, 30.3, 2, 30.3, 30]]),
        annotation(4, bbox=[1, 2, 1 / 3, 4], segmentation=[[1 / 3, 2, 30, 2, 30, 30]]),
    ]
    await version.import_annotations(write(tmp_path / "in.json", *given))
    back = await exported(version, tmp_path / "out.json")
    for one, other in zip(back, given, strict=True):
        for key in ("bbox", "segmentation"):
            assert json.dumps(one[key]) == json.dumps(other[key])


@pytest.mark.lakes_only("only headrace keeps it")
async def test_scores_come_back_and_can_be_asked_for(
    version: DatasetVersion, tmp_path: Path
) -> None:
    given = [annotation(1, score=0.875), annotation(2, segmentation=[RING], score=1 / 3)]
    report = await version.import_annotations(write(tmp_path / "in.json", *given))
    assert "not written: the score" not in [finding.message for finding in report.findings]
    back = await exported(version, tmp_path / "out.json")
    assert [each["score"] for each in back] == [0.875, 1 / 3]
    asset = await version.find_asset(filename="image_0000.jpg")
    shapes = await asset.get_annotation()
    (box,), (polygon,) = await shapes.list_rectangles(), await shapes.list_polygons()
    assert (box.score, polygon.score) == (0.875, 1 / 3)
    await box.update(x=5)
    assert (box.x, box.score) == (5, 0.875)
    new = await shapes.create_rectangle(1, 2, 3, 4, box.label)
    assert new.score is None
    for q, count in [
        ("annotations.shapes.score >= 0.875", 1),
        ("annotations.shapes.score > 0.875", 0),
        ("annotations.shapes.score < 0.34", 1),
        ("annotations.shapes.score = None", 11),
        ("annotations.shapes.score != None and annotations.shapes = 3", 1),
        ("annotations.shapes.score != 0.875", 11),
    ]:
        assert len(await version.list_assets(q=q)) == count, q


@pytest.mark.lakes_only("only headrace keeps it")
async def test_a_changed_polygon_loses_the_box_that_was_given(
    version: DatasetVersion, tmp_path: Path
) -> None:
    given = [annotation(1, segmentation=[RING, RING]), annotation(2, segmentation=[RING])]
    await version.import_annotations(write(tmp_path / "in.json", *given))
    asset = await version.find_asset(filename="image_0000.jpg")
    first, second, _ = await (await asset.get_annotation()).list_polygons()
    await second.update(coords=[[1, 2], [50, 2], [50, 40]])
    back = await exported(version, tmp_path / "out.json")
    assert [each["bbox"] for each in back] == [[1, 2, 49, 38], [1, 2, 3.5, 4]]
    await first.delete()
    stats = await version.retrieve_stats()
    assert (stats.nb_objects, stats.label_repartition) == (2, {"person": 2})


async def test_another_platform_says_what_it_has_no_place_for(
    client: Client, version: DatasetVersion, tmp_path: Path
) -> None:
    client.session.backend.limits = PLAIN
    given = [
        annotation(1, score=0.5, segmentation=[RING, RING]),
        annotation(2, keypoints=POINTS, num_keypoints=2, segmentation=[RING]),
    ]
    report = await version.import_annotations(write(tmp_path / "in.json", *given))
    lost = {finding.message: finding.count for finding in report.findings}
    assert lost["not written: the score"] == 1
    assert lost["not written: several rings in one polygon"] == 1
    assert lost["not written: the outline given in addition to keypoints"] == 1
    assert "score" not in json.dumps(await exported(version, tmp_path / "out.json"))


@pytest.mark.lakes_only("only headrace keeps it")
async def test_other_clients_see_none_of_it(
    version: DatasetVersion, door: Door, tmp_path: Path
) -> None:
    given = [annotation(1, score=0.5), annotation(2, keypoints=POINTS, segmentation=[RING])]
    await version.import_annotations(write(tmp_path / "in.json", *given))
    if not door.target.startswith("http"):
        pytest.skip("other clients come over HTTP")
    url = f"{door.target}/api/dataset/version/{version.id}/annotations"
    headers = {"Authorization": f"Bearer {door.token}"}
    async with aiohttp.ClientSession(headers=headers) as session:
        async with session.get(f"{url}/ids") as answer:
            ids = await answer.json()
        async with session.request("XGET", url, json=ids) as answer:
            (loaded,) = await answer.json()
    (box,), (points,) = loaded["rectangles"], loaded["keypoints"]
    assert sorted(box) == ["attributes", "h", "label", "text", "w", "x", "y"]
    assert sorted(points) == ["attributes", "keypoints", "label", "text"]


@pytest.mark.lakes_only("only headrace keeps it")
@pytest.mark.parametrize("format", ["coco", "voc", "yolo"])
async def test_numbers_beyond_64_bits_in_attributes(
    version: DatasetVersion, tmp_path: Path, format: str
) -> None:
    file = write(tmp_path / "in.json", annotation(1, attributes={"n": 10**30, "m": [{"k": 2**64}]}))
    report = await version.import_annotations(file)
    assert [finding.code for finding in report.findings][:1] == ["C26"]
    asset = await version.find_asset(filename="image_0000.jpg")
    drawn = await asset.get_annotation()
    # Who writes them by the API keeps them as numbers.
    await drawn.update(attributes={"n": 10**30, "m": [{"k": 2**64}]})
    await version.export(tmp_path / "out", format)
    await version.load_annotations()
    built = await version.build_coco_file_locally()
    for indent in (None, 2):
        assert str(10**30) in built.model_dump_json(indent=indent)
