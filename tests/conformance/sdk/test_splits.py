"""Splits as people call them: the same through both doors, over more than a page, with true counts."""

from __future__ import annotations

from pathlib import Path

import pytest

from headrace.errors import BadRequestError, NoDataError
from headrace.sdk.asset import MultiAsset
from headrace.sdk.version.dataset_version import DatasetVersion
from tests.support.data.images import draw_images
from tests.support.lakes.doors import open_door


async def annotate(version: DatasetVersion, leave: int = 0) -> None:
    """One box of a and as many of b as the number of the asset; the last ones are left alone."""
    a, b = await version.create_label("a"), await version.create_label("b")
    assets = await version.list_assets(order_by=["filename"])
    for number, asset in enumerate(assets[: len(assets) - leave]):
        old = await asset.create_annotation()
        await old.create_classification(b)
        annotation = await asset.create_annotation()
        boxes = [(1, 1, 1, 1, a), *[(2, 2, 2, 2, b)] * number]
        await annotation.create_multiple_rectangles(boxes)


async def test_parts_counts_and_labels(version: DatasetVersion) -> None:
    await annotate(version, leave=2)
    parts, counts, labels = await version.split_into_multi_assets([0.5, 0.3, 0.2], random_seed=3)
    assert [len(part) for part in parts] == [5, 3, 2]
    names = sorted(asset.filename for part in parts for asset in part)
    assert names == [f"image_{number:04d}.jpg" for number in range(10)]
    for part, count in zip(parts, counts, strict=True):
        assert isinstance(part, MultiAsset)
        boxes = sum(int(asset.filename[6:10]) for asset in part)
        assert count == {"a": len(part), **({"b": boxes} if boxes else {})}
    assert [label.name for label in labels] == ["a", "b"]

    train, test, for_train, for_test, _ = await version.train_test_split(0.7, random_seed="x")
    assert (len(train), len(test)) == (7, 3)
    assert for_train["x"] == ["a", "b"]
    assert [x + y for x, y in zip(for_train["y"], for_test["y"], strict=True)] == [10, 45]
    again = await version.train_test_split(0.7, random_seed="x", load_asset_page_size=3)
    assert again[:4] == (train, test, for_train, for_test)

    *three, _ = await version.train_test_val_split(random_seed=0)
    assert [len(part) for part in three[:3]] == [6, 2, 2]
    assert len(three[3:]) == 3
    # Ratios of nothing give empty parts, and those no counts.
    everything, nothing, _, none, _ = await version.train_test_split(1.0)
    assert (len(everything), len(nothing), none) == (10, 0, {"x": [], "y": []})


async def test_what_cannot_be_split(version: DatasetVersion) -> None:
    with pytest.raises(NoDataError, match="annotated"):
        await version.train_test_split()
    with pytest.raises(BadRequestError, match="from 0 to 1"):
        await version.train_test_split(1.5)
    with pytest.raises(BadRequestError, match="give three"):
        await version.train_test_val_split([0.5, 0.5])
    with pytest.raises(BadRequestError, match="two or more"):
        await version.split_into_multi_assets([1])


async def test_every_door_splits_alike(tmp_path: Path) -> None:
    """Two lakes, filled in the same order: the same seed draws the same files."""
    draw_images(tmp_path / "images", 9)
    seen = []
    for kind in ("lake", "http"):
        folder = tmp_path / kind
        folder.mkdir()
        async with open_door(kind, folder) as door, door.connect() as client:
            await client.push("drawings/first", tmp_path / "images")
            version = await client.version("drawings/first")
            await annotate(version)
            parts, counts, _ = await version.split_into_multi_assets([2, 1], random_seed=11)
            seen.append(([[asset.filename for asset in part] for part in parts], counts))
    assert seen[0] == seen[1]


async def test_walking_over_a_split_gives_the_same_parts(version: DatasetVersion) -> None:
    await annotate(version, leave=2)
    parts, _, _ = await version.split_into_multi_assets([0.5, 0.3, 0.2], random_seed=3)
    walked: list[set[str]] = [set(), set(), set()]
    async for part, asset in version.iter_split([0.5, 0.3, 0.2], random_seed=3):
        walked[part].add(asset.filename)
    assert walked == [{asset.filename for asset in part} for part in parts]
    again = [part async for part, _ in version.iter_split([1, 1], 7, load_asset_page_size=1)]
    assert sorted(again) == [0] * 5 + [1] * 5
    await version.delete_all_annotations()
    with pytest.raises(NoDataError):
        async for _ in version.iter_split([1, 1]):
            pass
