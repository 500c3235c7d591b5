"""Runs of numbers: the byte format of a blob's columns, encoded and decoded for many owners at once.

A run is one head byte and its payload; an empty run has no bytes at all:

    head     type | scale << 4     scale  numbers are multiplied by 1, 10, 100 or 1000
    type     u1 u2 i1 i2 i4 i8     little-endian integers, of the smallest width that fits all numbers of the run
             f8                    float64, for numbers that no scale makes integers

So numpy takes a column without parsing text: it views the bytes and divides. Numbers are read equal to those written.
Whole numbers are read as integers, however they were written (``12.0`` as ``12``).

Each function works on the runs of a whole page of annotations, because the cost of a call to numpy is that of a hundred
numbers. "Owner" means the run that a number belongs to.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headrace.model.blob.values import EXACT, Floats, Integers, values

TYPES = [np.dtype(f"<{name}") for name in ("u1", "u2", "i1", "i2", "i4", "i8", "f8")]
RAW = len(TYPES) - 1
_BYTES = b"\0"
"""The head of a run of bytes, as labels of a small version are: of one such run numpy makes more work than it saves."""
FACTORS = np.array([1.0, 10.0, 100.0, 1000.0])
_UNSCALED = len(FACTORS)
SAFE = float(1 << 50)
"""The distance of two integers up to this one is exact in float64."""
_LOW = np.array([0.0, 0.0, -(2.0**7), -(2.0**15), -(2.0**31), -EXACT])
_HIGH = np.array([2.0**8 - 1, 2.0**16 - 1, 2.0**7 - 1, 2.0**15 - 1, 2.0**31 - 1, EXACT])


class DamagedColumnError(ValueError):
    """The bytes are not a valid run."""


def as_floats(lists: Sequence[Sequence[float]]) -> tuple[Floats, Integers]:
    """Join lists of numbers; returns the numbers and the length of each list.

    Raises:
        ValueError: A number is not finite, or no float64 holds it exactly.
        TypeError: An item is not a number.
    """
    lengths = np.fromiter(map(len, lists), np.int64, len(lists))
    total = int(lengths.sum())
    try:
        flat = np.fromiter(chain.from_iterable(lists), np.float64, total)
    except OverflowError:
        raise ValueError("a coordinate is beyond what a float64 holds exactly") from None
    if not np.isfinite(flat).all():
        raise ValueError("a coordinate must be a finite number")
    if total and np.abs(flat).max() >= EXACT:
        numbers = chain.from_iterable(lists)
        if any(held != given for held, given in zip(flat.tolist(), numbers, strict=True)):
            raise ValueError("a coordinate is beyond what a float64 holds exactly")
    return flat, lengths


def starts_of(lengths: Integers) -> Integers:
    """Return the index of each owner's first number."""
    ends = np.cumsum(lengths)
    return ends - lengths


def scaled(flat: Floats, lengths: Integers) -> tuple[Floats, Integers]:
    """Multiply the numbers of each owner by the lowest factor that makes all of them whole.

    Returns:
        The whole numbers, and for each owner the index of its factor. Where that is ``len(FACTORS)``, no factor does, and
        the owner's numbers are returned as they are.
    """
    scales = _lowest_scales(flat, lengths)
    if not scales.any():
        _leave_large(flat, lengths, scales)
        return flat, scales
    factors = np.append(FACTORS, 1.0)[scales]
    repeated = np.repeat(factors, lengths)
    whole = np.rint(flat * repeated)
    _leave_large(whole, lengths, scales)
    raw = np.repeat(scales == _UNSCALED, lengths)
    if raw.any():
        whole[raw] = flat[raw]
    return whole, scales


def _leave_large(whole: Floats, lengths: Integers, scales: Integers) -> None:
    """Give up the scale of owners with numbers too large for exact distances."""
    large = np.abs(whole) > SAFE
    if large.any():
        owners = np.repeat(np.arange(len(lengths)), lengths)
        scales[np.unique(owners[large])] = _UNSCALED


def _lowest_scales(flat: Floats, lengths: Integers) -> Integers:
    needed = np.zeros(len(flat), np.int64)
    left = np.flatnonzero(np.rint(flat) != flat)
    for scale in range(1, _UNSCALED):
        if not len(left):
            break
        needed[left] = _UNSCALED
        numbers = flat[left]
        with np.errstate(over="ignore"):
            whole = np.rint(numbers * FACTORS[scale])
        exact = whole / FACTORS[scale] == numbers
        needed[left[exact]] = scale
        left = left[~exact]
    scales = np.zeros(len(lengths), np.int64)
    filled = np.flatnonzero(lengths)
    if len(filled):
        scales[filled] = np.maximum.reduceat(needed, starts_of(lengths)[filled])
    return _checked_scales(flat, lengths, scales)


