"""Every listing of a platform whose pages are short: nothing is lost and nothing comes twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from headrace.sdk.client.client import Client
from headrace.sdk.version.dataset_version import DatasetVersion
from tests.support.data.images import drawn_image, write_coco
from tests.support.plain_platform import PlainPlatform

COUNT = 30
NAMES = [drawn_image(index)[0] for index in range(COUNT)]


@pytest.fixture
async def version(client: Client, platform: PlainPlatform) -> DatasetVersion:
    platform.switches.page_cap = 7
    platform.store.add_version("drawings", "first", [drawn_image(index) for index in range(COUNT)])
    version = await client.version("drawings/first")
    await version.set_type("OBJECT_DETECTION")
    return version


def once(names: list[str]) -> bool:
    return sorted(names) == sorted(NAMES)


async def test_assets(version: DatasetVersion) -> None:
    assert once([asset.filename for asset in await version.list_assets()])
    assert once([asset.filename async for asset in version.iter_assets()])
    ordered = await version.list_assets(order_by=["filename"])
    assert [asset.filename for asset in ordered] == NAMES
    assert [a.filename for a in await version.list_assets(limit=16, order_by=["-filename"])] == (
        NAMES[::-1][:16]
    )
    assert [a.filename for a in await version.list_assets(limit=16, offset=9)] == (
        NAMES[::-1][9:25]
    )
    assert await version.list_assets().count() == COUNT
    assert once([asset.filename for asset in await version.list_assets(filenames=NAMES)])
    assert len(await version.list_assets(q='filename startswith "image_001"')) == 10
    several = await (await version.list_assets()).as_multidata()
    assert once([data.filename for data in several])


async def test_data(client: Client, version: DatasetVersion) -> None:
    lake = await client.get_datalake()
    assert once([data.filename for data in await lake.list_data()])
    assert once([data.filename async for data in lake.iter_data()])
    assert [data.filename for data in await lake.list_data(order_by=["filename"])] == NAMES
    assert len(await lake.list_data(limit=20)) == 20


async def test_annotations(version: DatasetVersion, tmp_path: Path) -> None:
    await version.import_annotations(write_coco(tmp_path / "in.json", NAMES))
    assert len(await version.list_annotations()) == COUNT
    assert len([annotation async for annotation in version.iter_annotations()]) == COUNT
    assert len(await version.list_annotations(limit=20)) == 20
    assert len(await version.load_annotations()) == COUNT
    assert (await version.export(tmp_path / "out")).images == COUNT
    train, test, *_ = await version.train_test_split(0.5, random_seed=1)
    assert len(train) + len(test) == COUNT


async def test_lists_of_names(client: Client, version: DatasetVersion) -> None:
    """Listings that have no count: a short page is not the last one."""
    names = [f"n{index:02}" for index in range(16)]
    lake, dataset = await client.get_datalake(), await client.get_dataset("drawings")
    for name in names:
        await client.create_dataset(name)
        await dataset.create_version(name)
        await lake.create_data_tag(name)
        await version.create_asset_tag(name)
        await client.create_tag(name, "DATASET")
        await version.create_label(name)
    for limit in (None, 10, 20):
        assert len({each.name for each in await lake.list_data_tags()}) == 16
        assert len({each.name for each in await version.list_asset_tags()}) == 16
        assert len({each.name for each in await client.list_tags("DATASET")}) == 16
        assert len({each.name for each in await version.list_labels()}) == 16
        datasets = [each.name for each in await client.list_datasets(limit=limit)]
        versions = [each.version for each in await dataset.list_versions(limit=limit)]
        # Beside those there is the one that was there before.
        assert len(set(datasets)) == len(datasets) == min(17, limit or 17)
        assert len(set(versions)) == len(versions) == min(17, limit or 17)
