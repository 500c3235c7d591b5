"""Splits of a version are tags of its assets: written in bulk, and read back for any assets."""

from __future__ import annotations

import pytest

from headrace.engine.versions.split_tags import (
    AssetSplit,
    canonical_split,
    read_split_tags,
    split_of_tags,
)
from headrace.sdk.version.dataset_version import DatasetVersion


@pytest.mark.parametrize(
    ("tags", "split"),
    [
        ([], None),
        (["night", "holdout"], None),
        (["night", "train"], AssetSplit("train")),
        (["valid"], AssetSplit("val")),
        (["Validation"], AssetSplit("val")),
        (["valid", "val"], AssetSplit("val")),
        (["minival", "test"], AssetSplit("test", ("minival",))),
        (["test", "validation", "train"], AssetSplit("train", ("val", "test"))),
    ],
)
def test_the_tags_of_an_asset_name_its_split(tags: list[str], split: AssetSplit | None) -> None:
    assert split_of_tags(tags) == split


def test_a_split_has_one_name() -> None:
    assert [canonical_split(name) for name in ("valid", "Validation", "TRAIN", "Holdout")] == [
        "val",
        "val",
        "train",
        "Holdout",
    ]


async def test_splits_are_attached_and_read_back(version: DatasetVersion) -> None:
    assets = await version.list_assets()
    ids = assets.ids
    tags = await read_split_tags(version.session.backend, version.id)
    assert await tags.splits(ids) == {}
    await tags.attach("train", ids[:6])
    await tags.attach("train", ids[:6])
    await tags.attach("val", ids[6:8])
    night = await version.create_asset_tag("night")
    await night.attach_on(assets)
    late = await version.create_asset_tag("Valid")
    await late.attach_on(assets[:1])

    read = await read_split_tags(version.session.backend, version.id)

    assert sorted(read.names) == ["Valid", "train", "val"]
    assert await read.splits(ids[1:10]) == dict.fromkeys(ids[1:6], AssetSplit("train")) | (
        dict.fromkeys(ids[6:8], AssetSplit("val"))
    )
    assert await read.splits(ids[:1]) == {ids[0]: AssetSplit("train", ("val",))}
    assert set(await read.tagged(ids[4:], ["train", "Valid"])) == set(ids[4:6])


async def test_a_tag_that_another_process_made_meanwhile_is_used(version: DatasetVersion) -> None:
    tags = await read_split_tags(version.session.backend, version.id)
    other = await version.create_asset_tag("test")
    assets = await version.list_assets()

    await tags.attach("test", assets.ids)

    assert await version.list_assets(tags=other).count() == len(assets)
