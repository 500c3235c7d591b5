"""Make the small lake of this folder: every kind of shape, in blobs of the formats 1 and 2.

Run by a headrace of schema 9, which wrote these formats; never by this one:

    python make.py FOLDER
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
import tarfile
from pathlib import Path
from typing import Any

import headrace
from headrace.platform.platform import Platform


def coco() -> dict[str, Any]:
    """Images with boxes, polygons of one and two rings, masks, keypoints, scores and attributes."""
    rng = random.Random(7)
    images, annotations = [], []
    for number in range(1, 25):
        images.append({"id": number, "file_name": f"{number:02}.jpg", "width": 640, "height": 480})
        for index in range(rng.choice([0, 1, 3, 12])):
            digits = rng.choice([0, 1, 2, 3, 9])
            x, y = rng.uniform(0, 500), rng.uniform(0, 400)
            ring = [
                round(value, digits) if digits else float(round(value))
                for _ in range(rng.choice([3, 8, 40]))
                for value in (x + rng.uniform(0, 99), y + rng.uniform(0, 70))
            ]
            kind = rng.choice(["box", "polygon", "rings", "mask", "keypoints"])
            made: dict[str, Any] = {
                "id": len(annotations) + 1,
                "image_id": number,
                "category_id": 1 + index % 2,
                "bbox": [round(x, 2), round(y, 2), 99.5, 70],
                "area": 1234.5,
                "iscrowd": 0,
            }
            if kind == "polygon":
                made["segmentation"] = [ring]
            elif kind == "rings":
                made["segmentation"] = [ring, [1, 2, 30, 4, 5.5, 60]]
            elif kind == "mask":
                made["segmentation"] = {"size": [480, 640], "counts": [1000, 50, 480 * 640 - 1050]}
            elif kind == "keypoints":
                made |= {"category_id": 3, "keypoints": [x, y, 2, 0, 0, 0], "num_keypoints": 1}
            if index % 4 == 3:
                made["score"] = 0.25
            if index % 5 == 4:
                made["attributes"] = {"occluded": True, "note": "ä"}
            annotations.append(made)
    categories: list[dict[str, Any]] = [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}]
    pose = {"id": 3, "name": "person", "keypoints": ["nose", "eye"], "skeleton": [[1, 2]]}
    return {
        "images": images,
        "annotations": annotations,
        "categories": [*categories, pose],
    }


async def main(folder: Path) -> None:
    """Write ``old.tar.xz``, the lake, and ``old.json``, what its versions hold."""
    from PIL import Image

    work = folder / "work"
    images = work / "images"
    images.mkdir(parents=True)
    for number in range(1, 25):
        Image.new("RGB", (640, 480), (number, 9, 9)).save(images / f"{number:02}.jpg", quality=1)
    (work / "a.json").write_text(json.dumps(coco()))
    lake = work / "lake"
    await Platform.create(lake)
    expected: dict[str, Any] = {}
    async with headrace.connect(str(lake)) as client:
        await client.push("old/first", images, type="NOT_CONFIGURED")
        version = await client.version("old/first")
        await version.import_annotations(work / "a.json")
        await version.fork("second", with_annotations=True)
        second = await client.version("old/second")
        annotation = next(iter(await second.list_annotations()))
        await annotation.create_rectangle(1, 2, 3, 4, await second.get_label("cat"))
        await annotation.create_line([[0, 0], [5, 5.5]], await second.get_label("dog"))
        for name in ("first", "second"):
            version = await client.version(f"old/{name}")
            expected[name] = {
                "annotations": await version.load_annotations(),
                "digest": str((await version.digest()).sha256),
                "stats": (await version.retrieve_stats()).__repr__(),
            }
    (folder / "old.json").write_text(json.dumps(expected, default=str, sort_keys=True, indent=0))
    with tarfile.open(folder / "old.tar.xz", "w:xz") as archive:
        archive.add(lake, "lake")


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
