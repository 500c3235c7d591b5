"""Annotation files of the platform: what is in them for every type, key and filter; and that they appear whole."""

from __future__ import annotations

import asyncio
import io
import json
import os
import zipfile
from pathlib import Path
from typing import Any
from uuid import UUID

import anyio
import pytest

from headrace import formats
from headrace.errors import BadRequestError, DiskFullError, NotFoundError
from headrace.formats.yolo.writing.writer import YoloWriter
from headrace.model.enums import (
    AnnotationExportKey,
    AnnotationFileType,
    AnnotationStatus,
    InferenceType,
)
from headrace.model.names import safe_join
from headrace.platform.annotations.exports.handler import EXPORTS_FOLDER
from headrace.platform.annotations.exports.zip_stream import ZipStream
from headrace.protocol.operations import annotations, assets, datasets, labels
from tests.support.data.names import HOSTILE
from tests.support.lakes.forks import rich, told
from tests.support.lakes.stocked_lake import Filled, Stocked, colleague

COCO, YOLO, VOC = AnnotationFileType.COCO, AnnotationFileType.YOLO, AnnotationFileType.PASCAL_VOC


async def export(lake: Stocked, version: UUID, kind: AnnotationFileType, **more: Any) -> bytes:
    """The bytes of an export."""
    answer = await lake.call(annotations.EXPORT_ANNOTATIONS, version_id=version, type=kind, **more)
    assert answer.presigned_url == f"lake:{answer.object_name}"
    first, second, name = answer.object_name.split("/")
    assert UUID(first)
    assert second == "annotations"
    assert name == f"{version}_annotations.{'json' if kind is COCO else 'zip'}"
    found = b"".join(
        [chunk async for chunk in lake.platform.context.objects.get(answer.object_name)]
    )
    assert os.listdir(lake.platform.context.path / EXPORTS_FOLDER) == []
    return found


async def members(lake: Stocked, version: UUID, kind: AnnotationFileType, **more: Any) -> Any:
    content = await export(lake, version, kind, **more)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name).decode() for name in archive.namelist()}


@pytest.mark.every_storage
async def test_coco_says_what_the_version_says(lake: Stocked) -> None:
    filled = await rich(lake, 30)
    said = await told(lake, filled.id)
    document = json.loads(await export(lake, filled.id, COCO))
    categories = [(each["id"], each["name"]) for each in document["categories"]]
    assert categories == [(0, "a"), (1, "b"), (2, "c")]
    names = {image["id"]: image["file_name"] for image in document["images"]}
    assert sorted(names.values()) == sorted(said["shapes"])
    assert {(image["width"], image["height"]) for image in document["images"]} == {(640, 480)}
    boxes: dict[str, list[Any]] = {}
    rings: dict[str, int] = {}
    for one in document["annotations"]:
        name = names[one["image_id"]]
        if one["segmentation"]:
            rings[name] = rings.get(name, 0) + 1
            assert one["category_id"] == 1
        else:
            boxes.setdefault(name, []).append(one["bbox"])
            assert one["category_id"] == 0
    assert boxes == {
        name: [[s["x"], s["y"], s["w"], s["h"]] for s in each[0]["rectangles"]]
        for name, each in said["shapes"].items()
    }
    assert rings == {name: 1 for name, each in said["shapes"].items() if each[0]["polygons"]}


async def test_groups_are_paths(lake: Stocked) -> None:
    filled = await rich(lake, 3)
    place = {"version_id": filled.id}
    animal = await lake.call(labels.CREATE_LABEL_GROUP, name="animal", **place)
    pet = await lake.call(labels.CREATE_LABEL_GROUP, name="pet", parent_id=animal.id, **place)
    await lake.call(labels.UPDATE_LABEL, label_id=UUID(filled.labels["a"]), group_id=pet.id)
    document = json.loads(await export(lake, filled.id, COCO))
    assert document["categories"][0]["supercategory"] == "animal.pet"


@pytest.mark.every_storage
async def test_yolo_lies_flat_in_a_zip(lake: Stocked, tmp_path: Path) -> None:
    filled = await lake.filled(4)
    await filled.send(filled.item(0, 10), filled.item(1, 20, 30, label="c"), filled.item(2))
    found = await members(lake, filled.id, YOLO)
    assert set(found) == {"data.yaml", *(f"img_0000{number}.txt" for number in (1, 2, 3))}
    assert found["img_00003.txt"] == ""
    numbers = [
        [float(part) for part in line.split()]
        for line in found["img_00002.txt"].split("\n")
        if line
    ]
    assert [row[0] for row in numbers] == [2, 2]
    assert numbers[0][1:] == pytest.approx([21 / 640, 2.5 / 480, 2 / 640, 3 / 480])
    for name, text in found.items():
        (tmp_path / name).write_text(text)
    with formats.read(tmp_path / "data.yaml") as source:
        assert [label.name for label in source.labels] == ["a", "b", "c"]


