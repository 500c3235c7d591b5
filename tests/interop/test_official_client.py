"""The official client, unmodified, against a headrace server in a process of its own."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from headrace.backend.upload.multipart import PART_BYTES
from tests.support.lakes.servers import new_lake
from tests.support.processes.official import CLIENTS, drive, hosted

SCRIPT = Path(__file__).with_name("official_client.py")

COCO = {
    "images": [
        {"id": 1, "file_name": "a.png", "width": 64, "height": 48},
        {"id": 2, "file_name": "b.png", "width": 30, "height": 20},
    ],
    "categories": [
        {"id": 1, "name": "cat", "supercategory": "animal.pet"},
        {"id": 2, "name": "dog", "supercategory": "animal.pet"},
    ],
    "annotations": [
        {
            "id": 1,
            "image_id": 1,
            "category_id": 1,
            "bbox": [1, 2, 3, 4],
            "area": 12,
            "iscrowd": 0,
            "segmentation": [],
        },
        {
            "id": 2,
            "image_id": 1,
            "category_id": 2,
            "bbox": [5, 6, 7, 8],
            "area": 56,
            "iscrowd": 0,
            "segmentation": [],
        },
        {
            "id": 3,
            "image_id": 2,
            "category_id": 2,
            "bbox": [0, 0, 9, 9],
            "area": 81,
            "iscrowd": 0,
            "segmentation": [],
        },
    ],
}


def prepare(folder: Path) -> None:
    """What the script works on."""
    for name, size in (("a.png", (64, 48)), ("b.png", (30, 20))):
        Image.new("RGB", size, "red").save(folder / name)
    (folder / "coco.json").write_text(json.dumps(COCO))
    large = folder / "large.bmp"
    Image.new("RGB", (10, 10)).save(large)
    large.write_bytes(large.read_bytes().ljust(2 * PART_BYTES, b"."))


def check(seen: dict[str, Any], folder: Path) -> None:
    """What it saw."""
    assert seen["organization"]
    assert seen["uploaded"] == seen["assets"] == ["a.png", "b.png"]
    assert seen["sizes"] == [[30, 20], [64, 48]]
    assert seen["tags"] == ["first"]
    assert seen["labels"] == ["cat", "dog"]
    assert seen["groups"] == ["animal", "pet"]
    assert seen["imported"] == [1, 2]
    assert seen["stats"] == {"labels": {"cat": 1, "dog": 2}, "objects": 3, "annotations": 2}
    assert seen["built"] == [2, 3, 2]
    large = folder / "large.bmp"
    assert seen["large"] == sha256(large.read_bytes()).hexdigest()
    assert seen["pulled"] == {name: (folder / name).stat().st_size for name in ("a.png", "b.png")}
    boxes = {
        seen["assets_by_id"][asset_id]: [
            (shape["label"], shape["x"], shape["y"], shape["w"], shape["h"])
            for annotation in annotations
            for shape in annotation["rectangles"]
        ]
        for asset_id, annotations in seen["loaded"].items()
    }
    assert boxes == {
        "a.png": [("cat", 1, 2, 3, 4), ("dog", 5, 6, 7, 8)],
        "b.png": [("dog", 0, 0, 9, 9)],
    }
    whole = [box[1:] for found in boxes.values() for box in found]
    assert all(isinstance(number, int) for box in whole for number in box)


@pytest.mark.parametrize("client", CLIENTS)
async def test_the_main_job(tmp_path: Path, client: str) -> None:
    lake, token = await new_lake(tmp_path / "lake")
    folder = tmp_path / "work"
    folder.mkdir()
    prepare(folder)
    async with hosted(client, lake) as server:
        seen = await drive(SCRIPT, server.address, token, folder, client=client)
        assert await server.stop() == 0
    check(seen, folder)
    # What a platform answers for an annotation that it keeps is its own decision.
    assert (seen["kept"], seen["same_ids"]) == ([0, 0], True)
