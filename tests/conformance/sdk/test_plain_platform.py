"""Against a server that promises no more than every platform does: small calls, whole pixels, no ledger."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from headrace.backend.base import Limits
from headrace.errors import RequestTooLargeError, UnsupportedError
from headrace.protocol.operations.annotations import IMPORT_ANNOTATIONS
from headrace.sdk.client.client import Client
from headrace.sdk.version.dataset_version import DatasetVersion
from tests.support.data.images import coco, write_coco

pytestmark = pytest.mark.lakes_only("headrace stands in for a platform here")

NAMES = [f"image_{index:04d}.jpg" for index in range(12)]
PLAIN = Limits(import_assets=5, load_annotations=3, asset_ids=4)


@pytest.fixture
def plain(client: Client) -> Client:
    client.session.backend.limits = PLAIN
    return client


async def test_all_shapes_arrive_in_whole_pixels(
    plain: Client, version: DatasetVersion, tmp_path: Path
) -> None:
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


async def test_loading_is_cut_into_small_calls(
    plain: Client, version: DatasetVersion, tmp_path: Path
) -> None:
    await version.import_annotations(write_coco(tmp_path / "in.json", NAMES))
    loaded = await version.load_annotations(assets=await version.list_assets())
    assert len(loaded) == 12
    assert len([a async for a in version.iter_annotations()]) == 12


async def test_what_is_too_large_for_one_call_goes_in_two(
    plain: Client, version: DatasetVersion, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend = plain.session.backend
    original = backend.call
    sizes: list[int] = []

    async def call(operation: Any, request: Any, /) -> Any:
        if operation is IMPORT_ANNOTATIONS:
            sizes.append(len(request.annotations))
            if len(request.annotations) > 2:
                raise RequestTooLargeError("too much")
        return await original(operation, request)

    monkeypatch.setattr(backend, "call", call)
    counts = await version.import_annotations_coco_file(
        write_coco(tmp_path / "in.json", NAMES), status="ACCEPTED"
    )
    assert len(counts) == 12
    assert sum(counts.values()) == (await version.retrieve_stats()).nb_objects
    assert {a.status async for a in version.iter_annotations()} == {"ACCEPTED"}
    assert max(sizes) == 5


async def test_workers_are_not_told_apart(
    plain: Client, version: DatasetVersion, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    worker = await (await plain.get_dataset("drawings")).find_worker("local")
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
