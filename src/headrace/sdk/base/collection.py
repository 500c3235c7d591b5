"""Lists of handles that store records compactly and create handles on access."""

from __future__ import annotations

import random
from abc import abstractmethod
from collections.abc import Iterable, Iterator, MutableSequence
from typing import Any, Generic, Self, TypeVar, overload
from uuid import UUID

from headrace.engine.packed_list import PackedList
from headrace.errors import BadRequestError
from headrace.sdk.base.options import WithOptions
from headrace.sdk.base.resource import RecordT, Resource
from headrace.sdk.base.session import Session

HandleT = TypeVar("HandleT", bound=Resource[Any])


class MultiObject(MutableSequence[HandleT], WithOptions, Generic[RecordT, HandleT]):
    """A list of handles of one kind.

    It behaves like a list; changes to it are local and do not reach the platform. Records are stored compactly, so a
    list of a million assets fits into memory. ``a + b`` is the union without duplicates, in order of first appearance.

    Args:
        session: The session that makes the calls.
        records: The records of the items.
    """

    __slots__ = ("records", "session")

    def __init__(self, session: Session, records: Iterable[RecordT] = ()) -> None:
        self.session = session
        self.records: PackedList[RecordT] = PackedList(records)

    @property
    def ids(self) -> list[UUID]:
        """The ids of the items, in order."""
        return [record.id for record in self.records]

    @abstractmethod
    def _handle(self, record: RecordT) -> HandleT: ...

    @abstractmethod
    def _with(self, records: Iterable[RecordT]) -> Self:
        """Return a list of the same kind with other records."""

    def _twin(self) -> Self:
        twin = super()._twin()
        twin.records = PackedList(self.records)
        return twin

    def _record(self, handle: HandleT) -> RecordT:
        if not isinstance(handle, Resource):
            raise BadRequestError(f"{handle!r} cannot be part of a {type(self).__name__}")
        record: RecordT = handle.record
        return record

    def __len__(self) -> int:
        return len(self.records)

    def __iter__(self) -> Iterator[HandleT]:
        return map(self._handle, self.records)

    @overload
    def __getitem__(self, key: int) -> HandleT: ...
    @overload
    def __getitem__(self, key: slice) -> Self: ...
    def __getitem__(self, key: int | slice) -> HandleT | Self:
        if isinstance(key, slice):
            return self._with(self.records[key])
        return self._handle(self.records[key])

    @overload
    def __setitem__(self, key: int, value: HandleT) -> None: ...
    @overload
    def __setitem__(self, key: slice, value: Iterable[HandleT]) -> None: ...
    def __setitem__(self, key: int | slice, value: HandleT | Iterable[HandleT]) -> None:
        if isinstance(key, slice):
            self.records[key] = [self._record(handle) for handle in value]  # type: ignore[union-attr]
        else:
            self.records[key] = self._record(value)  # type: ignore[arg-type]

    def __delitem__(self, key: int | slice) -> None:
        del self.records[key]

    def insert(self, index: int, value: HandleT) -> None:
        """Insert a handle before ``index``."""
        self.records.insert(index, self._record(value))

    def extend(self, values: Iterable[HandleT]) -> None:
        """Append handles at the end."""
        if isinstance(values, MultiObject):
            self.records.extend(values.records)
        else:
            self.records.extend([self._record(value) for value in values])

    def __contains__(self, value: object) -> bool:
        if not isinstance(value, Resource):
            return False
        return any(record.id == value.id for record in self.records)

    def __add__(self, other: Iterable[HandleT]) -> Self:
        """Return the union: each item once, in order of first appearance."""
        both = self.copy()
        both.extend(other)
        firsts: dict[UUID, RecordT] = {}
        for record in both.records:
            firsts.setdefault(record.id, record)
        both.records = PackedList(firsts.values())
        return both

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, MultiObject):
            return NotImplemented
        return type(self) is type(other) and self.ids == other.ids

    __hash__ = None  # type: ignore[assignment]

    def copy(self) -> Self:
        """Return a list of the same items."""
        return self._with(self.records)

    def split(self, ratio: float) -> tuple[Self, Self]:
        """Split the items at random into two lists; the order is random too.

        Args:
            ratio: Share of the items in the first list, 0 to 1.

        Returns:
            The two lists.

        Raises:
            BadRequestError: If ``ratio`` is not between 0 and 1.
        """
        if not 0 <= ratio <= 1:
            raise BadRequestError(f"ratio is {ratio}", hint="give a number from 0 to 1")
        drawn = random.sample(list(self.records), len(self.records))
        cut = int(ratio * len(drawn))
        return self._with(drawn[:cut]), self._with(drawn[cut:])

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self):,} items · {self.session.name})"
