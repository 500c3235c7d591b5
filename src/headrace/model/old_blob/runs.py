"""The byte format of runs of numbers, of the blobs that earlier versions of headrace wrote.

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
from typing import Any

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


def from_bytes(form: int, content: memoryview) -> list[Any]:
    """Decode the numbers of a form."""
    packed = array(CODES[form], bytes(content))
    if _SWAP:
        packed.byteswap()
    return packed.tolist()
