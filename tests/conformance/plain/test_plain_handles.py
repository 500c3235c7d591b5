"""Datasets, versions, tags and removals as handles, on a platform that is not headrace's."""

from __future__ import annotations

from pathlib import Path

import pytest

from headrace.errors import NotFoundError, UnsupportedError
from headrace.model.enums import InferenceType
from headrace.sdk.client.client import Client
from headrace.sdk.version.dataset_version import DatasetVersion
from tests.support.data.images import draw_images


async def test_datasets_and_their_versions(client: Client, version: DatasetVersion) -> None:
    dataset = await client.get_dataset("drawings")
    assert [each.name async for each in client.iter_datasets()] == ["drawings"]
    await dataset.create_version("second")
    assert {each.version for each in await dataset.list_versions()} == {"first", "second"}
    assert len([each async for each in dataset.iter_versions()]) == 2
    assert await dataset.get_version("first") == version
    assert (version.origin_id, version.name, version.version) == (dataset.id, "drawings", "first")
    await version.update(type="SEGMENTATION")
    await version.sync()
    assert version.type is InferenceType.SEGMENTATION
    # The platform does not say it.
    assert version.is_locked is None


async def test_tags_are_found(client: Client, version: DatasetVersion) -> None:
    tag = await version.create_asset_tag("night")
    assert await version.get_asset_tag("night") == tag
    assert await version.get_or_create_asset_tag("night") == tag
    with pytest.raises(NotFoundError):
        await version.get_asset_tag("day")
    good = await client.get_or_create_tag("good", "DATASET")
    assert await client.get_or_create_tag("good", "DATASET") == good


async def test_labels_are_merged_shape_by_shape(version: DatasetVersion) -> None:
    cat, dog = await version.create_label("cat"), await version.create_label("dog")
    annotation = await (await version.find_asset(filename="image_0001.jpg")).create_annotation()
    await annotation.create_rectangle(1, 1, 2, 2, cat)
    await annotation.create_point([1, 1], cat)
    await annotation.create_line([[1, 1], [2, 2]], dog)
    assert await version.merge_labels("cat", dog) == dog
    assert (await version.retrieve_stats()).label_repartition == {"dog": 3}
    assert await version.list_labels() == [dog]
    mask = await annotation.create_mask("0P3`n2", await version.create_label("stain"))
    with pytest.raises(UnsupportedError, match="masks"):
        await version.merge_labels("stain", dog)
    await mask.sync()
    assert mask.label.name == "stain"


async def test_what_only_headrace_lists(client: Client, version: DatasetVersion) -> None:
    with pytest.raises(UnsupportedError, match="pages of the platform"):
        await client.list_jobs()


async def test_a_removal_is_found_on_this_machine(client: Client, version: DatasetVersion) -> None:
    await version.delete_assets(await version.list_assets(limit=1))
    (removal,) = await client.list_removals("drawings/first")
    assert await client.get_removal(removal.id) == removal


async def test_a_part_of_the_annotations(version: DatasetVersion) -> None:
    for asset in await version.list_assets(limit=4):
        await asset.create_annotation()
    parts = (await version.list_annotations()).split(0.5)
    assert [len(part) for part in parts] == [2, 2]


async def test_a_folder_is_compared(version: DatasetVersion, tmp_path: Path) -> None:
    draw_images(tmp_path / "images", 11)
    missing = await version.synchronize(tmp_path / "images", do_download=True)
    assert [asset.filename for asset in missing] == ["image_0011.jpg"]
    assert (tmp_path / "images" / "image_0011.jpg").exists()
    assert len(await version.synchronize(tmp_path / "images")) == 0
