"""Listings as streams of pages: exact limits, any page length the other side chooses, long key lists in pieces.

No task outlives a page: the generators here hold no task group while they are suspended, so they may be left
half-way and closed from anywhere.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, Generic, Protocol, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from headrace.backend.base import Backend
from headrace.errors import ServerError
from headrace.model.records import Items, Page
from headrace.protocol.operation import Operation
from headrace.protocol.operations.listing import KEYS_PER_CALL, PAGE_SIZE, DataQuery, PageQuery
from headrace.tasks import map_bounded

T = TypeVar("T")
R = TypeVar("R")


class Listed(Protocol[R]):
    """Something that can be listed, as often as asked."""

    def pages(self, most: int | None = None) -> AsyncIterator[list[R]]:
        """The records by the page; no more than ``most`` in all."""
        ...

    async def count(self) -> int:
        """How many records :meth:`pages` gives."""
        ...


class CursorListing(Generic[R]):
    """A listing by cursor, or by offset where an order is asked for."""

    def __init__(
        self, backend: Backend, operation: Operation[Any, Page[R]], query: DataQuery
    ) -> None:
        self._backend = backend
        self._operation = operation
        self._query = query

    async def pages(self, most: int | None = None) -> AsyncIterator[list[R]]:
        """The records by the page; no more than ``most`` in all."""
        left = _least(self._query.limit, most)
        query = self._query
        start = query.offset or 0
        while left is None or left > 0:
            size = PAGE_SIZE if left is None else min(left, PAGE_SIZE)
            page = await self._backend.call(self._operation, replace(query, limit=size))
            items = page.items if left is None else page.items[:left]
            if not items:
                return
            yield items
            start += len(page.items)
            if left is not None:
                left -= len(items)
            if self._query.order_by:
                if start >= page.count:
                    return
                query = replace(query, offset=start)
            elif page.next_cursor:
                if page.next_cursor == query.cursor:
                    raise ServerError("the listing does not move on: it gave the same cursor twice")
                query = replace(query, offset=None, cursor=page.next_cursor)
            else:
                return

    async def count(self) -> int:
        """How many records :meth:`pages` gives."""
        query = replace(self._query, limit=1, offset=None)
        page = await self._backend.call(self._operation, query)
        return _within(page.count, self._query)


class OffsetListing(Generic[R]):
    """A listing by offset; by cursor where the other side gives one."""

    def __init__(
        self,
        backend: Backend,
        operation: Operation[Any, Page[R]],
        query: PageQuery,
        *,
        page_size: int = PAGE_SIZE,
    ) -> None:
        self._backend = backend
        self._operation = operation
        self._query = query
        self._size = min(page_size, PAGE_SIZE)

    async def pages(self, most: int | None = None) -> AsyncIterator[list[R]]:
        """The records by the page; no more than ``most`` in all."""
        left = _least(self._query.limit, most)
        query = self._query
        start = query.offset or 0
        while left is None or left > 0:
            size = self._size if left is None else min(left, self._size)
            page = await self._backend.call(self._operation, replace(query, limit=size))
            items = page.items if left is None else page.items[:left]
            if not items:
                return
            yield items
            start += len(page.items)
            if left is not None:
                left -= len(items)
            if page.next_cursor:
                query = replace(self._query, offset=None, cursor=page.next_cursor)
            elif start < page.count and "cursor" not in _given(query):
                query = replace(self._query, offset=start)
            else:
                return

    async def count(self) -> int:
        """How many records :meth:`pages` gives."""
        query = replace(self._query, limit=1, offset=None)
        page = await self._backend.call(self._operation, query)
        return _within(page.count, self._query)


class KeyListing(Generic[R]):
    """What a list of keys names, asked for in pieces of which several are under way at once.

    Each record comes once. The order asked for holds within each piece of 1,000 keys.
    """

    def __init__(
        self,
        backend: Backend,
        operation: Operation[Any, Page[R]],
        query: DataQuery,
        field: str,
        keys: Iterable[Any],
    ) -> None:
        self._backend = backend
        self._operation = operation
        self._query = query
        self._field = field
        self._keys = list(dict.fromkeys(keys))

    async def pages(self, most: int | None = None) -> AsyncIterator[list[R]]:
        """The records by the page; no more than ``most`` in all."""
        left = _least(self._query.limit, most)
        skip = self._query.offset or 0
        seen: set[Any] | None = set() if len(self._keys) > KEYS_PER_CALL else None
        async for answer in self._answers():
            items = answer if seen is None else _unseen(answer, seen)
            items, skip = items[skip:], max(0, skip - len(items))
            if left is not None:
                items = items[:left]
                left -= len(items)
            if items:
                yield items
            if left == 0:
                return

    async def count(self) -> int:
        """How many records :meth:`pages` gives."""
        total = 0
        async for page in self.pages():
            total += len(page)
        return total

    async def _answers(self) -> AsyncIterator[list[R]]:
        bare = replace(self._query, limit=None, offset=None, cursor=None)
        requests = [
            replace(bare, **{self._field: piece}) for piece in pieces(self._keys, KEYS_PER_CALL)
        ]
        wide = self._backend.limits.concurrency
        for window in pieces(requests, wide):
            pages = await call_all(self._backend, self._operation, window, concurrency=wide)
            for page in pages:
                yield page.items


class ItemsListing(Generic[R]):
    """A listing that comes whole, in one answer."""

    def __init__(
        self, backend: Backend, operation: Operation[Any, Items[R]], query: Struct
    ) -> None:
        self._backend = backend
        self._operation = operation
        self._query = query

    async def pages(self, most: int | None = None) -> AsyncIterator[list[R]]:
        """The records, as one page; no more than ``most``."""
        limit = self._query.limit if isinstance(self._query, PageQuery) else None
        wanted = _least(limit, most)
        if wanted == 0:
            return
        answer = await self._backend.call(self._operation, self._query)
        items = answer.items if wanted is None else answer.items[:wanted]
        if items:
            yield items

    async def count(self) -> int:
        """How many records :meth:`pages` gives."""
        answer = await self._backend.call(self._operation, self._query)
        return len(answer.items)


async def call_all(
    backend: Backend,
    operation: Operation[Any, R],
    requests: Sequence[Struct],
    *,
    concurrency: int | None = None,
) -> list[R]:
    """The answers to many requests, in the order of the requests; the first error ends all."""
    return await map_bounded(
        lambda request: backend.call(operation, request),
        requests,
        concurrency=concurrency or backend.limits.concurrency,
    )


def pieces(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """The items in lists of at most ``size``."""
    iterator = iter(items)
    while piece := list(islice(iterator, size)):
        yield piece


def _unseen(records: list[R], seen: set[Any]) -> list[R]:
    fresh = []
    for record in records:
        key = record.id  # type: ignore[attr-defined]
        if key not in seen:
            seen.add(key)
            fresh.append(record)
    return fresh


def _least(*limits: int | None) -> int | None:
    given = [limit for limit in limits if limit is not None]
    return min(given) if given else None


def _given(query: PageQuery) -> set[str]:
    return {name for name in query.__struct_fields__ if getattr(query, name) is not None}


def _within(count: int, query: PageQuery) -> int:
    rest = max(0, count - (query.offset or 0))
    return rest if query.limit is None else min(rest, query.limit)