def _checked_scales(flat: Floats, lengths: Integers, scales: Integers) -> Integers:
    """Give up the scale of owners whose numbers do not survive it: large ones beside ones with digits."""
    doubtful = (scales > 0) & (scales < _UNSCALED)
    if not doubtful.any():
        return scales
    factors = np.repeat(np.append(FACTORS, 1.0)[scales], lengths)
    with np.errstate(over="ignore", invalid="ignore"):
        survives = np.rint(flat * factors) / factors == flat
    if not survives.all():
        owners = np.repeat(np.arange(len(lengths)), lengths)
        lost = np.unique(owners[~survives])
        scales[lost[doubtful[lost]]] = _UNSCALED
    return scales


def encode(whole: Floats, lengths: Integers, scales: Integers) -> list[bytes]:
    """Encode the numbers that :func:`scaled` returned; gives the run of each owner."""
    runs = [b""] * len(lengths)
    filled = np.flatnonzero(lengths)
    if not len(filled):
        return runs
    starts = starts_of(lengths)
    types = _narrowest(whole, starts[filled], scales[filled])
    heads = types | np.where(types == RAW, 0, scales[filled]) << 4
    used = np.unique(types)
    for kind in used.tolist():
        chosen = filled if len(used) == 1 else filled[types == kind]
        numbers = whole if len(used) == 1 else whole[np.repeat(_mask(lengths, chosen), lengths)]
        content = numbers.astype(TYPES[kind]).tobytes()
        width = TYPES[kind].itemsize
        ends = (np.cumsum(lengths[chosen]) * width).tolist()
        owners = chosen.tolist()
        first = 0
        for owner, head, end in zip(
            owners, heads[np.searchsorted(filled, chosen)].tolist(), ends, strict=True
        ):
            runs[owner] = _HEADS[head] + content[first:end]
            first = end
    return runs


_HEADS = [bytes([number]) for number in range(256)]


def _mask(lengths: Integers, owners: Integers) -> NDArray[np.bool_]:
    mask = np.zeros(len(lengths), np.bool_)
    mask[owners] = True
    return mask


def _narrowest(whole: Floats, starts: Integers, scales: Integers) -> Integers:
    """Return the smallest type that holds all numbers of each (filled) owner."""
    low = np.minimum.reduceat(whole, starts)
    high = np.maximum.reduceat(whole, starts)
    types = np.full(len(starts), RAW, np.int64)
    for kind in reversed(range(RAW)):
        types[(low >= _LOW[kind]) & (high <= _HIGH[kind])] = kind
    types[scales == _UNSCALED] = RAW
    return types


def encode_numbers(lists: Sequence[Sequence[float]]) -> list[bytes]:
    """Encode lists of numbers, each as one run; see :func:`as_floats` for what it raises."""
    flat, lengths = as_floats(lists)
    whole, scales = scaled(flat, lengths)
    return encode(whole, lengths, scales)


# --- decoding --------------------------------------------------------------------------------------------


class DecodedRuns:
    """The numbers of many runs.

    Attributes:
        numbers: All numbers, run after run.
        lengths: How many belong to each run.
        scales: The index of each run's factor; 0 where its numbers are whole. Runs of float64 have -1.
    """

    __slots__ = ("lengths", "numbers", "scales")

    def __init__(self, numbers: Floats, lengths: Integers, scales: Integers) -> None:
        self.numbers = numbers
        self.lengths = lengths
        self.scales = scales

    def divided(self) -> Floats:
        """Return the numbers as they were given."""
        if not (self.scales > 0).any():
            return self.numbers
        if (self.scales == self.scales[0]).all():
            whole: Floats = self.numbers / FACTORS[self.scales[0]]
            return whole
        mixed: Floats = self.numbers / np.repeat(FACTORS[np.maximum(self.scales, 0)], self.lengths)
        return mixed


