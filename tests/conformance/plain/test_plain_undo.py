"""Undo on a platform that is not headrace's: the client records what goes, and puts it back with the platform's own calls."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from headrace.sdk.client.client import Client
from headrace.sdk.version.dataset_version import DatasetVersion
from tests.support.data.images import write_coco

NAMES = [f"image_{index:04d}.jpg" for index in range(12)]
NEW = ("id", "asset_id")


async def content(version: DatasetVersion) -> dict[str, Any]:
    """What the version holds, by file name, without the ids, which are new ones after an undo."""
    names = {str(asset.id): asset.filename async for asset in version.list_assets()}
    held: dict[str, Any] = {name: [] for name in names.values()}
    for asset, loaded in (await version.load_annotations()).items():
        for each in loaded:
            held[names[asset]].append({key: each[key] for key in each if key not in NEW})
    return held


@pytest.fixture
async def annotated(version: DatasetVersion, tmp_path: Path) -> DatasetVersion:
    """A version with imported annotations, and one that is drawn by hand with what no import takes."""
    await version.import_annotations(
        write_coco(tmp_path / "in.json", NAMES[:11]), status="ACCEPTED"
    )
    cat = await version.get_label("cat")
    drawn = await (await version.find_asset(filename=NAMES[11])).create_annotation()
    line = await drawn.create_line([[0, 0], [5, 5]], cat)
    await line.update(text="a line")
    await drawn.create_point([1, 2], cat)
    await drawn.create_rectangle(1, 2, 3, 4, cat)
    return version


async def test_annotations_come_back_with_lines_and_points(
    client: Client, annotated: DatasetVersion
) -> None:
    before = await content(annotated)
    await annotated.delete_all_annotations()
    assert not any((await content(annotated)).values())
    (removal,) = await client.list_removals("drawings/first")
    assert (await removal.details()).labels["cat"] > 2
    undone = await removal.undo()
    assert (undone.annotations, undone.conflicts) == (12, [])
    after = await content(annotated)
    for each in (before, after):
        for kept in each.values():
            for annotation in kept:
                del annotation["duration"]
    assert after == before


async def test_assets_come_back_with_tags_and_annotations(
    client: Client, annotated: DatasetVersion
) -> None:
    assets = await annotated.list_assets(filenames=NAMES[8:])
    await assets[0].add_tags(await annotated.create_asset_tag("night"))
    before = await content(annotated)
    await annotated.delete_assets(assets)
    assert await annotated.list_assets().count() == 8
    (removal,) = await client.list_removals("drawings/first")
    await removal.undo()
    assert {name: len(found) for name, found in (await content(annotated)).items()} == {
        name: len(found) for name, found in before.items()
    }
    assert [each.filename async for each in annotated.list_assets(tags="night")] == [
        assets[0].filename
    ]


async def test_what_an_import_replaced_comes_back(
    client: Client, annotated: DatasetVersion, tmp_path: Path
) -> None:
    before = (await annotated.retrieve_stats()).label_repartition
    report = await annotated.import_annotations(write_coco(tmp_path / "b.json", NAMES, boxes=1))
    assert report.annotations_replaced == 12
    assert (await annotated.retrieve_stats()).label_repartition != before
    (removal,) = await client.list_removals("drawings/first")
    undone = await removal.undo()
    assert undone.conflicts == []
    assert (await annotated.retrieve_stats()).label_repartition == before
