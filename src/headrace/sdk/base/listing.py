"""The result of every ``list_*`` method, and the ``iter_*`` methods derived from them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Generator, Iterable
from functools import wraps
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar
from uuid import UUID

from msgspec import Struct

from headrace.engine.packed_list import PackedList
from headrace.engine.paging import ItemsListing, PageSource
from headrace.errors import NoDataError
from headrace.model.records import Items
from headrace.protocol.operation import Operation
from headrace.sdk.base.resource import RecordT
from headrace.sdk.base.session import Session

HandleT = TypeVar("HandleT")
ManyT = TypeVar("ManyT")
SelfT = TypeVar("SelfT")
P = ParamSpec("P")


class Listing(Generic[RecordT, HandleT, ManyT]):
    """A listing that is read when it is used: await it, or iterate over it.

    ``await listing`` reads all items; ``async for`` yields one handle at a time and holds one page in memory. An empty
    listing is not an error unless the method says otherwise.

    Example:
        ```python
        assets = await version.list_assets(q='filename endswith ".jpg"')  # all of them: a MultiAsset
        async for asset in version.list_assets():  # one at a time
            print(asset.filename)
        ```
    """

    __slots__ = ("_empty", "_gather", "_handle", "_listed", "_on_count", "_what")

    def __init__(
        self,
        listed: PageSource[RecordT],
        handle: Callable[[RecordT], HandleT],
        gather: Callable[[Iterable[RecordT]], ManyT],
        what: str,
        empty: str | None = None,
        on_count: Callable[[int], None] | None = None,
    ) -> None:
        self._listed = listed
        self._handle = handle
        self._gather = gather
        self._what = what
        self._empty = empty
        self._on_count = on_count

    def __await__(self) -> Generator[Any, None, ManyT]:
        return self._all().__await__()

    async def __aiter__(self) -> AsyncIterator[HandleT]:
        async for page in self._listed.pages():
            for record in page:
                yield self._handle(record)

    async def pages(self) -> AsyncIterator[ManyT]:
        """Iterate over the pages of the listing, of up to 1,000 items each."""
        async for page in self._listed.pages():
            yield self._gather(page)

    async def first(self) -> HandleT | None:
        """Return the first item, or None if the listing is empty."""
        async for page in self._listed.pages(1):
            return self._handle(page[0])
        return None

    async def count(self) -> int:
        """Return the number of items."""
        return self._counted(await self._listed.count())

    async def ids(self) -> list[UUID]:
        """Return the ids of all items."""
        return [record.id async for page in self._listed.pages() for record in page]

    async def _all(self) -> ManyT:
        records: PackedList[RecordT] = PackedList()
        async for page in self._listed.pages():
            records.extend(page)
        self._counted(len(records))
        if self._empty and not records:
            raise NoDataError(self._empty)
        return self._gather(records)

    def _counted(self, count: int) -> int:
        """Report the number of items to the handle that made this listing, and return it."""
        if self._on_count is not None:
            self._on_count(count)
        return count

    def __repr__(self) -> str:
        return f"<{self._what}: await it, or iterate over it with async for>"


def list_items(
    session: Session,
    operation: Operation[Any, Items[RecordT]],
    query: Struct,
    handle: Callable[[Session, RecordT], HandleT],
    what: str,
    on_count: Callable[[int], None] | None = None,
) -> Listing[RecordT, HandleT, list[HandleT]]:
    """Return the listing of an operation that answers in one response; read at once it is a list."""
    return Listing(
        ItemsListing(session.backend, operation, query),
        lambda record: handle(session, record),
        lambda records: [handle(session, record) for record in records],
        what,
        on_count=on_count,
    )


def iterating(
    method: Callable[Concatenate[SelfT, P], Listing[RecordT, HandleT, ManyT]],
) -> Callable[Concatenate[SelfT, P], AsyncIterator[HandleT]]:
    """Derive an ``iter_*`` method from a ``list_*`` method; it takes the same arguments."""

    @wraps(method)
    def iterate(self: SelfT, /, *args: P.args, **kwargs: P.kwargs) -> AsyncIterator[HandleT]:
        return aiter(method(self, *args, **kwargs))

    listing = method.__name__
    iterate.__name__ = listing.replace("list_", "iter_", 1)
    iterate.__qualname__ = method.__qualname__.replace("list_", "iter_", 1)
    iterate.__doc__ = (
        f"Iterate over the items of ``{listing}``, one at a time; holds one page in memory.\n\n"
        f"Takes the arguments of ``{listing}`` and raises the same errors."
    )
    return iterate
