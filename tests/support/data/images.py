"""A small dataset that is drawn on the spot: images of their own bytes and a COCO file about them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from bench.images import jpeg


def draw_images(folder: Path, count: int, *, prefix: str = "image") -> list[Path]:
    """JPEG files of different bytes, 64 to 71 pixels wide and 48 high."""
    folder.mkdir(parents=True, exist_ok=True)
    paths: list[Path] = []
    for index in range(count):
        name, content = drawn_image(index, prefix=prefix)
        paths.append(folder / name)
        paths[-1].write_bytes(content)
    return paths


def contents(folder: Path) -> dict[str, bytes]:
    """The bytes of each file of a folder."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def drawn_image(index: int, *, prefix: str = "image") -> tuple[str, bytes]:
    """The name and the bytes of one of these files."""
    name = f"{prefix}_{index:04d}.jpg"
    return name, jpeg(64 + index % 8, 48, comment=name.encode())


def coco(names: list[str], *, boxes: int = 2) -> dict[str, Any]:
    """COCO of these images: boxes, polygons of one and of two rings, floats, and one image without objects."""
    images = [
        {"id": 10 + index, "file_name": name, "width": 64 + index % 8, "height": 48}
        for index, name in enumerate(names)
    ]
    annotations: list[dict[str, Any]] = []
    for index, image in enumerate(images[:-1]):
        annotations += [
            {
                "image_id": image["id"],
                "category_id": 1 + (index + number) % 2,
                "bbox": [number + 0.5, 2 + index % 10, 10.25, 8],
                "segmentation": [],
                "iscrowd": 0,
                "attributes": {"occluded": bool(index % 2)},
            }
            for number in range(boxes)
        ]
        rings = [[1, 1, 20.5, 1, 20.5, 15], [30, 30, 40, 30, 40, 40.125, 30, 40]]
        annotations.append(
            {
                "image_id": image["id"],
                "category_id": 3,
                "bbox": [1, 1, 39, 39.125] if index % 2 else [1, 1, 19.5, 14],
                "segmentation": rings[: 1 + index % 2],
                "iscrowd": 0,
            }
        )
    for number, annotation in enumerate(annotations):
        annotation["id"] = number + 1
    return {
        "images": images,
        "annotations": annotations,
        "categories": [
            {"id": 1, "name": "cat", "supercategory": "animal"},
            {"id": 2, "name": "dog", "supercategory": "animal"},
            {"id": 3, "name": "car", "supercategory": "thing.vehicle"},
            {"id": 4, "name": "never used"},
        ],
    }


def write_coco(path: Path, names: list[str], **more: Any) -> Path:
    """The COCO of these images as a file."""
    path.write_text(json.dumps(coco(names, **more)), encoding="utf-8")
    return path
