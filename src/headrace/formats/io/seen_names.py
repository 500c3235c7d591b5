"""Remembers names in few bytes each, to notice one that appears twice."""

from __future__ import annotations

from array import array
from typing import Final

_FREE: Final = 0
_START: Final = 1024
_BITS: Final = 2**64 - 1


class SeenNames:
    """A set of the 64-bit hashes of names, as a flat table: 10 to 20 bytes a name."""

    def __init__(self) -> None:
        # The size is a power of two, so that its last bits tell the place of a hash.
        self._table = array("Q", bytes(8 * _START))
        self._mask = _START - 1
        self._left = _START * 4 // 5

    def is_new(self, name: str) -> bool:
        """Add a name; False where it was added before."""
        value = (hash(name) & _BITS) or 1
        table, mask = self._table, self._mask
        at = value & mask
        while there := table[at]:
            if there == value:
                return False
            at = (at + 1) & mask
        table[at] = value
        self._left -= 1
        if not self._left:
            self._grow()
        return True

    def _grow(self) -> None:
        old = self._table
        size = 2 * len(old)
        table, mask = array("Q", bytes(8 * size)), size - 1
        for value in old:
            if value != _FREE:
                at = value & mask
                while table[at]:
                    at = (at + 1) & mask
                table[at] = value
        self._table, self._mask = table, mask
        self._left = size * 4 // 5 - len(old) * 4 // 5