async def test_equal_stems_are_told_apart(lake: Stocked) -> None:
    filled = await lake.filled(1)
    data = await lake.add_data(2, name="img")
    with lake.raw() as connection:
        connection.execute("update data set filename = 'img_00001.jpg' where no = 2")
    await lake.call(assets.ADD_DATA, version_id=filled.id, data_ids=data[:1])
    page = await lake.call(assets.LIST_ASSETS, version_id=filled.id)
    both = Filled(lake, filled.id, [], [str(asset.id) for asset in page.items[::-1]], filled.labels)
    await both.send(both.item(0, 1), both.item(1, 2, 3))
    found = await members(lake, filled.id, YOLO)
    assert set(found) == {"data.yaml", "img_00001.txt", "img_00001-2.txt", "renamed.jsonl"}
    assert (found["img_00001.txt"].count("\n"), found["img_00001-2.txt"].count("\n")) == (1, 2)


@pytest.mark.every_storage
async def test_voc_members_carry_prefix_and_suffix(lake: Stocked) -> None:
    filled = await lake.filled(2)
    await filled.send(filled.item(0, 10), filled.item(1, 20))
    found = await members(lake, filled.id, VOC)
    assert set(found) == {f"{filled.id}_img_0000{n}_annotations.xml" for n in (1, 2)}
    assert "_" not in str(filled.id)
    text = found[f"{filled.id}_img_00001_annotations.xml"]
    assert "<filename>img_00001.png</filename>" in text
    corners = [f"<{name}>{value}</{name}>" for name, value in
               (("xmin", 10), ("ymin", 1), ("xmax", 12), ("ymax", 4))]  # fmt: skip
    assert all(corner in text for corner in corners)


@pytest.mark.sqlite_only("writes names that no call stores")
@pytest.mark.parametrize("kind", [YOLO, VOC])
async def test_no_name_of_a_file_leads_out_of_the_zip(
    lake: Stocked, tmp_path: Path, kind: AnnotationFileType
) -> None:
    names = [name for name in HOSTILE if name.strip() and max(name) < "\ud800"]
    filled = await lake.filled(len(names))
    with lake.raw() as connection:
        for number, name in enumerate(names, 1):
            connection.execute("update data set filename = ? where no = ?", (name, number))
    await filled.send(*(filled.item(number, 10) for number in range(len(names))))
    for key in (AnnotationExportKey.FILENAME, AnnotationExportKey.ASSET_ID):
        found = await members(lake, filled.id, kind, export_key=key)
        assert len(found) >= len(names)
        for name in found:
            assert safe_join(tmp_path, name).is_relative_to(tmp_path)
        mapped = [json.loads(line) for line in found.get("names.jsonl", "").splitlines()]
        if key is AnnotationExportKey.FILENAME:
            assert [line["filename"] for line in mapped] == names
            assert {line["id"] for line in mapped} == {*filled.assets}
            assert all(line["id"] in line["local"] for line in mapped)
        else:
            assert mapped == []


@pytest.mark.parametrize("key", list(AnnotationExportKey))
async def test_keys_say_what_assets_are_called(lake: Stocked, key: AnnotationExportKey) -> None:
    filled = await lake.filled(1)
    await filled.send(filled.item(0, 1))
    (asset,) = (await lake.call(assets.LIST_ASSETS, version_id=filled.id)).items
    document = json.loads(await export(lake, filled.id, COCO, export_key=key))
    names = {
        AnnotationExportKey.FILENAME: asset.data.filename,
        AnnotationExportKey.OBJECT_NAME: asset.data.object_name,
        AnnotationExportKey.ASSET_ID: f"{asset.id}.png",
        AnnotationExportKey.DATA_ID: f"{asset.data.id}.png",
    }
    assert [image["file_name"] for image in document["images"]] == [names[key]]


