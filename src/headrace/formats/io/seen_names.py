"""Remembers names in few bytes each, to notice one that appears twice."""

from __future__ import annotations

from array import array
from typing import Final

_FREE: Final = 0
_START: Final = 1024
_BITS: Final = 2**64 - 1


class SeenNames:
    """A set of the 64-bit hashes of names, as a flat table: 10 to 16 bytes a name."""

    def __init__(self) -> None:
        self._table = array("Q", bytes(8 * _START))
        self._count = 0

    def is_new(self, name: str) -> bool:
        """Add a name; False where it was added before."""
        if self._count * 5 >= len(self._table) * 4:
            self._grow()
        if not self._add(self._table, (hash(name) & _BITS) or 1):
            return False
        self._count += 1
        return True

    @staticmethod
    def _add(table: array[int], value: int) -> bool:
        size = len(table)
        at = value % size
        while (there := table[at]) != _FREE:
            if there == value:
                return False
            at = at + 1 if at + 1 < size else 0
        table[at] = value
        return True

    def _grow(self) -> None:
        old = self._table
        self._table = array("Q", bytes(8 * (len(old) * 3 // 2 + 1)))
        for value in old:
            if value != _FREE:
                self._add(self._table, value)
