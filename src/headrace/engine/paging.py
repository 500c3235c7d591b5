"""Listings as streams of pages: exact limits, any page length of the server, long key lists in batches.

The generators here hold no task group while they are suspended, so a loop over them may be left at any page and they
may be closed from any task.
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


class PageSource(Protocol[R]):
    """A listing that can be read page by page, any number of times."""

    def pages(self, most: int | None = None) -> AsyncIterator[list[R]]:
        """Yield the records page by page, at most ``most`` in total."""
        ...

    async def count(self) -> int:
        """Return the number of records that :meth:`pages` yields."""
        ...


class CursorListing(Generic[R]):
    """A listing by cursor, or by offset if the query names an order."""

    def __init__(
        self, backend: Backend, operation: Operation[Any, Page[R]], query: DataQuery
    ) -> None:
        self._backend = backend
        self._operation = operation
        self._query = query

    async def pages(self, most: int | None = None) -> AsyncIterator[list[R]]:
        """Yield the records page by page, at most ``most`` in total."""
        left = _smallest(self._query.limit, most)
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
                    raise ServerError("the listing does not advance: the same cursor came twice")
                query = replace(query, offset=None, cursor=page.next_cursor)
            else:
                return

    async def count(self) -> int:
        """Return the number of records that :meth:`pages` yields."""
        query = replace(self._query, limit=1, offset=None)
        page = await self._backend.call(self._operation, query)
        return _limited(page.count, self._query)


class OffsetListing(Generic[R]):
    """A listing by offset, or by cursor if the server returns one."""

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
        """Yield the records page by page, at most ``most`` in total."""
        left = _smallest(self._query.limit, most)
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
            elif start < page.count and "cursor" not in _set_fields(query):
                query = replace(self._query, offset=start)
            else:
                return

    async def count(self) -> int:
        """Return the number of records that :meth:`pages` yields."""
        query = replace(self._query, limit=1, offset=None)
        page = await self._backend.call(self._operation, query)
        return _limited(page.count, self._query)


class KeyListing(Generic[R]):
    """The records that a list of keys names, requested in batches, several of them concurrently.

    Each record comes once. The order of the query holds within each batch of 1,000 keys.
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
        """Yield the records page by page, at most ``most`` in total."""
        left = _smallest(self._query.limit, most)
        skip = self._query.offset or 0
        seen: set[Any] | None = set() if len(self._keys) > KEYS_PER_CALL else None
        async for response in self._responses():
            items = response if seen is None else _unseen(response, seen)
            items, skip = items[skip:], max(0, skip - len(items))
            if left is not None:
                items = items[:left]
                left -= len(items)
            if items:
                yield items
            if left == 0:
                return

    async def count(self) -> int:
        """Return the number of records that :meth:`pages` yields."""
        total = 0
        async for page in self.pages():
            total += len(page)
        return total

    async def _responses(self) -> AsyncIterator[list[R]]:
        bare = replace(self._query, limit=None, offset=None, cursor=None)
        requests = [
            replace(bare, **{self._field: keys}) for keys in batched(self._keys, KEYS_PER_CALL)
        ]
        concurrency = self._backend.limits.concurrency
        for window in batched(requests, concurrency):
            pages = await call_all(self._backend, self._operation, window, concurrency=concurrency)
            for page in pages:
                yield page.items


class ItemsListing(Generic[R]):
    """A listing without a count. It comes in one response, unless it has a limit and the platform shorter pages."""

    def __init__(
        self, backend: Backend, operation: Operation[Any, Items[R]], query: Struct
    ) -> None:
        self._backend = backend
        self._operation = operation
        self._query = query

    async def pages(self, most: int | None = None) -> AsyncIterator[list[R]]:
        """Yield the records page by page, at most ``most`` of them."""
        query = self._query
        left = _smallest(query.limit if isinstance(query, PageQuery) else None, most)
        while left is None or left > 0:
            response = await self._backend.call(self._operation, query)
            items = response.items if left is None else response.items[:left]
            if items:
                yield items
            if left is None or not items or not isinstance(query, PageQuery) or not query.limit:
                return
            if self._backend.limits.extensions:
                return  # a headrace server returns as many as were asked for
            left -= len(items)
            query = replace(query, limit=left, offset=(query.offset or 0) + len(items))

    async def count(self) -> int:
        """Return the number of records that :meth:`pages` yields."""
        return sum([len(page) async for page in self.pages()])


async def call_all(
    backend: Backend,
    operation: Operation[Any, R],
    requests: Sequence[Struct],
    *,
    concurrency: int | None = None,
) -> list[R]:
    """Call an operation with many requests concurrently; results keep the order, the first error cancels the rest."""
    return await map_bounded(
        lambda request: backend.call(operation, request),
        requests,
        concurrency=concurrency or backend.limits.concurrency,
    )


def batched(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Yield the items in lists of at most ``size``."""
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch


def _unseen(records: list[R], seen: set[Any]) -> list[R]:
    fresh = []
    for record in records:
        key = record.id  # type: ignore[attr-defined]
        if key not in seen:
            seen.add(key)
            fresh.append(record)
    return fresh


def _smallest(*limits: int | None) -> int | None:
    known = [limit for limit in limits if limit is not None]
    return min(known) if known else None


def _set_fields(query: PageQuery) -> set[str]:
    return {name for name in query.__struct_fields__ if getattr(query, name) is not None}


def _limited(count: int, query: PageQuery) -> int:
    rest = max(0, count - (query.offset or 0))
    return rest if query.limit is None else min(rest, query.limit)