@pytest.mark.every_storage
async def test_only_what_is_asked_and_only_the_newest(lake: Stocked) -> None:
    filled = await lake.filled(6)
    await filled.send(*(filled.item(index, 1) for index in range(5)))
    other = await colleague(lake)
    await other.call(
        annotations.IMPORT_ANNOTATIONS,
        version_id=filled.id,
        annotations=[filled.item(3, 7), filled.item(4, 8)],
        status=AnnotationStatus.ACCEPTED,
    )
    some = [UUID(filled.assets[index]) for index in (4, 0, 5, 4)]

    async def boxes(**more: Any) -> dict[str, list[float]]:
        document = json.loads(await export(lake, filled.id, COCO, **more))
        names = {image["id"]: image["file_name"] for image in document["images"]}
        found: dict[str, list[float]] = {name: [] for name in names.values()}
        for one in document["annotations"]:
            found[names[one["image_id"]]].append(one["bbox"][0])
        return found

    name = "img_0000{}.png".format
    everything = {name(1): [1], name(2): [1], name(3): [1], name(4): [7], name(5): [8]}
    assert await boxes() == everything
    assert await boxes(asset_ids=some) == {name(1): [1], name(5): [8]}
    assert await boxes(status=AnnotationStatus.ACCEPTED) == {name(4): [7], name(5): [8]}
    pending = {name(number): [1] for number in range(1, 6)}
    assert await boxes(status=AnnotationStatus.PENDING) == pending
    assert await boxes(status=AnnotationStatus.REFUSED) == {}
    assert await boxes(asset_ids=[]) == {}


async def test_the_task_of_a_version_decides_what_rows_say(lake: Stocked) -> None:
    filled = await rich(lake, 6)
    kind = InferenceType.SEGMENTATION
    await lake.call(datasets.UPDATE_VERSION, version_id=filled.id, type=kind)
    found = await members(lake, filled.id, YOLO)
    (polygon,) = [line for line in found["img_00006.txt"].split("\n") if line.startswith("1 ")]
    assert len(polygon.split()) == 1 + 2 * 60


async def test_refusals(lake: Stocked) -> None:
    filled = await rich(lake, 3)
    other = await lake.filled(1, "other")
    with pytest.raises(NotFoundError):
        await export(lake, filled.id, COCO, asset_ids=[UUID(other.assets[0])])
    for kind in (YOLO, VOC):
        with pytest.raises(BadRequestError, match="no tracks of videos"):
            await export(lake, filled.id, kind, export_video=True)
    none = InferenceType.CLASSIFICATION
    await lake.call(datasets.UPDATE_VERSION, version_id=filled.id, type=none)
    with pytest.raises(BadRequestError, match="COCO"):
        await export(lake, filled.id, YOLO)


@pytest.mark.every_storage
async def test_the_same_question_takes_no_more_room(lake: Stocked) -> None:
    filled = await rich(lake, 3)

    async def stored() -> int:
        found = [batch async for batch in lake.platform.context.objects.listed()]
        return sum("/annotations/" in each.name for batch in found for each in batch)

    for _ in range(3):
        await export(lake, filled.id, COCO)
    assert await stored() == 1
    await export(lake, filled.id, COCO, status=AnnotationStatus.ACCEPTED)
    assert await stored() == 2


@pytest.mark.every_storage
@pytest.mark.parametrize("what", ["full disk", "cancelled"])
async def test_an_export_that_ends_early_leaves_nothing(
    lake: Stocked, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    filled = await rich(lake, 700)
    began = anyio.Event()

    def fails(self: YoloWriter, samples: Any) -> None:
        if what == "full disk":
            raise OSError(28, "No space left on device")
        loop.call_soon_threadsafe(began.set)
        original(self, samples)

    loop, original = asyncio.get_running_loop(), YoloWriter._write
    monkeypatch.setattr(YoloWriter, "_write", fails)
    if what == "full disk":
        with pytest.raises(DiskFullError):
            await export(lake, filled.id, YOLO)
    else:
        async with anyio.create_task_group() as group:
            group.start_soon(export, lake, filled.id, YOLO)
            await began.wait()
            group.cancel_scope.cancel()
    assert os.listdir(lake.platform.context.path / EXPORTS_FOLDER) == []
    assert not list((lake.platform.context.path / "objects").glob("*/annotations/*"))


@pytest.mark.every_storage
def test_a_zip_of_more_members_than_a_plain_one_can_list(tmp_path: Path) -> None:
    count = 70_000
    with ZipStream(tmp_path / "a.zip") as made:
        for number in range(count):
            made.add(f"é/{number}.txt", b"%d" % number)
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        names = archive.namelist()
        assert len(names) == count
        assert archive.read(f"é/{count - 1}.txt") == b"%d" % (count - 1)
        assert archive.read("é/0.txt") == b"0"


def test_an_empty_zip_is_a_zip(tmp_path: Path) -> None:
    with ZipStream(tmp_path / "a.zip"):
        pass
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        assert archive.namelist() == []
