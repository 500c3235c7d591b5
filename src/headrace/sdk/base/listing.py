"""The answer of every ``list_*``: await it for all of it, or walk over it as it comes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Generator, Iterable
from typing import Any, Generic, TypeVar
from uuid import UUID

from headrace.engine.packed_list import Records
from headrace.engine.paging import Listed
from headrace.errors import NoDataError
from headrace.sdk.base.resource import RecordT

HandleT = TypeVar("HandleT")
ManyT = TypeVar("ManyT")


class Listing(Generic[RecordT, HandleT, ManyT]):
    """A listing that has not been read yet.

    ``await listing`` gives all of it; ``async for`` gives one handle after another and holds one page at a time.
    Nothing found is an empty answer, not an error, unless the method says otherwise.
    """

    __slots__ = ("_empty", "_gather", "_handle", "_listed", "_what")

    def __init__(
        self,
        listed: Listed[RecordT],
        handle: Callable[[RecordT], HandleT],
        gather: Callable[[Iterable[RecordT]], ManyT],
        what: str,
        empty: str | None = None,
    ) -> None:
        self._listed = listed
        self._handle = handle
        self._gather = gather
        self._what = what
        self._empty = empty

    def __await__(self) -> Generator[Any, None, ManyT]:
        return self._all().__await__()

    async def __aiter__(self) -> AsyncIterator[HandleT]:
        async for page in self._listed.pages():
            for record in page:
                yield self._handle(record)

    async def pages(self) -> AsyncIterator[ManyT]:
        """The answer page by page, up to 1,000 items each."""
        async for page in self._listed.pages():
            yield self._gather(page)

    async def first(self) -> HandleT | None:
        """The first item, None where there is none."""
        async for page in self._listed.pages(1):
            return self._handle(page[0])
        return None

    async def count(self) -> int:
        """How many items the listing gives."""
        return await self._listed.count()

    async def ids(self) -> list[UUID]:
        """The ids of all items."""
        return [record.id async for page in self._listed.pages() for record in page]

    async def _all(self) -> ManyT:
        records: Records[RecordT] = Records()
        async for page in self._listed.pages():
            records.extend(page)
        if self._empty and not records:
            raise NoDataError(self._empty)
        return self._gather(records)

    def __repr__(self) -> str:
        return f"<{self._what}: await it, or walk over it with async for>"
