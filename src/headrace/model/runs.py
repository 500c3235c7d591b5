"""The byte format of runs of numbers, the alphabet of :mod:`headrace.model.packing`.

A run is one mode byte and its payload; how many numbers it holds is known from what stands before it.

    mode   form | scale << 4         scale  numbers are stored times 1, 10, 100 or 1000
    form   B H b h i q               little-endian integers, of the narrowest width that fits all
           d                         float64, for numbers that no scale makes whole
           CONSTANT        one varint stands for all
           8 | H, h or i   int8, where -128 sends the reader to a list of wide numbers behind

Numbers come back equal to what went in (``12.0`` may come back as ``12``, ``-0.0`` as ``0``).
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Sequence
from typing import Any

Pair = tuple[float, float]

CODES = "BHbhiqd"
WIDTHS = [array(code).itemsize for code in CODES]
INT8 = CODES.index("b")
RAW = CODES.index("d")
CONSTANT = 7
ESCAPABLE = frozenset(map(CODES.index, "Hhi"))
ESCAPED_BIT = 8
ESCAPE = -128
FACTORS = (1.0, 10.0, 100.0, 1000.0)

_SWAP = sys.byteorder == "big"


class DamagedRunError(ValueError):
    """The bytes are no run, or end too early."""


def narrowest(low: int, high: int) -> int:
    """The form of the fewest bytes for integers from ``low`` to ``high``; ``RAW`` where 64 bits do not do."""
    if low >= 0:
        if high < 1 << 8:
            return 0
        if high < 1 << 16:
            return 1
    elif low >= -(1 << 7) and high < 1 << 7:
        return 2
    elif low >= -(1 << 15) and high < 1 << 15:
        return 3
    if low >= -(1 << 31) and high < 1 << 31:
        return 4
    return 5 if low >= -(1 << 63) and high < 1 << 63 else RAW


def to_bytes(form: int, numbers: Sequence[float]) -> bytes:
    """Numbers in a form, little-endian; ``OverflowError`` where one does not fit."""
    packed = array(CODES[form], numbers)
    if _SWAP:
        packed.byteswap()
    return packed.tobytes()


def from_bytes(form: int, content: memoryview) -> list[Any]:
    """The numbers that :func:`to_bytes` wrote."""
    packed = array(CODES[form], bytes(content))
    if _SWAP:
        packed.byteswap()
    return packed.tolist()
