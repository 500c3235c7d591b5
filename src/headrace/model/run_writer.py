"""Write runs of numbers in bulk, in few bytes (format: ``model/runs.py``)."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from itertools import chain
from math import isfinite
from operator import sub

from headrace.model.runs import (
    CODES,
    CONSTANT,
    ESCAPABLE,
    ESCAPE,
    ESCAPED_BIT,
    FACTORS,
    INT8,
    RAW,
    WIDTHS,
    narrowest,
    to_bytes,
)

_PROBE = 8
_MODES = [bytes([form]) for form in range(len(CODES))]


class RunWriter:
    """Appends runs to a buffer; raises ``ValueError`` for a number that is not finite or that no float64 holds exactly."""

    __slots__ = ("buffer",)

    def __init__(self) -> None:
        self.buffer = bytearray()

    def varint(self, number: int) -> None:
        """Write one non-negative integer."""
        while number > 0x7F:
            self.buffer.append(number & 0x7F | 0x80)
            number >>= 7
        self.buffer.append(number)

    def bytes(self, content: bytes) -> None:
        """Write a length and the bytes."""
        self.varint(len(content))
        self.buffer += content

    def integers(self, numbers: Sequence[int]) -> None:
        """Write non-negative integers below 2^63."""
        if not numbers:
            return
        low, high = min(numbers), max(numbers)
        if low < 0 or high >= 1 << 63:
            raise ValueError("a number that must lie in 0 .. 2^63 - 1")
        if low == high:
            self.buffer.append(CONSTANT)
            self.varint(low)
        else:
            form = narrowest(low, high)
            self.buffer.append(form)
            self.buffer += to_bytes(form, numbers)

    def coordinates(self, numbers: list[float]) -> None:
        """Write finite numbers independently of each other."""
        if not numbers:
            return
        scale, whole = _scaled(numbers) or (0, None)
        form = RAW if whole is None else narrowest(min(whole), max(whole))
        if whole is None or form == RAW:
            self._raw(numbers)
        else:
            self.buffer.append(form | scale << 4)
            self.buffer += to_bytes(form, whole)

    def chains(self, chains: Sequence[Sequence[Sequence[float]]]) -> None:
        """Write chains of points ``(x, y)``, each point as its distance from the previous one."""
        sizes = list(map(len, chains))
        numbers = list(chain.from_iterable(chain.from_iterable(chains)))
        if len(numbers) != 2 * sum(sizes):
            raise ValueError("a point must be a pair of numbers")
        self.integers(sizes)
        if not numbers:
            return
        scaled = _scaled(numbers)
        if scaled is None or not self._steps(sizes, *scaled):
            self._raw(numbers)

    def _steps(self, sizes: list[int], scale: int, whole: list[int]) -> bool:
        """Write first points and distances; where one exceeds 64 bits, write nothing and return False."""
        distances = list(map(sub, whole[2:], whole))
        starts: list[int] = []
        steps: list[int] = []
        index = 0
        for size in sizes:
            if size:
                starts += whole[index : index + 2]
                steps += distances[index : index + 2 * size - 2]
                index += 2 * size
        form = narrowest(min(starts), max(starts))
        packed = _packed_steps(steps)
        if form == RAW or packed is None:
            return False
        self.buffer.append(form | scale << 4)
        self.buffer += to_bytes(form, starts)
        self.buffer += packed
        return True

    def _raw(self, numbers: list[float]) -> None:
        packed = array("d", numbers)
        if not all(map(isfinite, packed)):
            raise ValueError("a coordinate must be a finite number")
        if packed.tolist() != numbers:
            raise ValueError("a coordinate is beyond what a float64 holds exactly")
        self.buffer.append(RAW)
        self.buffer += to_bytes(RAW, packed)


def _scaled(numbers: list[float]) -> tuple[int, list[int]] | None:
    """Return the lowest scale that makes all numbers whole, and the whole numbers."""
    probe = numbers[:_PROBE]
    try:
        for scale, factor in enumerate(FACTORS):
            # In most lists the first numbers already show that a scale is too low.
            if [round(number * factor) / factor for number in probe] != probe:
                continue
            if scale == 0:
                whole = list(map(int, numbers))
                exact = whole == numbers
            else:
                whole = [round(number * factor) for number in numbers]
                exact = [number / factor for number in whole] == numbers
            if exact:
                return scale, whole
    except (ValueError, OverflowError):
        # Not finite, or not finite once multiplied; the raw form checks it.
        return None
    return None


def _packed_steps(steps: list[int]) -> bytes | None:
    """Return the mode and payload of distances, None where one exceeds 64 bits."""
    if not steps:
        return b""
    try:
        return _MODES[INT8] + to_bytes(INT8, steps)
    except OverflowError:
        pass
    form = narrowest(min(steps), max(steps))
    if form == RAW:
        return None
    if form in ESCAPABLE:
        width = WIDTHS[form]
        wide = [step for step in steps if not ESCAPE < step < 128]
        if len(steps) + len(wide) * width < len(steps) * width:
            narrow = [step if ESCAPE < step < 128 else ESCAPE for step in steps]
            head = RunWriter()
            head.buffer.append(form | ESCAPED_BIT)
            head.varint(len(wide))
            return bytes(head.buffer) + to_bytes(INT8, narrow) + to_bytes(form, wide)
    return _MODES[form] + to_bytes(form, steps)
