"""Handles: each method of the reference does on both doors what it says."""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest

from headrace.errors import (
    BadRequestError,
    ConflictError,
    NotFoundError,
    PartialTransferError,
)
from headrace.model.enums import InferenceType, TagTarget
from headrace.sdk.client.client import Client
from headrace.sdk.data import Data, MultiData
from headrace.sdk.version.dataset_version import DatasetVersion
from tests.support.data.images import draw_images


@pytest.mark.lakes_only("the order of versions is the platform's affair")
async def test_datasets_and_versions(client: Client) -> None:
    dataset = await client.create_dataset("birds", "all of them")
    assert await client.get_dataset("birds") == dataset
    assert await client.get_dataset_by_id(str(dataset.id)) == dataset
    version = await dataset.create_version("v1", type="object_detection")
    assert (version.name, version.version, version.origin_id) == ("birds", "v1", dataset.id)
    assert version.type is InferenceType.OBJECT_DETECTION
    assert await dataset.get_version("v1") == version
    assert await dataset.get_version_by_id(version.id) == version
    assert await client.get_dataset_version_by_id(version.id) == version
    assert await client.version("birds/v1") == version
    await dataset.create_version("v2")
    assert [v.version async for v in dataset.list_versions()] == ["v2", "v1"]
    assert await dataset.list_versions(limit=1) == [await dataset.get_version("v2")]
    await version.update(version="v1b", description="x")
    await version.set_type(InferenceType.SEGMENTATION)
    again = await client.version("birds/v1b")
    assert (again.id, again.type) == (version.id, InferenceType.SEGMENTATION)
    await dataset.update(name="fowl")
    assert (await client.version("fowl/v1b")).id == version.id
    await version.sync()
    assert version.name == "fowl"
    await version.delete()
    with pytest.raises(NotFoundError):
        await client.version("fowl/v1b")
    await dataset.delete()
    assert await client.list_datasets() == []


async def test_names_that_are_taken_or_no_names(client: Client) -> None:
    dataset = await client.create_dataset("d")
    await dataset.create_version("v")
    with pytest.raises(ConflictError):
        await client.create_dataset("d")
    with pytest.raises(ConflictError):
        await dataset.create_version("v")
    with pytest.raises(BadRequestError, match="write dataset/version"):
        await client.version("d")
    with pytest.raises(BadRequestError, match="one of NOT_CONFIGURED"):
        await dataset.create_version("w", type="boxes")


async def test_labels_and_their_groups(version: DatasetVersion) -> None:
    cat = await version.create_label("cat")
    assert await version.get_label("cat") == cat == await version.get_or_create_label("cat")
    dog = await version.get_or_create_label("dog")
    assert await version.list_labels() == [cat, dog]
    with pytest.raises(ConflictError):
        await version.create_label("dog")
    animals = await version.create_label_group("animals")
    pets = await version.create_label_group("pets", animals)
    await cat.set_group(pets)
    await dog.update(name="hound")
    assert (await version.get_label("hound")).id == dog.id
    assert await cat.get_group() == pets
    assert pets.parent_id == animals.id
    await animals.update(name="beasts")
    assert {group.name for group in await version.list_label_groups()} == {"beasts", "pets"}


async def test_a_race_to_create_ends_in_one_thing(version: DatasetVersion) -> None:
    """Everybody who asks at once gets the same label, tag and data tag."""
    labels: set[object] = set()
    tags: set[object] = set()

    async def ask() -> None:
        labels.add((await version.get_or_create_label("same")).id)
        tags.add((await version.get_or_create_asset_tag("same")).id)

    async with anyio.create_task_group() as group:
        for _ in range(8):
            group.start_soon(ask)
    assert (len(labels), len(tags)) == (1, 1)


async def test_tags_of_every_target(client: Client, version: DatasetVersion) -> None:
    dataset = await client.get_dataset("drawings")
    for_dataset = await client.create_tag("gold", TagTarget.DATASET)
    for_version = await client.create_dataset_version_tag("gold")
    await dataset.add_tags(for_dataset)
    await version.add_tags([for_version])
    assert await dataset.get_tags() == [for_dataset]
    assert await version.get_tags() == [for_version]
    assert await client.list_tags("dataset") == [for_dataset] == await client.list_dataset_tags()
    assert await client.find_dataset_version_tag("gold") == for_version
    with pytest.raises(BadRequestError, match="is for DATASET, not for DATASET_VERSION"):
        await version.add_tags(for_dataset)
    assert await for_version.detach_from(version) == 1
    assert await version.get_tags() == []
    await for_dataset.update("silver")
    assert (await client.get_tag("silver", "DATASET")) == for_dataset
    await for_dataset.delete()
    assert await dataset.get_tags() == []


