"""Assets: adding data, listing them in every way, finding one, taking them out."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest

from headrace.errors import BadRequestError, ConflictError, NotFoundError
from headrace.model.enums import JobStatus
from headrace.protocol.operations import assets, datalake, jobs, tags
from tests.support.lakes.stocked_lake import HEIGHT, WIDTH, Filled, Stocked, stranger


async def test_added_data_are_assets_newest_first(lake: Stocked) -> None:
    version = await lake.version()
    data = await lake.add_data(3)
    answer = await lake.call(assets.ADD_DATA, version_id=version.id, data_ids=data)
    assert answer.job.status is JobStatus.SUCCESS
    job = await lake.call(jobs.GET_JOB, job_id=answer.job.id)
    assert job == answer.job
    page = await lake.call(assets.LIST_ASSETS, version_id=version.id)
    assert [asset.data.id for asset in page.items] == data[::-1]
    assert (page.count, page.next_cursor) == (3, None)
    asset = page.items[0]
    assert asset.data.meta is not None
    assert (asset.data.meta.width, asset.data.meta.height) == (WIDTH, HEIGHT)
    assert asset.data.presigned_url == "lake:" + asset.data.object_name


async def test_data_added_twice_is_one_asset_that_gains_the_tags(lake: Stocked) -> None:
    version = await lake.version()
    data = await lake.add_data(3)
    tag = await lake.call(tags.CREATE_ASSET_TAG, version_id=version.id, name="night")
    await lake.call(assets.ADD_DATA, version_id=version.id, data_ids=[data[0], data[1], data[0]])
    await lake.call(
        assets.ADD_DATA, version_id=version.id, data_ids=data[1:], asset_tag_ids=[tag.id]
    )
    page = await lake.call(assets.LIST_ASSETS, version_id=version.id)
    assert [asset.data.id for asset in page.items] == data[::-1]
    tagged = await lake.call(assets.LIST_ASSETS, version_id=version.id, q='tags.name = "night"')
    assert [asset.data.id for asset in tagged.items] == [data[2], data[1]]
    one = await lake.call(assets.GET_ASSET, asset_id=page.items[1].id)
    assert [found.name for found in one.tags] == ["night"]


async def test_what_cannot_be_an_asset_refuses_the_whole_call(lake: Stocked) -> None:
    version = await lake.version()
    good = await lake.add_data(2)
    tag = await lake.call(tags.CREATE_ASSET_TAG, version_id=version.id, name="x")
    sibling = await lake.version("v2", dataset=version.origin_id)
    foreign = await (await stranger(lake)).add_data(1)
    for bad, error in (
        (await lake.add_data(1, status="PENDING"), BadRequestError),
        (await lake.add_data(1, status="ERROR"), BadRequestError),
        (await lake.add_data(1, width=None), BadRequestError),
        ([uuid4()], NotFoundError),
        ([version.id], NotFoundError),
        (foreign, NotFoundError),
    ):
        with pytest.raises(error):
            await lake.call(assets.ADD_DATA, version_id=version.id, data_ids=[*good, *bad])
    for version_id, tag_id in ((sibling.id, tag.id), (version.id, uuid4())):
        with pytest.raises(NotFoundError):
            await lake.call(
                assets.ADD_DATA, version_id=version_id, data_ids=good, asset_tag_ids=[tag_id]
            )
    with pytest.raises(BadRequestError, match="10000"):
        await lake.call(assets.ADD_DATA, version_id=version.id, data_ids=good * 5001)
    assert (await lake.call(assets.LIST_ASSETS, version_id=version.id)).count == 0


async def test_nothing_added_is_a_job_all_the_same(lake: Stocked) -> None:
    version = await lake.version()
    answer = await lake.call(assets.ADD_DATA, version_id=version.id, data_ids=[])
    assert answer.job.status is JobStatus.SUCCESS


async def test_pages_by_cursor_hold_every_asset_once(lake: Stocked) -> None:
    filled = await lake.filled(11)
    seen: list[str] = []
    cursor, sizes = None, []
    while True:
        page = await lake.call(assets.LIST_ASSETS, version_id=filled.id, limit=4, cursor=cursor)
        assert page.count == 11
        seen += [str(asset.id) for asset in page.items]
        sizes.append(len(page.items))
        cursor = page.next_cursor
        if cursor is None:
            break
    assert sizes == [4, 4, 3]
    assert seen == filled.assets[::-1]


async def test_a_cursor_goes_on_past_assets_added_or_deleted_meanwhile(lake: Stocked) -> None:
    filled = await lake.filled(6)
    first = await lake.call(assets.LIST_ASSETS, version_id=filled.id, limit=2)
    await lake.fill(filled.id, 2)
    await lake.call(assets.DELETE_ASSET, asset_id=UUID(filled.assets[4]))
    second = await lake.call(
        assets.LIST_ASSETS, version_id=filled.id, limit=9, cursor=first.next_cursor
    )
    assert [str(asset.id) for asset in second.items] == filled.assets[3::-1]


async def test_a_cursor_belongs_to_its_filters(lake: Stocked) -> None:
    filled = await lake.filled(3)
    page = await lake.call(assets.LIST_ASSETS, version_id=filled.id, limit=1)
    for changed in ({"q": 'filename = "x"'}, {"types": []}):
        with pytest.raises(BadRequestError, match="another listing"):
            await lake.call(
                assets.LIST_ASSETS, version_id=filled.id, cursor=page.next_cursor, **changed
            )
    other = await lake.filled(1, "other")
    with pytest.raises(BadRequestError):
        await lake.call(assets.LIST_ASSETS, version_id=other.id, cursor=page.next_cursor)
    with pytest.raises(BadRequestError):
        await lake.call(assets.LIST_ASSETS, version_id=filled.id, cursor="x" + "y" * 30)


async def test_ordered_pages_go_by_offset(lake: Stocked) -> None:
    filled = await lake.filled(5)

    async def page(*order: str, **more: int) -> list[str]:
        listed = await lake.call(
            assets.LIST_ASSETS, version_id=filled.id, order_by=list(order), **more
        )
        assert (listed.count, listed.next_cursor) == (5, None)
        return [str(asset.id) for asset in listed.items]

    assert await page("created_at") == filled.assets
    assert await page("filename", limit=2, offset=1) == filled.assets[1:3]
    assert await page("-filename") == filled.assets[::-1]
    # Equal widths: the newest first.
    assert await page("width", "-height") == filled.assets[::-1]
    with pytest.raises(BadRequestError, match="filename"):
        await page("name")


async def test_offset_without_an_order_starts_a_cursor_listing(lake: Stocked) -> None:
    filled = await lake.filled(5)
    page = await lake.call(assets.LIST_ASSETS, version_id=filled.id, limit=2, offset=1)
    assert [str(asset.id) for asset in page.items] == [filled.assets[3], filled.assets[2]]
    rest = await lake.call(
        assets.LIST_ASSETS, version_id=filled.id, limit=2, cursor=page.next_cursor
    )
    assert [str(asset.id) for asset in rest.items] == [filled.assets[1], filled.assets[0]]


async def test_filters_count_what_they_leave(lake: Stocked) -> None:
    filled = await lake.filled(4)
    page = await lake.call(
        assets.LIST_ASSETS, version_id=filled.id, q='filename < "img_00003.png"', limit=1
    )
    assert (page.count, len(page.items)) == (2, 1)
    none = await lake.call(assets.LIST_ASSETS, version_id=filled.id, upload_statuses=[])
    assert none.count == 0


async def test_every_list_of_keys_names_the_same_assets(lake: Stocked) -> None:
    filled = await lake.filled(5)
    everything = await lake.call(assets.LIST_ASSETS, version_id=filled.id)
    wanted = everything.items[1:4]
    keys = {
        "ids": [asset.id for asset in wanted],
        "data_ids": [asset.data.id for asset in wanted],
        "object_names": [asset.data.object_name for asset in wanted],
        "filenames": [asset.data.filename for asset in wanted],
        "filename_startswith": [asset.data.filename[:-4] for asset in wanted],
    }
    strangers = {"ids": [uuid4()], "data_ids": [uuid4()]}
    for name, values in keys.items():
        asked = values[::-1] + values + strangers.get(name, ["no such name"])
        page = await lake.call(assets.LIST_ASSETS_BY_KEY, version_id=filled.id, **{name: asked})
        assert page.items == wanted, name
        assert (page.count, page.next_cursor) == (3, None)


async def test_keys_of_other_versions_name_nothing(lake: Stocked) -> None:
    filled, other = await lake.filled(2, "one"), await lake.filled(2, "two")
    for name, values in (
        ("ids", [UUID(asset) for asset in other.assets]),
        ("data_ids", other.data),
    ):
        page = await lake.call(assets.LIST_ASSETS_BY_KEY, version_id=filled.id, **{name: values})
        assert (page.items, page.count) == ([], 0)


async def test_ids_that_only_look_alike_name_nothing(lake: Stocked) -> None:
    filled = await lake.filled(1)
    for name, genuine in (("ids", UUID(filled.assets[0])), ("data_ids", filled.data[0])):
        forged = UUID(int=genuine.int ^ 1 << 90)  # another time of creation
        page = await lake.call(assets.LIST_ASSETS_BY_KEY, version_id=filled.id, **{name: [forged]})
        assert page.items == []
        with pytest.raises(NotFoundError):
            await lake.call(
                assets.FIND_ASSET,
                version_id=filled.id,
                **{"id" if name == "ids" else "data_id": forged},
            )
    with pytest.raises(NotFoundError):
        await lake.call(assets.GET_ASSET, asset_id=UUID(int=UUID(filled.assets[0]).int ^ 1 << 90))
    with pytest.raises(NotFoundError):
        forged = UUID(int=filled.data[0].int ^ 1 << 90)
        await lake.call(assets.ADD_DATA, version_id=filled.id, data_ids=[forged])


async def test_prefixes_that_hold_each_other_name_an_asset_once(lake: Stocked) -> None:
    filled = await lake.filled(3)
    page = await lake.call(
        assets.LIST_ASSETS_BY_KEY,
        version_id=filled.id,
        filename_startswith=["img_0000", "img_00001", "img", "img_00001.png"],
    )
    assert len(page.items) == 3
    everything = await lake.call(
        assets.LIST_ASSETS_BY_KEY, version_id=filled.id, filename_startswith=[""]
    )
    assert len(everything.items) == 3


async def test_prefixes_are_no_patterns(lake: Stocked) -> None:
    version = await lake.version()
    names = ["100%_a", "100x_b", "ö", "öa", "p", "z"]
    for name in names:
        data = await lake.add_data(1, name=name)
        await lake.call(assets.ADD_DATA, version_id=version.id, data_ids=data)

    async def begin(*prefixes: str) -> int:
        page = await lake.call(
            assets.LIST_ASSETS_BY_KEY,
            version_id=version.id,
            filename_startswith=list(prefixes),
        )
        return page.count

    assert [await begin(p) for p in ("100%", "100_", "ö", "o", "[p-z]")] == [1, 0, 2, 0, 0]


async def test_a_key_listing_with_a_limit_is_a_page(lake: Stocked) -> None:
    filled = await lake.filled(5)
    page = await lake.call(
        assets.LIST_ASSETS_BY_KEY,
        version_id=filled.id,
        ids=[UUID(asset) for asset in filled.assets],
        limit=2,
        offset=3,
    )
    assert [str(asset.id) for asset in page.items] == [filled.assets[1], filled.assets[0]]
    assert page.count == 5


async def test_exactly_one_list_of_keys(lake: Stocked) -> None:
    filled = await lake.filled(1)
    for keys in ({}, {"ids": [], "filenames": []}):
        with pytest.raises(BadRequestError):
            await lake.call(assets.LIST_ASSETS_BY_KEY, version_id=filled.id, **keys)
    page = await lake.call(assets.LIST_ASSETS_BY_KEY, version_id=filled.id, filenames=[])
    assert (page.items, page.count) == ([], 0)


async def test_finding_one_asset(lake: Stocked) -> None:
    filled = await lake.filled(3)
    everything = (await lake.call(assets.LIST_ASSETS, version_id=filled.id)).items
    first, second = everything[:2]
    for wish in (
        {"id": first.id},
        {"data_id": first.data.id},
        {"filename": first.data.filename},
        {"object_name": first.data.object_name, "filename": first.data.filename, "id": first.id},
    ):
        assert await lake.call(assets.FIND_ASSET, version_id=filled.id, **wish) == first
    for wish in (
        {"filename": "nothing"},
        {"id": uuid4()},
        {"id": first.id, "filename": second.data.filename},
    ):
        with pytest.raises(NotFoundError):
            await lake.call(assets.FIND_ASSET, version_id=filled.id, **wish)
    with pytest.raises(BadRequestError):
        await lake.call(assets.FIND_ASSET, version_id=filled.id)


async def test_several_finds_are_refused_with_the_candidates(lake: Stocked) -> None:
    filled = await lake.filled(2)
    await _rename_data(lake, "same.png")
    with pytest.raises(ConflictError) as caught:
        await lake.call(assets.FIND_ASSET, version_id=filled.id, filename="same.png")
    assert caught.value.detail == filled.assets[::-1]
    assert filled.assets[0] in str(caught.value)


async def test_deleting_assets(lake: Stocked) -> None:
    filled = await lake.filled(5)
    gone = [UUID(asset) for asset in filled.assets[:2]]
    for _ in range(2):  # the second call is a retry
        await lake.call(assets.DELETE_ASSETS, version_id=filled.id, ids=gone)
    await lake.call(assets.DELETE_ASSET, asset_id=UUID(filled.assets[2]))
    for call in (assets.DELETE_ASSET, assets.GET_ASSET):
        with pytest.raises(NotFoundError):
            await lake.call(call, asset_id=UUID(filled.assets[2]))
    page = await lake.call(assets.LIST_ASSETS, version_id=filled.id)
    assert [str(asset.id) for asset in page.items] == [filled.assets[4], filled.assets[3]]
    assert page.count == 2
    other = await lake.filled(1, "other")
    with pytest.raises(NotFoundError):
        await lake.call(
            assets.DELETE_ASSETS,
            version_id=filled.id,
            ids=[UUID(filled.assets[3]), UUID(other.assets[0])],
        )
    assert (await lake.call(assets.LIST_ASSETS, version_id=filled.id)).count == 2


async def test_an_id_is_never_given_twice(lake: Stocked) -> None:
    filled = await lake.filled(2)
    await lake.call(assets.DELETE_ASSET, asset_id=UUID(filled.assets[1]))
    await lake.call(assets.ADD_DATA, version_id=filled.id, data_ids=filled.data)
    page = await lake.call(assets.LIST_ASSETS, version_id=filled.id)
    assert filled.assets[1] not in {str(asset.id) for asset in page.items}
    assert page.count == 2


async def test_deleted_data_leave_every_version(lake: Stocked) -> None:
    one = await lake.filled(3, "one")
    two = await lake.version("two", dataset=(await lake.dataset("second")).id)
    await lake.call(assets.ADD_DATA, version_id=two.id, data_ids=one.data)
    await one.send(one.item(0, 1, 2), one.item(1, 3))
    await lake.call(datalake.DELETE_DATA, data_id=one.data[0])
    for version in (one.id, two.id):
        page = await lake.call(assets.LIST_ASSETS, version_id=version)
        assert [asset.data.id for asset in page.items] == [one.data[2], one.data[1]]
        assert page.count == 2
    stats = await one.stats()
    assert (stats.label_repartition, stats.nb_annotations) == ({"a": 1}, 1)


async def _rename_data(lake: Stocked, name: str) -> None:
    with lake.raw() as connection:
        connection.execute("update data set filename = ?", (name,))
        connection.execute("update asset set filename = ?", (name,))


async def test_assets_of_a_filled_version(filled: Filled) -> None:
    stats = await filled.stats()
    assert (stats.nb_assets, stats.nb_annotations, stats.nb_objects) == (5, 0, 0)
    assert stats.label_repartition == {}
