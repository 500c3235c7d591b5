"""Sets of numbers below 4096 as short bytes: two bytes a number for small sets, a bit a number for others."""

from __future__ import annotations

import struct
from bisect import bisect_left
from collections.abc import Iterable
from itertools import compress

from headrace.errors import CorruptionError

SIZE = 4096
"""Numbers in a set are below this."""

_BYTES = SIZE // 8
_SMALL = _BYTES // 2 - 1
_SHRINK = 32
"""A set of bits becomes small again at this size only, because listing the bits takes time."""

_NUMBERS = range(SIZE)
_BIT = bytes.maketrans(b"01", b"\0\1")


def to_bits(stored: bytes) -> int:
    """Return a stored set as an integer whose bit ``n`` tells whether it has the number ``n``."""
    if len(stored) == _BYTES:
        return int.from_bytes(stored, "little")
    return bits_of(_small(stored))


def bits_of(numbers: Iterable[int]) -> int:
    """Return the integer with these bits."""
    bits = bytearray(_BYTES)
    for number in numbers:
        bits[number >> 3] |= 1 << (number & 7)
    return int.from_bytes(bits, "little")


def numbers_of(bits: int) -> list[int]:
    """Return the numbers of the bits, ascending."""
    text = format(bits, f"0{SIZE}b").encode().translate(_BIT)
    return list(compress(_NUMBERS, text[::-1]))


def from_bits(bits: int) -> bytes:
    """Store a set of bits; an empty set is stored as nothing."""
    if bits.bit_count() <= _SHRINK:
        return _packed(numbers_of(bits)) if bits else b""
    return bits.to_bytes(_BYTES, "little")


def size_of(stored: bytes) -> int:
    """Return the number of members of a stored set."""
    if len(stored) == _BYTES:
        return int.from_bytes(stored, "little").bit_count()
    return len(stored) // 2


def replaced(stored: bytes, among: set[int], members: set[int]) -> bytes:
    """Return the set in which of the numbers ``among`` exactly ``members`` are, and all others as they were."""
    if len(stored) == _BYTES:
        return from_bits(to_bits(stored) & ~bits_of(among) | bits_of(members))
    found = {*_small(stored)} - among | members
    if len(found) <= _SMALL:
        return _packed(sorted(found))
    return bits_of(found).to_bytes(_BYTES, "little")


def extended(stored: bytes, numbers: list[int]) -> bytes:
    """Return the set with more members, which are ascending. An import calls this for every label of every call."""
    if len(stored) == _BYTES:
        bits = bytearray(stored)
        for number in numbers:
            bits[number >> 3] |= 1 << (number & 7)
        return bytes(bits)
    if len(stored) // 2 + len(numbers) > _SMALL:
        return replaced(stored, set(), {*numbers})
    if not stored:
        return _packed(numbers)
    found = list(_small(stored))
    if found[-1] < numbers[0]:
        return stored + _packed(numbers)
    for number in numbers:
        place = bisect_left(found, number)
        if found[place : place + 1] != [number]:
            found.insert(place, number)
    return _packed(found)


def _small(stored: bytes) -> tuple[int, ...]:
    count, odd = divmod(len(stored), 2)
    numbers: tuple[int, ...] = struct.unpack(f"<{count}H", stored[: 2 * count])
    if odd or max(numbers, default=0) >= SIZE:
        raise CorruptionError("a set of assets with a label is damaged")
    return numbers


def _packed(numbers: list[int]) -> bytes:
    return struct.pack(f"<{len(numbers)}H", *numbers)