async def test_an_asset_knows_its_data_and_its_tags(version: DatasetVersion) -> None:
    asset = await version.find_asset(filename="image_0003.jpg")
    data = await asset.get_data()
    assert (data.id, data.filename, data.width) == (asset.data_id, asset.filename, 64 + 3)
    assert (
        await version.find_asset(data=data) == asset == await version.find_asset(id=str(asset.id))
    )
    tag = await version.create_asset_tag("x")
    await asset.add_tags(tag)
    assert await asset.get_tags() == [tag]
    assert await asset.get_data_tags() == []
    await data.update_metadata({"acquired_by": "me"})
    await data.update_custom_metadata({"line": 3})
    await asset.sync()
    assert (asset.metadata, asset.custom_metadata) == ({"acquired_by": "me"}, {"line": 3})
    assert asset.id_with_extension == f"{asset.id}.jpg"
    with pytest.raises(NotFoundError):
        await version.find_asset(filename="nowhere.jpg")


async def test_adding_data_again_adds_nothing_but_tags(
    client: Client, version: DatasetVersion
) -> None:
    lake = await client.get_datalake()
    job = await version.add_data(await lake.list_data(), tags=["twice"])
    assert job.done
    assert (await client.get_job_by_id(job.id)).status == job.status
    assert await version.list_assets().count() == 12
    assert await version.list_assets(tags="twice").count() == 12
    with pytest.raises(BadRequestError, match="no data to add"):
        await version.add_data([])


async def test_assets_and_data_are_deleted(client: Client, version: DatasetVersion) -> None:
    assets = await version.list_assets(order_by=["filename"])
    await version.delete_assets(assets[:2])
    await assets[2:4].delete()
    await assets[4].delete()
    assert await version.list_assets().count() == 7
    lake = await client.get_datalake()
    assert await lake.list_data().count() == 12
    data = await lake.list_data(order_by=["-filename"])
    await data[:3].delete()
    await data[3].delete()
    assert await lake.list_data().count() == 8
    assert await version.list_assets().count() == 3


async def test_uploads_come_back_in_the_order_of_the_paths(client: Client, tmp_path: Path) -> None:
    paths = draw_images(tmp_path / "more", 9)[::-1]
    lake = await client.get_datalake()
    data = await lake.upload_data(
        [str(path) for path in paths],
        tags=["a", "b"],
        source="cam",
        max_workers=4,
        custom_metadata=[{"n": index} for index in range(9)],
    )
    assert isinstance(data, MultiData)
    assert [d.filename for d in data] == [path.name for path in paths]
    assert data.report is not None
    assert (data.report.moved, data.report.bytes) == (9, sum(p.stat().st_size for p in paths))
    one = await lake.upload_data(paths[0])
    assert isinstance(one, Data)
    assert [d.custom_metadata for d in data] == [{"n": index} for index in range(9)]
    assert {tag.name for tag in await data[4].get_tags()} == {"a", "b"}
    source = await data[0].get_datasource()
    assert source == await client.get_datasource("cam")
    await data.wait_for_upload_done()
    assert await lake.find_data(object_name=one.object_name) == one
    with pytest.raises(ConflictError):
        await lake.find_data(filename=one.filename)


async def test_a_missing_file_is_named_before_anything_is_sent(
    client: Client, tmp_path: Path
) -> None:
    lake = await client.get_datalake()
    (path,) = draw_images(tmp_path / "more", 1)
    with pytest.raises(FileNotFoundError, match=r"gone\.jpg"):
        await lake.upload_data([path, tmp_path / "gone.jpg"])
    assert await lake.list_data().count() == 0


async def test_a_file_that_fails_does_not_stop_the_others(client: Client, tmp_path: Path) -> None:
    """An image that is none is refused by the platform; the report names it and the rest is in the lake."""
    paths = draw_images(tmp_path / "more", 4)
    bad = tmp_path / "more" / "bad.png"
    bad.write_bytes(b"this is no picture")
    lake = await client.get_datalake()
    with pytest.raises(
        PartialTransferError, match=r"1 of 5 files were not uploaded; first bad\.png"
    ) as caught:
        await lake.upload_data([*paths[:2], bad, *paths[2:]])
    assert caught.value.report.moved == 4
    assert [failure.name for failure in caught.value.report.failures] == ["bad.png"]
    assert await lake.list_data().count() == 4


async def test_any_operation_by_name(client: Client, version: DatasetVersion) -> None:
    answer = await client.request("list_assets", version_id=str(version.id), limit=3)
    page = answer.record
    assert (len(page.items), page.count) == (3, 12)
    datasets = (await client.request("list_datasets")).record
    assert [dataset.name for dataset in datasets.items] == ["drawings"]
    for operation, fields, words in (
        ("list_asset", {}, "did you mean 'list_assets'"),
        ("list_assets", {"colour": 1}, "no field 'colour'"),
        ("list_assets", {}, "missing required field `version_id`"),
        ("list_assets", {"version_id": 5}, "Expected `uuid`"),
    ):
        with pytest.raises(BadRequestError, match=words):
            await client.request(operation, **fields)
