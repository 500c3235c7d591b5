"""Listings of a lake's data: pages, orders, keys, finds."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import uuid4

import pytest

from headrace.errors import BadRequestError, ConflictError, NotFoundError
from headrace.model.enums import DataType, DataUploadStatus
from headrace.model.records import DataRecord
from headrace.protocol.operations.datalake import (
    DELETE_DATA,
    FIND_DATA,
    FIND_DATALAKE,
    GET_DATALAKE,
    LIST_DATA,
    LIST_DATA_BY_KEY,
    LIST_DATALAKES,
    DataId,
    FindData,
    FindDatalake,
    GetDatalake,
    ListData,
    ListDataByKey,
    ListDatalakes,
)
from tests.support.lakes.lake import Lake


async def fill(lake: Lake, count: int) -> list[DataRecord]:
    return [await lake.add(f"{number % 5}-{number}.png") for number in range(count)]


async def page_through(lake: Lake, limit: int, **more: Any) -> list[DataRecord]:
    items: list[DataRecord] = []
    cursor = None
    while True:
        request = ListData(datalake_id=lake.id, limit=limit, cursor=cursor, **more)
        page = await lake.call(LIST_DATA, request)
        assert len(page.items) <= limit
        items += page.items
        cursor = page.next_cursor
        if cursor is None:
            assert page.count == len(items)
            return items
        assert len(page.items) == limit


async def test_lakes_are_found_by_default_by_name_and_by_id(lake: Lake, stranger: Lake) -> None:
    organization = lake.organization
    for request in (
        FindDatalake(organization_id=organization),
        FindDatalake(organization_id=organization, name="default"),
        FindDatalake(organization_id=organization, id=lake.id),
    ):
        assert await lake.call(FIND_DATALAKE, request) == lake.record
    assert await lake.call(GET_DATALAKE, GetDatalake(datalake_id=lake.id)) == lake.record
    listed = await lake.call(LIST_DATALAKES, ListDatalakes(organization_id=organization))
    assert listed.items == [lake.record]
    for request in (
        FindDatalake(organization_id=organization, name="nope"),
        FindDatalake(organization_id=organization, id=stranger.id),
        FindDatalake(organization_id=stranger.organization),
    ):
        with pytest.raises(NotFoundError):
            await lake.call(FIND_DATALAKE, request)
    for wrong in (stranger.id, lake.connector, uuid4()):
        with pytest.raises(NotFoundError):
            await lake.call(GET_DATALAKE, GetDatalake(datalake_id=wrong))
        with pytest.raises(NotFoundError):
            await lake.call(LIST_DATA, ListData(datalake_id=wrong))


@pytest.mark.parametrize("limit", [1, 2, 7, 23, 24, 1000])
async def test_pages_hold_everything_once_newest_first(lake: Lake, limit: int) -> None:
    added = await fill(lake, 23)
    items = await page_through(lake, limit)
    assert [item.id for item in items] == [item.id for item in reversed(added)]


async def test_a_listing_is_stable_while_data_come_and_go(lake: Lake) -> None:
    added = await fill(lake, 10)
    first = await lake.call(LIST_DATA, ListData(datalake_id=lake.id, limit=4))
    await lake.add("new.png")
    await lake.call(DELETE_DATA, DataId(data_id=added[0].id))
    rest = await lake.call(
        LIST_DATA, ListData(datalake_id=lake.id, limit=100, cursor=first.next_cursor)
    )
    seen = [item.id for item in first.items + rest.items]
    assert seen == [item.id for item in reversed(added[1:])]


async def test_an_offset_passes_over_items_once(lake: Lake) -> None:
    added = await fill(lake, 5)
    page = await lake.call(LIST_DATA, ListData(datalake_id=lake.id, limit=2, offset=1))
    assert [item.id for item in page.items] == [added[3].id, added[2].id]
    assert page.count == 5
    rest = await lake.call(
        LIST_DATA, ListData(datalake_id=lake.id, limit=2, cursor=page.next_cursor)
    )
    assert [item.id for item in rest.items] == [added[1].id, added[0].id]


async def test_cursors_of_other_filters_or_of_no_listing_are_refused(lake: Lake) -> None:
    await fill(lake, 3)
    page = await lake.call(LIST_DATA, ListData(datalake_id=lake.id, limit=1))
    for request in (
        ListData(datalake_id=lake.id, cursor=page.next_cursor, q='filename = "x"'),
        ListData(datalake_id=lake.id, cursor=page.next_cursor, types=[DataType.VIDEO]),
        ListData(datalake_id=lake.id, cursor="nonsense"),
        ListData(datalake_id=lake.id, cursor="é"),
    ):
        with pytest.raises(BadRequestError):
            await lake.call(LIST_DATA, request)


@pytest.mark.parametrize("values", [{"limit": 0}, {"limit": -1}, {"offset": -1}])
async def test_senseless_pages_are_refused(lake: Lake, values: dict[str, int]) -> None:
    with pytest.raises(BadRequestError):
        await lake.call(LIST_DATA, ListData(datalake_id=lake.id, **values))


async def test_orders_are_a_closed_set(lake: Lake) -> None:
    added = await fill(lake, 12)
    request = ListData(datalake_id=lake.id, order_by=["filename"], limit=5, offset=5)
    page = await lake.call(LIST_DATA, request)
    expected = sorted(item.filename for item in added)
    assert [item.filename for item in page.items] == expected[5:10]
    assert (page.count, page.next_cursor) == (12, None)
    newest = ListData(datalake_id=lake.id, order_by=["-created_at"])
    assert [item.id for item in (await lake.call(LIST_DATA, newest)).items] == [
        item.id for item in reversed(added)
    ]
    for bad in ("d.no", "filename; drop table data", "--filename", "", "\ud800", "sha256 desc"):
        with pytest.raises(BadRequestError, match="order by"):
            await lake.call(LIST_DATA, ListData(datalake_id=lake.id, order_by=[bad]))


async def test_equal_keys_are_paged_without_loss_or_repetition(lake: Lake) -> None:
    added = [await lake.add("same.png") for _ in range(9)]
    seen = []
    for offset in range(0, 9, 2):
        request = ListData(datalake_id=lake.id, order_by=["filename"], limit=2, offset=offset)
        seen += [item.id for item in (await lake.call(LIST_DATA, request)).items]
    assert sorted(seen) == sorted(item.id for item in added)


async def test_filters_narrow_pages_and_their_count(lake: Lake) -> None:
    await fill(lake, 10)
    video = await lake.call(
        *_registered(lake, await lake.store(b"v"), type=DataType.VIDEO, filename="v.mp4")
    )
    assert [item.id for item in await page_through(lake, 3, types=[DataType.VIDEO])] == [video.id]
    odd = await lake.call(*_registered(lake, await lake.store(b"v"), filename="v.png"))
    broken = await page_through(lake, 3, upload_statuses=[DataUploadStatus.ERROR])
    assert [item.id for item in broken] == [odd.id]
    assert len(await page_through(lake, 2, q='filename startswith "1-"')) == 2
    with pytest.raises(BadRequestError):
        await lake.call(LIST_DATA, ListData(datalake_id=lake.id, q="nonsense ="))


async def test_keys_name_data_whatever_their_number(lake: Lake) -> None:
    added = await fill(lake, 6)
    same = await lake.add(added[0].filename)

    async def ids(**keys: Any) -> list[Any]:
        page = await lake.call(LIST_DATA_BY_KEY, ListDataByKey(datalake_id=lake.id, **keys))
        assert page.next_cursor is None
        assert page.count == len(page.items)
        return [item.id for item in page.items]

    wanted = [added[4].id, added[2].id]
    assert await ids(ids=[*reversed(wanted), uuid4(), lake.id, wanted[0]]) == wanted
    assert await ids(object_names=[added[1].object_name, "nope"]) == [added[1].id]
    assert await ids(filenames=[added[0].filename]) == [same.id, added[0].id]
    assert await ids(filenames=['"; drop', "\0", ""]) == []
    assert await ids(ids=wanted, order_by=["created_at"]) == wanted[::-1]
    assert await ids(ids=wanted, q=f'filename = "{added[2].filename}"') == [added[2].id]


async def test_many_keys_are_answered_by_offset_pages(lake: Lake) -> None:
    added = await fill(lake, 5)
    ids = [item.id for item in added] + [uuid4() for _ in range(1500)]
    with pytest.raises(BadRequestError, match="1505 keys"):
        await lake.call(LIST_DATA_BY_KEY, ListDataByKey(datalake_id=lake.id, ids=ids))
    seen = []
    for offset in (0, 2, 4):
        request = ListDataByKey(datalake_id=lake.id, ids=ids, limit=2, offset=offset)
        page = await lake.call(LIST_DATA_BY_KEY, request)
        assert page.count == 5
        seen += [item.id for item in page.items]
    assert seen == [item.id for item in reversed(added)]


async def test_exactly_one_list_of_keys_is_named(lake: Lake) -> None:
    for keys in ({}, {"ids": [], "filenames": []}):
        with pytest.raises(BadRequestError, match="one list"):
            await lake.call(LIST_DATA_BY_KEY, ListDataByKey(datalake_id=lake.id, **keys))
    page = await lake.call(LIST_DATA_BY_KEY, ListDataByKey(datalake_id=lake.id, ids=[]))
    assert (page.items, page.count) == ([], 0)


async def test_find_wants_exactly_one_match(lake: Lake, stranger: Lake) -> None:
    added = await fill(lake, 3)
    twin = await lake.add(added[0].filename)

    async def find(**criteria: Any) -> DataRecord:
        return await lake.call(FIND_DATA, FindData(datalake_id=lake.id, **criteria))

    assert (await find(id=added[1].id)).id == added[1].id
    assert (await find(filename=added[1].filename)).id == added[1].id
    assert (await find(object_name=added[1].object_name)).id == added[1].id
    both = {"filename": twin.filename, "object_name": twin.object_name}
    assert (await find(**both)).id == twin.id
    with pytest.raises(ConflictError) as caught:
        await find(filename=twin.filename)
    assert isinstance(caught.value.detail, list)
    assert [line.split()[0] for line in caught.value.detail] == [str(twin.id), str(added[0].id)]
    theirs = await stranger.add("theirs.png")
    for criteria in (
        {"filename": "nope"},
        {"id": added[1].id, "filename": "nope"},
        {"id": theirs.id},
        {"filename": "theirs.png"},
        {"filename": added[1].filename, "types": [DataType.VIDEO]},
    ):
        with pytest.raises(NotFoundError):
            await find(**criteria)
    with pytest.raises(BadRequestError):
        await find()


async def test_listings_of_two_organizations_never_mix(lake: Lake, stranger: Lake) -> None:
    await asyncio.gather(*[who.add("same.png") for who in (lake, stranger) for _ in range(5)])
    mine, theirs = await page_through(lake, 2), await page_through(stranger, 2)
    assert len(mine) == len(theirs) == 5
    assert not {item.id for item in mine} & {item.id for item in theirs}


def _registered(lake: Lake, name: str, **more: Any) -> tuple[Any, Any]:
    from headrace.protocol.operations.datalake import REGISTER_DATA

    return REGISTER_DATA, lake.registration(name, **more)