def decode(runs: Sequence[bytes]) -> DecodedRuns:
    """Decode runs, without the division by their factor.

    Raises:
        DamagedColumnError: The bytes are not valid runs.
    """
    lengths = np.zeros(len(runs), np.int64)
    if not any(runs):
        return DecodedRuns(np.empty(0), lengths, np.zeros_like(lengths))
    heads = [run[0] if run else 0 for run in runs]
    scales = np.zeros(len(runs), np.int64)
    used = sorted({head for head, run in zip(heads, runs, strict=True) if run})
    if len(used) == 1:
        numbers = _read(used[0], runs, lengths, scales, None)
        return DecodedRuns(numbers, lengths, scales)
    parts: list[tuple[Integers, Floats]] = []
    by_head = np.array(heads, np.int64)
    filled = np.fromiter(map(len, runs), np.int64, len(runs)) > 0
    for head in used:
        chosen = np.flatnonzero(filled & (by_head == head))
        parts.append(
            (chosen, _read(head, [runs[i] for i in chosen.tolist()], lengths, scales, chosen))
        )
    numbers = np.empty(int(lengths.sum()), np.float64)
    for chosen, part in parts:
        numbers[np.repeat(_mask(lengths, chosen), lengths)] = part
    return DecodedRuns(numbers, lengths, scales)


def _read(
    head: int,
    runs: Sequence[bytes],
    lengths: Integers,
    scales: Integers,
    chosen: Integers | None,
) -> Floats:
    """Read runs of one head; sets their lengths and scales, at the indices ``chosen`` or for all."""
    kind, scale = head & 0xF, head >> 4
    if kind > RAW or scale >= len(FACTORS) or (kind == RAW and scale):
        raise DamagedColumnError(f"{head} is not the head of a run")
    width = TYPES[kind].itemsize
    sizes = np.fromiter(map(len, runs), np.int64, len(runs))
    sizes = np.where(sizes > 0, sizes - 1, 0)
    if (sizes % width).any():
        raise DamagedColumnError("a run ends within a number")
    numbers = np.frombuffer(b"".join([run[1:] for run in runs]), TYPES[kind]).astype(np.float64)
    if kind == RAW and not np.isfinite(numbers).all():
        raise DamagedColumnError("a number that is not finite")
    where: Any = slice(None) if chosen is None else chosen
    lengths[where] = sizes // width
    scales[where] = -1 if kind == RAW else scale
    return numbers


def measure(runs: Sequence[bytes]) -> DecodedRuns:
    """Check runs as :func:`decode` does, without their numbers, which are empty.

    Raises:
        DamagedColumnError: The bytes are not valid runs.
    """
    heads = np.frombuffer(b"".join([run[:1] or b"\0" for run in runs]), np.uint8).astype(np.int64)
    sizes = np.fromiter(map(len, runs), np.int64, len(runs))
    kinds, scales = heads & 0xF, heads >> 4
    if ((kinds > RAW) | (scales >= len(FACTORS)) | ((kinds == RAW) & (scales > 0))).any():
        raise DamagedColumnError("the head of a run is unknown")
    lengths, rest = np.divmod(np.maximum(sizes - 1, 0), _WIDTHS[kinds])
    if rest.any():
        raise DamagedColumnError("a run ends within a number")
    raw = np.flatnonzero(kinds == RAW).tolist()
    numbers = np.frombuffer(b"".join([runs[index][1:] for index in raw]), TYPES[RAW])
    if not np.isfinite(numbers).all():
        raise DamagedColumnError("a number that is not finite")
    return DecodedRuns(np.empty(0), lengths, np.where(kinds == RAW, -1, scales))


_WIDTHS = np.array([each.itemsize for each in TYPES])


def lists_of(runs: DecodedRuns, *, whole: bool = False) -> list[list[Any]]:
    """Return the numbers of each run as a list: integers where they are whole, else floats.

    Args:
        runs: What :func:`decode` returned.
        whole: Round all numbers to integers.
    """
    if not len(runs.numbers):
        return [[] for _ in runs.lengths]
    numbers = runs.divided()
    flat = values(numbers, whole=whole)
    ends = np.cumsum(runs.lengths).tolist()
    starts = starts_of(runs.lengths).tolist()
    return [flat[start:end] for start, end in zip(starts, ends, strict=True)]


def integers_of(runs: Sequence[bytes]) -> list[list[int]]:
    """Decode runs that hold non-negative integers only.

    Raises:
        DamagedColumnError: The bytes are not valid runs, or a number is not such an integer.
    """
    if len(runs) == 1 and runs[0][:1] == _BYTES:
        return [list(runs[0][1:])]
    decoded = decode(runs)
    if (decoded.scales != 0).any() or (len(decoded.numbers) and decoded.numbers.min() < 0):
        raise DamagedColumnError("a number that must be a non-negative integer")
    return lists_of(decoded)
