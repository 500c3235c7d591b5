"""Data sets of others, read without any option: every path that is told is that of an image."""

from __future__ import annotations

from collections import Counter

import pytest

from headrace import formats
from tests.support.data.formats import samples


@pytest.mark.parametrize(
    ("folder", "format", "images", "splits"),
    [
        ("raccoon", "voc", 200, {}),
        ("bccd/BCCD", "voc", 364, {"train": 205, "val": 87, "test": 72}),
        ("bccd", "voc", 364, {"train": 205, "val": 87, "test": 72}),
        ("labelme/bbox_detection", "voc", 3, {}),
        ("labelme/instance_segmentation", "coco", 3, {}),
        ("cvat-polygons", "coco", 6, {}),
        (
            "roboflow-python/datasets/sharks-tiny-coco",
            "coco",
            10,
            {"train": 7, "val": 2, "test": 1},
        ),
        ("datumaro/coco_dataset/coco", "coco", 2, {"train": 1, "val": 1}),
    ],
)
def test_paths_and_splits(folder: str, format: str, images: int, splits: dict[str, int]) -> None:
    path = samples(*folder.split("/"))
    assert formats.detect(path).format == format
    with formats.read(path) as source:
        found = list(source)
    assert len(found) == len({sample.path for sample in found}) == images
    assert all((path / str(sample.path)).is_file() for sample in found)
    assert Counter(sample.split for sample in found if sample.split) == splits
