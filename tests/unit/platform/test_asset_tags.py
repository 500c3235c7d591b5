"""Tags of a version's assets, and data that leave with their assets."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from headrace.errors import ConflictError, LockedError, NotFoundError
from headrace.model.enums import TagTarget
from headrace.protocol.operations import assets, datalake, tags
from tests.support.lakes.stocked_lake import Filled, Stocked, stocked


@pytest.fixture
async def stock(tmp_path: Path) -> AsyncIterator[Stocked]:
    async with stocked(tmp_path / "lake") as opened:
        yield opened


@pytest.fixture
async def version(stock: Stocked) -> Filled:
    return await stock.filled(5)


async def tag_on(version: Filled, name: str = "t") -> Any:
    return await version.lake.call(tags.CREATE_ASSET_TAG, version_id=version.id, name=name)


async def lock(version: Filled) -> None:
    with version.lake.raw() as connection:
        connection.execute("update version set locked = 1")


async def test_tags_of_a_version_are_its_own(stock: Stocked, version: Filled) -> None:
    other = await stock.filled(1, "v2")
    tag, twin = await tag_on(version), await tag_on(other)
    assert tag.target_type is TagTarget.ASSET
    assert tag.id != twin.id
    with pytest.raises(ConflictError):
        await tag_on(version)
    found = await stock.call(tags.FIND_ASSET_TAG, version_id=version.id, name="t")
    assert found == tag
    listed = await stock.call(tags.LIST_ASSET_TAGS, version_id=version.id)
    assert listed.items == [tag]
    for wrong in (version.data[0], stock.access.organization_id):
        with pytest.raises(NotFoundError):
            await stock.call(tags.LIST_ASSET_TAGS, version_id=wrong)


async def test_assets_are_tagged_and_found_by_their_tags(stock: Stocked, version: Filled) -> None:
    other = await stock.filled(1, "v2")
    tag = await tag_on(version)
    ids = [*version.assets[:3], other.assets[0], str(version.id), str(version.data[0])]
    for _ in range(2):
        answer = await stock.call(tags.ATTACH_TAG, tag_id=tag.id, ids=_uuids(ids))
        assert (answer.tag, answer.count) == (tag, 3)
    page = await stock.call(assets.LIST_ASSETS, version_id=version.id, q='tags.name = "t"')
    assert sorted(str(item.id) for item in page.items) == sorted(version.assets[:3])
    asset = await stock.call(assets.GET_ASSET, asset_id=_uuids(version.assets)[0])
    assert asset.tags == [tag]
    answer = await stock.call(tags.DETACH_TAG, tag_id=tag.id, ids=_uuids(version.assets[:1]))
    assert answer.count == 1
    await stock.call(tags.DELETE_TAG, tag_id=tag.id)
    asset = await stock.call(assets.GET_ASSET, asset_id=_uuids(version.assets)[1])
    assert asset.tags == []


async def test_a_locked_version_keeps_its_tags_as_they_are(stock: Stocked, version: Filled) -> None:
    tag = await tag_on(version)
    await lock(version)
    for operation, fields in (
        (tags.CREATE_ASSET_TAG, {"version_id": version.id, "name": "u"}),
        (tags.UPDATE_TAG, {"tag_id": tag.id, "name": "u"}),
        (tags.DELETE_TAG, {"tag_id": tag.id}),
        (tags.ATTACH_TAG, {"tag_id": tag.id, "ids": _uuids(version.assets)}),
        (tags.DETACH_TAG, {"tag_id": tag.id, "ids": _uuids(version.assets)}),
    ):
        with pytest.raises(LockedError):
            await stock.call(operation, **fields)
    assert await stock.call(tags.GET_TAG, tag_id=tag.id) == tag


async def test_data_in_a_locked_version_stay(stock: Stocked, version: Filled) -> None:
    await lock(version)
    with pytest.raises(LockedError, match="is locked"):
        await stock.call(datalake.DELETE_DATA, data_id=version.data[0])
    data = await stock.call(datalake.GET_DATA, data_id=version.data[0])
    assert data.id == version.data[0]
    page = await stock.call(assets.LIST_ASSETS, version_id=version.id)
    assert page.count == 5


async def test_many_data_leave_with_their_assets_and_tags(stock: Stocked, version: Filled) -> None:
    tag = await tag_on(version)
    await stock.call(tags.ATTACH_TAG, tag_id=tag.id, ids=_uuids(version.assets))
    await stock.fill(version.id, 700)
    lake = await stock.call(datalake.FIND_DATALAKE, organization_id=stock.access.organization_id)
    page = await stock.call(datalake.LIST_DATA, datalake_id=lake.id)
    doomed = [item.id for item in page.items if item.id != version.data[0]]
    await stock.call(datalake.DELETE_MANY_DATA, datalake_id=lake.id, ids=doomed)
    left = await stock.call(assets.LIST_ASSETS, version_id=version.id)
    assert [str(item.id) for item in left.items] == [version.assets[0]]
    assert left.count == 1
    with stock.raw() as connection:
        for table in ("data", "asset", "asset_tag"):
            assert connection.execute(f"select count(*) from {table}").fetchone() == (1,)


def _uuids(ids: list[str]) -> list[Any]:
    from uuid import UUID

    return [UUID(text) for text in ids]
