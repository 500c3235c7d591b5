"""Decode chains of points, which ``model/blob/chains.py`` encodes."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Any, Literal, NamedTuple, overload

import numpy as np
import orjson
from numpy.typing import NDArray

from headrace.model.blob import runs
from headrace.model.blob.chains import ChainRuns, sum_by_owner
from headrace.model.blob.runs import DamagedColumnError, DecodedRuns
from headrace.model.blob.values import (
    Floats,
    Integers,
    are_whole,
    integers_where,
    pairs,
    values,
    without_noise,
)
from headrace.model.columns import Pair
from headrace.model.shapes import Box

ListForm = Literal["pairs", "lists", "flat", "floats", "text"]
"""How decoded chains are returned."""

_LONGEST = 1 << 31


class LazyChains(Sequence[list[Pair]]):
    """The chains of one owner as lists of points ``(x, y)``, which are made when one of them is first read.

    Until then they are arrays of their own, so that an annotation that is kept does not keep its whole page.
    """

    __slots__ = ("_arrays", "_lists", "_sizes")

    def __init__(self, numbers: Floats, whole: NDArray[np.bool_], sizes: list[int]) -> None:
        self._arrays: tuple[NDArray[np.bool_], Floats] | None = (whole, numbers)
        self._sizes = sizes
        self._lists: list[list[Pair]] = []

    def __len__(self) -> int:
        return len(self._sizes)

    @overload
    def __getitem__(self, index: int) -> list[Pair]: ...
    @overload
    def __getitem__(self, index: slice) -> list[list[Pair]]: ...
    def __getitem__(self, index: int | slice) -> list[Pair] | list[list[Pair]]:
        arrays = self._arrays
        if arrays is not None:
            numbers = integers_where(*arrays)
            points = list(zip(numbers[0::2], numbers[1::2], strict=True))
            ends = list(accumulate(self._sizes))
            # Set when they are complete, since several threads may read them.
            self._lists = [points[start:end] for start, end in zip([0, *ends], ends, strict=False)]
            self._arrays = None
        return self._lists[index]


class DecodedChains(NamedTuple):
    """The chains of many owners.

    Attributes:
        points: All points, chain after chain.
        sizes: The number of points of each chain.
        counts: The number of chains of each owner.
        owners: The scales of the owners; their ``lengths`` count numbers, two a point.
    """

    points: Floats
    sizes: Integers
    counts: Integers
    owners: DecodedRuns

    def lists(self, *, whole: bool = False, form: ListForm = "pairs") -> list[Any]:
        """Return each chain as a list, or as text.

        Args:
            whole: Round all numbers to integers.
            form: What a chain is a list of: points ``(x, y)``, points ``[x, y]``, or numbers ``x1, y1, x2, …``; these
                numbers as floats, whole ones too; or as JSON without brackets, which makes no objects of them. The last
                two are never rounded.
        """
        if not len(self.sizes):
            return []
        if form == "text":
            return list(self._texts())
        width = 2 if form in ("flat", "floats") else 1
        listed: list[Any]
        if form == "lists":
            listed = pairs(self.points, whole=whole)
        elif form == "floats":
            # Adding 0 makes 0 of -0.
            listed = (self.points.reshape(-1) + 0.0).tolist()
        else:
            numbers = values(self.points.reshape(-1), whole=whole)
            listed = (
                numbers if form == "flat" else list(zip(numbers[0::2], numbers[1::2], strict=True))
            )
        ends = (np.cumsum(self.sizes) * width).tolist()
        starts = (runs.starts_of(self.sizes) * width).tolist()
        return [listed[start:end] for start, end in zip(starts, ends, strict=True)]

    def _texts(self) -> list[bytes]:
        if not self.sizes.all():
            return [orjson.dumps(numbers)[1:-1] for numbers in self.lists(form="flat")]
        # All chains are encoded at once, with a mark between two of them. Adding 0 makes 0 of -0.
        ends = 2 * np.cumsum(self.sizes)[:-1]
        marked = np.insert(self.points.reshape(-1) + 0.0, ends, np.nan)
        text = orjson.dumps(marked, option=orjson.OPT_SERIALIZE_NUMPY)
        # What was whole in a source stays whole: 12, not 12.0.
        return text[1:].replace(b".0,", b",").replace(b".0]", b"]")[:-1].split(b",null,")

    def by_owner(self) -> list[LazyChains]:
        """Return the chains of each owner, of which no lists of points are made yet."""
        numbers = self.points.reshape(-1)
        whole = are_whole(numbers)
        sizes = self.sizes.tolist()
        ends = np.cumsum(self.counts).tolist()
        found: list[LazyChains] = []
        first = done = 0
        for end, length in zip(ends, self.owners.lengths.tolist(), strict=True):
            mine = slice(done, done + length)
            found.append(LazyChains(numbers[mine].copy(), whole[mine].copy(), sizes[first:end]))
            first, done = end, done + length
        return found

    def bounds(self) -> list[Box]:
        """Return the box ``x, y, w, h`` around each chain, as :func:`headrace.model.geometry.points_bounds` does.

        Chains without points have the box 0, 0, 0, 0.
        """
        lows = np.zeros((len(self.sizes), 2))
        highs = np.zeros((len(self.sizes), 2))
        filled = np.flatnonzero(self.sizes)
        if len(filled):
            starts = runs.starts_of(self.sizes)[filled]
            lows[filled] = np.minimum.reduceat(self.points, starts, axis=0)
            highs[filled] = np.maximum.reduceat(self.points, starts, axis=0)
        spans = without_noise(highs - lows)
        whole = are_whole(lows) & are_whole(highs)
        sides = integers_where(whole.reshape(-1), spans.reshape(-1))
        corners = iter(values(lows.reshape(-1)))
        following = iter(sides)
        return list(zip(corners, corners, following, following, strict=True))

    def areas(self) -> Floats:
        """Return the area of each chain as a ring, by the shoelace formula; 0 where it has fewer than 3 points."""
        areas = np.zeros(len(self.sizes))
        filled = np.flatnonzero(self.sizes)
        if not len(filled):
            return areas
        starts = runs.starts_of(self.sizes)[filled]
        x, y = self.points[:, 0], self.points[:, 1]
        following = np.arange(1, len(x) + 1)
        following[starts + self.sizes[filled] - 1] = starts
        with np.errstate(over="ignore", invalid="ignore"):
            twice = np.add.reduceat(x * y[following] - y * x[following], starts)
        areas[filled] = np.where(self.sizes[filled] < 3, 0.0, np.abs(twice) / 2)
        return areas


def decode_chains(encoded: Sequence[ChainRuns]) -> DecodedChains:
    """Decode chains.

    Raises:
        DamagedColumnError: The bytes are not valid runs, or do not fit each other.
    """
    if not any(map(any, encoded)):
        none = np.zeros(len(encoded), np.int64)
        owners = DecodedRuns(np.empty(0), none, none)
        return DecodedChains(np.empty((0, 2)), np.zeros(0, np.int64), none, owners)
    starts = runs.decode([each.starts for each in encoded])
    steps = runs.decode([each.steps for each in encoded])
    sizes, counts, filled, raw, owners = _fitting(encoded, starts, steps)
    points = _joined(sizes, filled, owners.lengths, raw, starts.numbers, steps.numbers)
    return DecodedChains(_divided(points, owners), sizes, counts, owners)


def check_chains(encoded: Sequence[ChainRuns]) -> Integers:
    """Check chains without decoding their points; returns the number of chains of each owner.

    Raises:
        DamagedColumnError: As for :func:`decode_chains`.
    """
    starts = runs.measure([each.starts for each in encoded])
    steps = runs.measure([each.steps for each in encoded])
    return _fitting(encoded, starts, steps)[1]


def _fitting(
    encoded: Sequence[ChainRuns], starts: DecodedRuns, steps: DecodedRuns
) -> tuple[Integers, Integers, NDArray[np.bool_], NDArray[np.bool_], DecodedRuns]:
    """Check that the three runs of each owner fit each other.

    Returns:
        The size of each chain, the number of chains of each owner, which chains have points, which owners have unscaled
        numbers, and the owners without numbers.
    """
    size_runs = runs.decode([each.sizes for each in encoded])
    sizes, counts = size_runs.numbers.astype(np.int64), size_runs.lengths
    if (size_runs.scales != 0).any() or (
        len(sizes) and (sizes.min() < 0 or sizes.max() >= _LONGEST)
    ):
        raise DamagedColumnError("a chain of an impossible number of points")
    lengths = 2 * sum_by_owner(sizes, counts)
    filled = sizes > 0
    of_starts = 2 * sum_by_owner(filled.astype(np.int64), counts)
    raw = (steps.scales == -1) & (starts.lengths == 0)
    fits = np.where(
        raw,
        steps.lengths == lengths,
        (starts.lengths == of_starts) & (starts.lengths + steps.lengths == lengths),
    )
    same = raw | (steps.lengths == 0) | (starts.scales == steps.scales)
    if not (fits & same).all() or ((starts.scales == -1) & ~raw).any():
        raise DamagedColumnError("chains whose runs do not fit each other")
    scales = np.where(raw, -1, starts.scales)
    return sizes, counts, filled, raw, DecodedRuns(np.empty(0), lengths, scales)


def _joined(
    sizes: Integers,
    filled: NDArray[np.bool_],
    lengths: Integers,
    raw: NDArray[np.bool_],
    starts: Floats,
    steps: Floats,
) -> Floats:
    """Add up distances to points."""
    of_raw = np.repeat(raw, lengths // 2)
    first = runs.starts_of(sizes)[filled]
    first = first[~of_raw[first]]
    rest = np.ones(len(of_raw), np.bool_)
    rest[first] = False
    points = np.empty((len(of_raw), 2), np.float64)
    if len(first):
        # One axis after the other: numpy adds up neighbouring numbers several times as fast as columns.
        for axis in (0, 1):
            moves = np.where(of_raw[rest], 0.0, steps[axis::2]) if raw.any() else steps[axis::2]
            # As integers, because sums over a whole page may leave the range in which floats are exact.
            sums = np.zeros(len(of_raw), np.int64)
            sums[rest] = moves
            np.cumsum(sums, out=sums)
            bases = starts[axis::2].astype(np.int64) - sums[first]
            sums[first[0] :] += np.repeat(bases, np.diff(first, append=len(of_raw)))
            points[:, axis] = sums
    if raw.any():
        points[of_raw] = steps.reshape(-1, 2)[of_raw[rest]]
    return points


def _divided(points: Floats, owners: DecodedRuns) -> Floats:
    if not (owners.scales > 0).any():
        return points
    if (owners.scales == owners.scales[0]).all():
        points = np.divide(points, runs.FACTORS[owners.scales[0]])
    else:
        factors = runs.FACTORS[np.maximum(owners.scales, 0)]
        points = np.divide(points, np.repeat(factors, owners.lengths // 2)[:, None])
    return points
