"""The byte format of runs of numbers, from which :mod:`headrace.model.packing` builds its blobs.

A run is one mode byte and its payload. The number of values is not stored: the reader knows it from preceding runs.

    mode   form | scale << 4         scale  numbers are multiplied by 1, 10, 100 or 1000
    form   B H b h i q               little-endian integers, of the smallest width that fits all
           d                         float64, for numbers that no scale makes integers
           CONSTANT        one varint, the value of all numbers
           8 | H, h or i   int8, where -128 refers to a list of wide numbers that follows

Numbers are read equal to those written. Whole numbers are read as integers, however they were written (``12.0`` as
``12``, ``-0.0`` as ``0``), so that what was whole in a source stays whole.
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
    """The bytes are not a valid run, or end too early."""


def narrowest(low: int, high: int) -> int:
    """Return the smallest form for integers from ``low`` to ``high``, ``RAW`` where 64 bits are not enough."""
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
    """Encode numbers in a form, little-endian; raises ``OverflowError`` where one does not fit."""
    packed = array(CODES[form], numbers)
    if _SWAP:
        packed.byteswap()
    return packed.tobytes()


def from_bytes(form: int, content: memoryview) -> list[Any]:
    """Decode the numbers that :func:`to_bytes` encoded."""
    packed = array(CODES[form], bytes(content))
    if _SWAP:
        packed.byteswap()
    return packed.tolist()
