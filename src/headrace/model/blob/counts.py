"""The number of shapes of each label of an annotation, as its row holds them beside the blob.

counts   how many labels (varint), their keys, the numbers of their shapes
column   one byte, 7 for a constant (varint), else the width of its integers: B H - - i q (``array`` codes)
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Mapping, Sequence
from functools import lru_cache

from headrace.errors import CorruptionError
from headrace.model.ids import MAX_ORDINAL
from headrace.model.old_blob.run_reader import RunReader

_CONSTANT = 7
_SMALL, _BYTE = 1 << 7, 1 << 8
_WIDTHS = [(1 << 8, 0, "B"), (1 << 16, 1, "H"), (1 << 31, 4, "i"), (1 << 63, 5, "q")]


def pack_counts(counts: Mapping[int, int]) -> bytes:
    """Pack the number of shapes per label key."""
    keys = sorted(counts)
    if 1 < len(keys) < _SMALL and keys[-1] < _BYTE and keys[0] >= 0:
        # Nearly all annotations are so; the same bytes as below.
        numbers = [counts[key] for key in keys]
        low, high = min(numbers), max(numbers)
        if 0 <= low < high < _BYTE:
            return bytes([len(keys), 0, *keys, 0, *numbers])
        if 0 <= low == high < _SMALL:
            return bytes([len(keys), 0, *keys, _CONSTANT, low])
    return b"".join([_varint(len(keys)), _column(keys), _column([counts[key] for key in keys])])


def unpack_counts(blob: bytes) -> dict[int, int]:
    """Unpack the number of shapes per label key; raises :class:`CorruptionError` where the blob is damaged."""
    return dict(_unpack_counts(blob))


# Most annotations of a version have the same few counts.
@lru_cache(4096)
def _unpack_counts(blob: bytes) -> dict[int, int]:
    small = _small_counts(blob)
    return _any_counts(blob) if small is None else small


def _any_counts(blob: bytes) -> dict[int, int]:
    try:
        reader = RunReader(blob)
        size = reader.varint()
        if size > MAX_ORDINAL:
            raise ValueError("more labels than an annotation can have")
        keys = reader.integers(size)
        counts = dict(zip(keys, reader.integers(size), strict=True))
    except ValueError as error:
        raise CorruptionError(f"an annotation's label counts are damaged: {error}") from error
    if len(counts) != size or reader.left:
        raise CorruptionError("an annotation's label counts are damaged")
    return counts


def _small_counts(blob: bytes) -> dict[int, int] | None:
    """Unpack what nearly all annotations have, a byte for each key and number; None where the blob differs."""
    if len(blob) < 4 or blob[1] or not 0 < blob[0] < _SMALL:
        return None
    size = blob[0]
    keys, rest = blob[2 : 2 + size], blob[2 + size :]
    if len(rest) == 1 + size and rest[0] == 0:
        counts = dict(zip(keys, rest[1:], strict=True))
    elif len(rest) == 2 and rest[0] == _CONSTANT and rest[1] < _SMALL:
        counts = dict.fromkeys(keys, rest[1])
    else:
        return None
    return counts if len(counts) == size else None


def _varint(number: int) -> bytes:
    content = bytearray()
    while number > 0x7F:
        content.append(number & 0x7F | 0x80)
        number >>= 7
    content.append(number)
    return bytes(content)


def _column(numbers: Sequence[int]) -> bytes:
    if not numbers:
        return b""
    low, high = min(numbers), max(numbers)
    if low < 0:
        raise ValueError("a count or a label key must not be negative")
    if low == high:
        return bytes([_CONSTANT]) + _varint(low)
    form, code = next((form, code) for limit, form, code in _WIDTHS if high < limit)
    packed = array(code, numbers)
    if sys.byteorder == "big":
        packed.byteswap()
    return bytes([form]) + packed.tobytes()
