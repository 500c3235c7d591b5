"""What a platform that is not headrace's takes in one call, and what it does not tell apart."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from headrace.errors import UnsupportedError
from headrace.sdk.client.client import Client
from headrace.sdk.version.dataset_version import DatasetVersion
from tests.support.data.images import coco, drawn_image, write_coco
from tests.support.plain_platform import PlainPlatform

NAMES = [f"image_{index:04d}.jpg" for index in range(12)]


async def test_all_shapes_arrive_in_whole_pixels(version: DatasetVersion, tmp_path: Path) -> None:
    source = coco(NAMES)
    report = await version.import_annotations(write_coco(tmp_path / "in.json", NAMES))
    assert (report.images_imported, report.shapes_imported, report.resumed) == (12, 33, 0)
    await version.export(tmp_path / "out.json")
    exported = json.loads((tmp_path / "out.json").read_text())
    # The platform has nothing that joins the rings of a polygon: each one is a polygon there, and the import says so.
    lost = {finding.message: finding.count for finding in report.findings}
    assert lost["not written: several rings in one polygon"] == 5
    assert len(exported["annotations"]) == len(source["annotations"]) + 5
    numbers = [n for a in exported["annotations"] for n in a["bbox"]]
    assert all(float(number).is_integer() for number in numbers)
    boxes = sorted(a["bbox"] for a in source["annotations"] if not a["segmentation"])
    back = sorted(a["bbox"] for a in exported["annotations"] if not a["segmentation"])
    assert back == [[round(n) for n in box] for box in boxes]


async def test_calls_carry_no_more_than_every_platform_takes(
    client: Client, platform: PlainPlatform, tmp_path: Path
) -> None:
    """The plain platform refuses more: 50 asset ids, 100 annotations of a call, 100 images of an import."""
    images = [drawn_image(index) for index in range(130)]
    platform.store.add_version("drawings", "many", images)
    version = await client.version("drawings/many")
    names = [name for name, _ in images]
    await version.import_annotations(write_coco(tmp_path / "in.json", names))
    sent = [seen for seen in platform.log if seen.path.endswith("/bulk-annotations")]
    assert len(sent) >= 2
    assert len(await version.load_annotations(assets=await version.list_assets())) == 130
    asked = [seen for seen in platform.log if seen.path.endswith("/annotations/ids")]
    assert {seen.query.count("asset_ids=") for seen in asked} == {50, 30}


async def test_workers_are_not_told_apart(
    client: Client, version: DatasetVersion, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    worker = await (await client.get_dataset("drawings")).find_worker("plain-user")
    await version.import_annotations(write_coco(tmp_path / "in.json", NAMES), worker=worker)
    assert "worker is ignored" in caplog.text
    assert len(await version.load_annotations(worker)) == 12
    asset = await version.find_asset(filename=NAMES[0])
    for deletion in (
        version.delete_all_annotations([worker]),
        asset.delete_annotations([worker]),
        (await version.list_assets()).delete_annotations([worker]),
    ):
        with pytest.raises(UnsupportedError, match="by worker"):
            await deletion
    assert (await version.retrieve_stats()).nb_annotations == 12
