"""What every ``list_*`` gives: whole or streamed, exact limits, filters that mean the same on both doors."""

from __future__ import annotations

import pytest

from headrace.errors import BadRequestError
from headrace.sdk.asset import Asset, MultiAsset
from headrace.sdk.client.client import Client
from headrace.sdk.version.dataset_version import DatasetVersion

NAMES = [f"image_{index:04d}.jpg" for index in range(12)]


async def test_a_listing_is_awaited_or_walked_over(version: DatasetVersion) -> None:
    whole = await version.list_assets()
    walked = [asset async for asset in version.list_assets()]
    streamed = [asset async for asset in version.iter_assets()]
    assert isinstance(whole, MultiAsset)
    assert isinstance(whole[0], Asset)
    assert list(whole) == walked == streamed
    assert [asset.filename for asset in whole] == NAMES[::-1]


async def test_a_listing_tells_its_first_its_count_and_its_ids(version: DatasetVersion) -> None:
    listing = version.list_assets(order_by=["filename"])
    first = await listing.first()
    assert first is not None
    assert first.filename == NAMES[0]
    assert await listing.count() == len(await listing.ids()) == 12
    assert [len(page) async for page in listing.pages()] == [12]
    assert await version.list_assets(limit=5, offset=10).count() == 2
    assert await version.list_assets(filenames=["no"]).first() is None


async def test_nothing_found_is_an_empty_list(version: DatasetVersion) -> None:
    for listing in (
        version.list_assets(filenames=["none.jpg"]),
        version.list_assets(tags="no such tag"),
        version.list_assets(filenames=[]),
        version.list_assets(limit=0),
    ):
        assert list(await listing) == []


@pytest.mark.parametrize(("limit", "offset", "expected"), [(5, 0, 5), (5, 10, 2), (None, 7, 5)])
@pytest.mark.parametrize("order_by", [None, ["filename"], ["-filename"]])
async def test_limits_and_offsets_are_exact(
    version: DatasetVersion,
    limit: int | None,
    offset: int,
    expected: int,
    order_by: list[str] | None,
) -> None:
    found = await version.list_assets(limit=limit, offset=offset, order_by=order_by)
    ordered = NAMES if order_by == ["filename"] else NAMES[::-1]
    assert [a.filename for a in found] == ordered[offset:][:expected]


async def test_limits_hold_for_key_lists(version: DatasetVersion) -> None:
    found = await version.list_assets(filenames=NAMES, limit=3, offset=2, order_by=["filename"])
    assert [a.filename for a in found] == NAMES[2:5]


async def test_keys_of_every_kind(version: DatasetVersion) -> None:
    assets = await version.list_assets(order_by=["filename"])
    wanted = assets[3:6]
    for listing in (
        version.list_assets(ids=wanted.ids),
        version.list_assets(ids=[str(each) for each in wanted.ids]),
        version.list_assets(filenames=[a.filename for a in wanted]),
        version.list_assets(object_names=[a.object_name for a in wanted]),
        version.list_assets(data_ids=[a.data_id for a in wanted]),
        version.list_assets(filenames_startswith=NAMES[3:6]),
    ):
        assert set(await listing.ids()) == set(wanted.ids)


async def test_long_key_lists_are_cut_and_each_asset_comes_once(version: DatasetVersion) -> None:
    keys = [f"absent_{index}.jpg" for index in range(2_500)] + NAMES * 3
    found = await version.list_assets(filenames=keys)
    assert sorted(a.filename for a in found) == NAMES


async def test_two_key_lists_are_refused_before_anything_is_sent(version: DatasetVersion) -> None:
    with pytest.raises(BadRequestError, match="filenames and ids"):
        version.list_assets(filenames=["a"], ids=[version.id])
    with pytest.raises(BadRequestError, match="limit is -1"):
        version.list_assets(limit=-1)
    with pytest.raises(BadRequestError, match="is not an id"):
        version.list_assets(ids=["nonsense"])


async def test_tag_names_cannot_rewrite_the_query(version: DatasetVersion) -> None:
    nasty = 'a") or filename startswith "image'
    tag = await version.create_asset_tag(nasty)
    some = await version.list_assets(limit=2)
    await some.add_tags(tag)
    assert set(await version.list_assets(tags=nasty).ids()) == set(some.ids)
    assert set(await version.list_assets(tags=[tag]).ids()) == set(some.ids)


async def test_the_callers_query_keeps_its_meaning_beside_tags(version: DatasetVersion) -> None:
    tag = await version.create_asset_tag("t")
    tagged = await version.list_assets(filenames=[NAMES[0]])
    await tagged.add_tags(tag)
    q = f'filename = "{NAMES[0]}" or filename = "{NAMES[1]}"'
    assert await version.list_assets(tags="t", q=q).ids() == tagged.ids
    assert await version.list_assets(q=q).count() == 2


async def test_one_or_every_tag(version: DatasetVersion) -> None:
    a, b = await version.create_asset_tag("a"), await version.create_asset_tag("b")
    assets = await version.list_assets()
    await assets[:4].add_tags(a)
    await assets[2:6].add_tags([b])
    assert await version.list_assets(tags=["a", "b"]).count() == 6
    assert await version.list_assets(tags=["a", "b"], intersect_tags=True).count() == 2
    await assets[:3].remove_tags(a)
    assert await version.list_assets(tags="a").count() == 1


async def test_data_of_a_lake_are_listed_alike(client: Client, version: DatasetVersion) -> None:
    lake = await client.get_datalake()
    data = await lake.list_data(order_by=["filename"])
    assert [d.filename for d in data] == NAMES
    assert [d.datalake_id for d in data] == [lake.id] * 12
    assert [d.id async for d in lake.iter_data(limit=3)] == (await lake.list_data(limit=3)).ids
    assert set(await lake.list_data(object_names=[d.object_name for d in data[:2]]).ids()) == set(
        data[:2].ids
    )
    tag = await lake.get_or_create_data_tag("kept")
    await data[:5].add_tags(tag)
    assert await lake.list_data(tags="kept").count() == 5
    assert await version.list_assets(data_tags=["kept"]).count() == 5


async def test_an_unread_listing_says_what_to_do(version: DatasetVersion) -> None:
    assert (
        repr(version.list_assets()) == "<list_assets: await it, or iterate over it with async for>"
    )
