"""Read runs of numbers in bulk (format: ``runs.py``)."""

from __future__ import annotations

from itertools import accumulate
from math import isfinite
from typing import Any

from headrace.model.old_blob.runs import (
    CONSTANT,
    ESCAPABLE,
    ESCAPE,
    ESCAPED_BIT,
    FACTORS,
    INT8,
    RAW,
    WIDTHS,
    DamagedRunError,
    from_bytes,
)

Pair = tuple[float, float]

_EXACT = 1 << 53


class RunReader:
    """Reads runs in the order in which they were written; raises :class:`DamagedRunError` for damaged bytes."""

    __slots__ = ("_at", "_view")

    def __init__(self, content: bytes) -> None:
        self._view = memoryview(content)
        self._at = 0

    @property
    def left(self) -> int:
        """The number of bytes not read yet."""
        return len(self._view) - self._at

    def byte(self) -> int:
        """Read one byte."""
        return self._take(1)[0]

    def varint(self) -> int:
        """Read one non-negative integer."""
        number = shift = 0
        while True:
            byte = self.byte()
            number |= (byte & 0x7F) << shift
            if byte < 0x80:
                return number
            shift += 7
            if shift > 63:
                raise DamagedRunError("a number of more than 63 bits")

    def bytes(self) -> bytes:
        """Read a length and as many bytes."""
        return bytes(self._take(self.varint()))

    def text(self, length: int) -> str:
        """Read ASCII text of a known length."""
        return str(self._take(length), "ascii")

    def integers(self, count: int) -> list[int]:
        """Read ``count`` non-negative integers."""
        if not count:
            return []
        form = self.byte()
        if form == CONSTANT:
            return [self.varint()] * count
        if form >= RAW:
            raise DamagedRunError(f"form {form} is not valid for integers")
        numbers: list[int] = self._plain(form, count)
        if min(numbers) < 0:
            raise DamagedRunError("a negative number")
        return numbers

    def coordinates(self, count: int) -> list[float]:
        """Read ``count`` numbers: whole ones as integers, all others as floats."""
        if not count:
            return []
        form, scale = self._mode()
        numbers = self._plain(form, count)
        if form == RAW:
            _check_finite(numbers)
            return _with_integers(numbers)
        return _divided(numbers, scale) if scale else numbers

    def chains(self, count: int) -> list[list[Pair]]:
        """Read ``count`` chains of points ``(x, y)``, their numbers as those of :meth:`coordinates`."""
        sizes = self.integers(count)
        points = sum(sizes)
        if 2 * points > self.left:
            raise DamagedRunError("more points than bytes")
        if not points:
            return [[] for _ in sizes]
        form, scale = self._mode()
        if form == RAW:
            return self._raw_chains(sizes)
        filled = len(sizes) - sizes.count(0)
        starts: list[Any] = self._plain(form, 2 * filled)
        steps = self._steps(2 * (points - filled))
        chains: list[list[Pair]] = []
        index, start = 0, iter(starts)
        for size in sizes:
            if not size:
                chains.append([])
                continue
            end = index + 2 * size - 2
            xs = accumulate(steps[index:end:2], initial=next(start))
            ys = accumulate(steps[index + 1 : end : 2], initial=next(start))
            if scale:
                chains.append(list(zip(_divided(xs, scale), _divided(ys, scale), strict=True)))
            else:
                chains.append(list(zip(xs, ys, strict=True)))
            index = end
        return chains

    def _raw_chains(self, sizes: list[int]) -> list[list[Pair]]:
        numbers: list[Any] = self._plain(RAW, 2 * sum(sizes))
        _check_finite(numbers)
        numbers = _with_integers(numbers)
        pairs = list(zip(numbers[0::2], numbers[1::2], strict=True))
        ends = list(accumulate(sizes))
        return [pairs[end - size : end] for end, size in zip(ends, sizes, strict=True)]

    def _mode(self) -> tuple[int, int]:
        mode = self.byte()
        form, scale = mode & 0xF, mode >> 4
        if form > RAW or scale >= len(FACTORS):
            raise DamagedRunError(f"mode {mode} is not valid for coordinates")
        return form, scale

    def _steps(self, count: int) -> list[int]:
        if not count:
            return []
        form = self.byte()
        if form & ESCAPED_BIT and form & ~ESCAPED_BIT in ESCAPABLE:
            return self._escaped(form & ~ESCAPED_BIT, count)
        if form >= RAW:
            raise DamagedRunError(f"form {form} is not valid for steps")
        numbers: list[int] = self._plain(form, count)
        return numbers

    def _escaped(self, form: int, count: int) -> list[int]:
        wide_count = self.varint()
        numbers = self._plain(INT8, count)
        wide = self._plain(form, wide_count)
        if numbers.count(ESCAPE) != wide_count:
            raise DamagedRunError("escapes without their numbers")
        index = -1
        for number in wide:
            index = numbers.index(ESCAPE, index + 1)
            numbers[index] = number
        return numbers

    def _plain(self, form: int, count: int) -> list[Any]:
        return from_bytes(form, self._take(count * WIDTHS[form]))

    def _take(self, length: int) -> memoryview:
        end = self._at + length
        if end > len(self._view):
            raise DamagedRunError("the bytes end too early")
        part = self._view[self._at : end]
        self._at = end
        return part


def _divided(numbers: Any, scale: int) -> list[float]:
    factor = FACTORS[scale]
    divisor = int(factor)
    return [number / factor if number % divisor else number // divisor for number in numbers]


def _with_integers(numbers: list[float]) -> list[float]:
    """Replace whole floats by integers, up to those that floats no longer tell apart."""
    whole = list(map(float.is_integer, numbers))
    index = -1
    for _ in range(whole.count(True)):
        index = whole.index(True, index + 1)
        if -_EXACT <= numbers[index] <= _EXACT:
            numbers[index] = int(numbers[index])
    return numbers


def _check_finite(numbers: list[float]) -> None:
    if not all(map(isfinite, numbers)):
        raise DamagedRunError("a coordinate that is not finite")
