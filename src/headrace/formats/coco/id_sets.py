"""Remember the ids of annotations, to find duplicates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from headrace.formats.coco.schema import Id

# Memory is bounded: duplicates among ids beyond these limits may go unnoticed.
MAX_SMALL = 32 * 1024 * 1024
MAX_OTHERS = 500_000
_GROWTH = bytes(1 << 16)


class SeenIds:
    """A set of ids: a flat table for small numbers (1 for each that was seen), a bounded set for the others."""

    def __init__(self) -> None:
        self.table = bytearray(_GROWTH)
        self._others: set[Id] = set()

    def is_new(self, id: Id | None) -> bool:
        """Add an id; False where it was seen before. An annotation without an id is always new."""
        try:
            if id >= 0:  # type: ignore[operator]
                if self.table[id]:  # type: ignore[index]
                    return False
                self.table[id] = 1  # type: ignore[index]
                return True
        except (TypeError, IndexError):  # no id, text, or a number beyond the table
            pass
        return self._is_new_other(id)

    def are_new(self, ids: Sequence[Id | None]) -> bool:
        """Add ids; False, without adding any, unless all are small numbers that were not seen before."""
        try:
            low, high = min(ids), max(ids)  # type: ignore[type-var]
            if low < 0 or high >= MAX_SMALL:  # type: ignore[operator]
                return False
        except TypeError:  # no id, or text
            return False
        numbers = cast("Sequence[int]", ids)
        self._make_room(cast("int", high))
        table = self.table
        if len(set(numbers)) < len(numbers) or any(map(table.__getitem__, numbers)):
            return False
        for number in numbers:
            table[number] = 1
        return True

    def _make_room(self, number: int) -> None:
        # In small steps, so that a large table is never in memory twice.
        while number >= len(self.table):
            self.table += _GROWTH

    def _is_new_other(self, id: Id | None) -> bool:
        if id is None:
            return True
        if isinstance(id, int) and len(self.table) <= id < MAX_SMALL:
            self._make_room(id)
            return self.is_new(id)
        if id in self._others:
            return False
        if len(self._others) < MAX_OTHERS:
            self._others.add(id)
        return True
