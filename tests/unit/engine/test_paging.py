"""Listings against platforms that cut pages as they like."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import anyio
import anyio.lowlevel
import pytest

from headrace.backend.base import Limits
from headrace.engine.paging import CursorListing, KeyListing
from headrace.errors import ServerError
from headrace.model.records import DatalakeRecord, Page
from headrace.protocol.operations.datalake import (
    LIST_DATA,
    LIST_DATA_BY_KEY,
    ListData,
    ListDataByKey,
)
from headrace.tasks import map_bounded

LAKE = UUID(int=1)


def item(number: int) -> DatalakeRecord:
    return DatalakeRecord(id=UUID(int=number), name=str(number))


class Platform:
    """Lists the numbers below ``total``, in pages of at most ``cap`` whatever is asked."""

    def __init__(self, total: int, cap: int) -> None:
        self.total = total
        self.cap = cap
        self.name = "platform"
        self.limits = Limits(concurrency=3)
        self.asked: list[Any] = []
        self.under_way = self.most_under_way = 0

    async def call(self, operation: Any, request: Any, /) -> Any:
        self.asked.append(request)
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        await anyio.lowlevel.checkpoint()
        self.under_way -= 1
        if operation is LIST_DATA_BY_KEY:
            found = [int(name) for name in request.filenames if int(name) < self.total]
            return Page(items=[item(number) for number in found], count=len(found))
        start = int(request.cursor) if request.cursor else request.offset or 0
        end = min(self.total, start + min(self.cap, request.limit))
        cursor = str(end) if end < self.total and not request.order_by else None
        return Page(
            items=[item(n) for n in range(start, end)], count=self.total, next_cursor=cursor
        )

    def file(self, data: Any, /) -> Any:
        raise AssertionError("nothing is downloaded here")

    def upload(self, path: Any, /, **more: Any) -> Any:
        raise AssertionError("nothing is uploaded here")

    async def aclose(self) -> None:
        """Nothing is open."""


async def all_of(pages: AsyncIterator[list[Any]]) -> list[int]:
    return [each.id.int for page in [p async for p in pages] for each in page]


@pytest.mark.parametrize("cap", [1000, 300, 7])
@pytest.mark.parametrize("order_by", [None, ["name"]])
@pytest.mark.parametrize("limit", [None, 0, 1, 999, 1000, 1500, 2001, 9999])
async def test_limits_are_exact_whatever_the_pages(
    cap: int, order_by: list[str] | None, limit: int | None
) -> None:
    """A page of less than was asked loses nothing; a limit between two pages is kept."""
    platform = Platform(2_300, cap)
    query = ListData(datalake_id=LAKE, limit=limit, offset=100, order_by=order_by)
    listing = CursorListing(platform, LIST_DATA, query)  # type: ignore[arg-type]
    expected = list(range(100, 2_300))[:limit]
    assert await all_of(listing.pages()) == expected
    assert await listing.count() == len(expected)
    assert await all_of(listing.pages(3)) == expected[:3]


async def test_a_platform_that_turns_in_circles_is_left() -> None:
    class Circles(Platform):
        async def call(self, operation: Any, request: Any, /) -> Any:
            return Page(items=[item(1)], count=9, next_cursor="again")

    listing = CursorListing(Circles(9, 9), LIST_DATA, ListData(datalake_id=LAKE))  # type: ignore[arg-type]
    with pytest.raises(ServerError, match="same cursor came twice"):
        await all_of(listing.pages())


async def test_keys_go_in_pieces_of_a_thousand_a_few_at_a_time() -> None:
    platform = Platform(10_000, 1000)
    keys = [str(n) for n in range(7_500)] + ["3", "4"]
    listing: KeyListing[Any] = KeyListing(
        platform, LIST_DATA_BY_KEY, ListDataByKey(datalake_id=LAKE), "filenames", keys
    )
    assert await all_of(listing.pages()) == list(range(7_500))
    assert [len(request.filenames) for request in platform.asked] == [1000] * 7 + [500]
    assert platform.most_under_way == 3


async def test_keys_with_a_limit_and_an_offset() -> None:
    query = ListDataByKey(datalake_id=LAKE, limit=1_200, offset=1_900)
    keys = [str(n) for n in range(5_000)]
    listing: KeyListing[Any] = KeyListing(
        Platform(10_000, 1000), LIST_DATA_BY_KEY, query, "filenames", keys
    )
    assert await all_of(listing.pages()) == list(range(1_900, 3_100))
    assert await listing.count() == 1_200


async def test_many_calls_keep_their_order_and_stop_at_the_first_error() -> None:
    running = 0

    async def work(number: int) -> int:
        nonlocal running
        running += 1
        await anyio.sleep(0.001 * (number % 3))
        running -= 1
        if number == 50:
            raise ValueError("fifty")
        return number

    assert await map_bounded(work, range(20), concurrency=4) == list(range(20))
    with pytest.raises(ValueError, match="fifty"):
        await map_bounded(work, range(1_000), concurrency=4)
    assert await map_bounded(work, [], concurrency=4) == []
