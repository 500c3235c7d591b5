"""The main job, unchanged over a lake's folder and over HTTP to a server process, with equal results."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

import headrace
from tests.support.data.images import draw_images, write_coco
from tests.support.lakes.doors import open_door


async def main_job(target: str, token: str | None, images: Path, file: Path, out: Path) -> Any:
    """What a person writes; everything that it learns, without ids."""
    async with headrace.connect(target, api_token=token) as client:
        lake = await client.get_datalake()
        data = await lake.upload_data(sorted(images.iterdir()), tags=["drawn"], source="pencil")
        dataset = await client.create_dataset("drawings")
        version = await dataset.create_version("first", type="MULTI")
        await version.add_data(data, tags=["batch 1"])
        counts = await version.import_annotations_coco_file(file)
        stats = await version.retrieve_stats()
        exports = [
            await version.export(out / "coco.json", "coco"),
            await version.export(out / "yolo", "yolo"),
            await version.export(out / "voc", "voc"),
        ]
        downloaded = await version.download(out / "files")
        again = await version.download(out / "files")
        assets = await version.list_assets()
        return {
            "data": [(each.filename, each.width, each.height, each.type) for each in data],
            "uploaded": (data.report.moved, data.report.bytes) if data.report else None,
            "counts": sorted(counts.values()),
            "stats": (stats.label_repartition, stats.nb_objects, stats.nb_annotations),
            "exports": [(e.images, e.shapes, e.labels, len(e.findings)) for e in exports],
            "downloaded": (downloaded.moved, downloaded.bytes),
            "again": (again.moved, again.skipped),
            "assets": [
                (a.filename, a.width, a.metadata, a.object_name.split("/")[-1][-4:]) for a in assets
            ],
            "tagged": await version.list_assets(tags="batch 1", data_tags=["drawn"]).count(),
            "labels": [label.name async for label in version.list_labels()],
            "groups": {group.name async for group in version.list_label_groups()},
        }


def digests(folder: Path) -> dict[str, str]:
    """Every file below a folder with the digest of its bytes."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture
def drawn(tmp_path: Path) -> tuple[Path, Path]:
    paths = draw_images(tmp_path / "images", 30)
    return tmp_path / "images", write_coco(tmp_path / "instances.json", [p.name for p in paths])


async def test_both_doors_give_equal_results(drawn: tuple[Path, Path], tmp_path: Path) -> None:
    """The same script, one string changed: what is learnt, exported and downloaded is the same to the byte."""
    images, file = drawn
    results, files = [], []
    for kind in ("lake", "http"):
        (tmp_path / kind / "out").mkdir(parents=True)
        async with open_door(kind, tmp_path / kind) as door:
            out = tmp_path / kind / "out"
            results.append(await main_job(door.target, door.token, images, file, out))
            files.append(digests(out))
    assert results[0] == results[1]
    assert files[0] == files[1]


async def test_the_result_is_what_went_in(drawn: tuple[Path, Path], tmp_path: Path) -> None:
    """Counts, coordinates, labels with their groups, and images without objects survive the whole way."""
    images, file = drawn
    source = json.loads(file.read_text())
    (tmp_path / "out").mkdir()
    async with open_door("lake", tmp_path) as door:
        result = await main_job(door.target, None, images, file, tmp_path / "out")
    exported = json.loads((tmp_path / "out" / "coco.json").read_text())
    # An object of several rings is one shape.
    shapes = len(source["annotations"])
    assert result["stats"] == ({"cat": 29, "dog": 29, "car": shapes - 58}, shapes, 30)
    assert result["uploaded"][0] == result["downloaded"][0] == 30
    assert result["again"] == (0, 30)
    assert geometry(exported) == geometry(source)
    assert {i["file_name"] for i in exported["images"]} == {
        i["file_name"] for i in source["images"]
    }
    assert [(c["name"], c.get("supercategory") or None) for c in exported["categories"]] == [
        (c["name"], c.get("supercategory")) for c in source["categories"]
    ]
    uploaded = {path.name: path.read_bytes() for path in images.iterdir()}
    files = (tmp_path / "out" / "files").iterdir()
    assert {p.name: p.read_bytes() for p in files if p.is_file()} == uploaded


def geometry(coco: dict[str, Any]) -> list[Any]:
    """Every annotation by image and label, without ids."""
    names = {image["id"]: image["file_name"] for image in coco["images"]}
    labels = {category["id"]: category["name"] for category in coco["categories"]}
    return sorted(
        (
            names[a["image_id"]],
            labels[a["category_id"]],
            a["bbox"],
            a["segmentation"] or [],
            str(a.get("attributes") or {}),
        )
        for a in coco["annotations"]
    )
