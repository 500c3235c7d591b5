"""Which ids an earlier annotation has."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from headrace.formats.coco.schema import Id

# Beyond these an id that stands twice may go unnoticed: memory stays bounded.
MAX_SMALL = 32 * 1024 * 1024
MAX_OTHERS = 500_000
_PIECE = bytes(1 << 16)


class SeenIds:
    """A flat table for small numbers (1 for those that were met), a bounded set for the others."""

    def __init__(self) -> None:
        self.table = bytearray(_PIECE)
        self._others: set[Id] = set()

    def is_new(self, id: Id | None) -> bool:
        """Whether an id is met for the first time (annotations without one are all new)."""
        try:
            if id >= 0:  # type: ignore[operator]
                if self.table[id]:  # type: ignore[index]
                    return False
                self.table[id] = 1  # type: ignore[index]
                return True
        except (TypeError, IndexError):  # no id, a text, or a number beyond the table
            pass
        return self._is_new_other(id)

    def are_new(self, ids: Sequence[Id | None]) -> bool:
        """Whether all ids are small numbers met for the first time; else none of them counts as met."""
        try:
            low, high = min(ids), max(ids)  # type: ignore[type-var]
            if low < 0 or high >= MAX_SMALL:  # type: ignore[operator]
                return False
        except TypeError:  # no id, or a text
            return False
        numbers = cast("Sequence[int]", ids)
        self._make_room(cast("int", high))
        table = self.table
        if len(set(numbers)) < len(numbers) or any([table[number] for number in numbers]):  # noqa: C419  quicker
            return False
        for number in numbers:
            table[number] = 1
        return True

    def _make_room(self, number: int) -> None:
        # By the piece: a large table is never in memory twice.
        while number >= len(self.table):
            self.table += _PIECE

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
