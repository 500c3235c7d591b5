"""Imports into a platform that is not headrace's: what it cannot hold is told, and nothing is written twice."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from headrace.errors import NoDataError, RequestTooLargeError, TransferError
from headrace.model.rle import encode
from headrace.sdk.version.dataset_version import DatasetVersion
from tests.support.data.images import write_coco
from tests.support.plain_platform import Fault, PlainPlatform

NAMES = [f"image_{index:04d}.jpg" for index in range(12)]
IMPORT = r".*/bulk-annotations"
RINGS = [[1, 1, 20, 1, 20, 15], [30, 30, 40, 30, 40, 40]]


def coco(path: Path, *things: dict[str, Any]) -> Path:
    """A file about ``image_0000.jpg``, of 64 and 48 pixels, with these objects."""
    category = {"id": 1, "name": "cat", "keypoints": ["nose", "tail"], "skeleton": [[1, 2]]}
    annotations = [
        {"id": place, "image_id": 1, "category_id": 1, "area": 1, "iscrowd": 0, **thing}
        for place, thing in enumerate(things, 1)
    ]
    image = {"id": 1, "file_name": NAMES[0], "width": 64, "height": 48}
    whole = {"images": [image], "categories": [category], "annotations": annotations}
    path.write_text(json.dumps(whole))
    return path


async def test_what_the_platform_cannot_hold_is_told(
    version: DatasetVersion, tmp_path: Path
) -> None:
    mask = {"size": [48, 64], "counts": [96, 5, 48 * 64 - 101]}
    file = coco(
        tmp_path / "in.json",
        {"bbox": [0.5, 2, 10.25, 8], "segmentation": [], "score": 0.5},
        {"bbox": [1, 1, 39, 39], "segmentation": RINGS},
        {"bbox": [2, 0, 1, 5], "segmentation": mask},
        {"bbox": [1, 1, 3, 3], "keypoints": [1.5, 1, 2, 4, 4, 1], "num_keypoints": 2},
    )
    report = await version.import_annotations(file)
    told = {finding.message: finding.count for finding in report.findings}
    assert told["not written: several rings in one polygon"] == 1
    assert told["not written: the score"] == 1
    loaded = (await version.load_annotations()).popitem()[1][0]
    (box,) = loaded["rectangles"]
    assert [box[key] for key in "xywh"] == [0, 2, 10, 8]
    assert [each["polygon"] for each in loaded["polygons"]] == [
        [[1, 1], [20, 1], [20, 15]],
        [[30, 30], [40, 30], [40, 40]],
    ]
    assert [each["mask"] for each in loaded["masks"]] == [encode(mask["counts"])]
    (points,) = loaded["keypoints"]
    # Coordinates of keypoints need not be whole there; how visible they are is.
    assert points["keypoints"] == [[1.5, 1, 2], [4, 4, 1]]


@pytest.mark.parametrize("mode", ["REPLACE", "CONCATENATE", "KEEP"])
async def test_an_import_that_is_repeated(
    version: DatasetVersion, tmp_path: Path, mode: str
) -> None:
    file = write_coco(tmp_path / "in.json", NAMES)
    await version.import_annotations(file)
    once = (await version.retrieve_stats()).nb_objects
    report = await version.import_annotations(file, mode=mode)
    twice = (await version.retrieve_stats()).nb_objects
    assert twice == (2 * once if mode == "CONCATENATE" else once)
    # The twelfth has no shapes: there is nothing of it that could be kept.
    assert (report.images_kept, report.images_in_campaign) == (11 if mode == "KEEP" else 0, 0)


async def test_what_is_too_large_goes_in_parts_with_its_status(
    version: DatasetVersion, platform: PlainPlatform, tmp_path: Path
) -> None:
    file = write_coco(tmp_path / "in.json", NAMES)
    platform.switches.body_cap = 3000
    counts = await version.import_annotations_coco_file(file, status="ACCEPTED")
    platform.switches.body_cap = 1 << 20
    assert len(counts) == 12
    assert sum(counts.values()) == (await version.retrieve_stats()).nb_objects
    assert {each.status async for each in version.list_annotations()} == {"ACCEPTED"}
    calls = [seen for seen in platform.log if seen.path.endswith("/bulk-annotations")]
    assert len(calls) > 2
    await version.delete_all_annotations(undo=False)
    platform.switches.body_cap = 300
    with pytest.raises(RequestTooLargeError):
        await version.import_annotations(file)
    with pytest.raises(NoDataError):
        await version.list_annotations()


async def test_a_lost_answer_writes_nothing_twice(
    version: DatasetVersion, platform: PlainPlatform, tmp_path: Path
) -> None:
    file = write_coco(tmp_path / "in.json", NAMES)
    platform.switches.faults = [Fault(cut="after", path=IMPORT)]
    report = await version.import_annotations(file)
    stats = await version.retrieve_stats()
    assert (stats.nb_annotations, report.images_imported) == (12, 12)
    # Shapes that are added would be there twice, so the import ends instead.
    platform.switches.faults = [Fault(cut="after", path=IMPORT)]
    with pytest.raises(TransferError, match="look before you repeat it"):
        await version.import_annotations(file, mode="CONCATENATE")
    assert (await version.retrieve_stats()).nb_objects == 2 * stats.nb_objects
