"""Chains of points: polygons, lines and keypoints as runs of first points and of distances.

The points of one owner (a group of shapes) take three runs (``model/blob/runs.py``): the number of points of each chain,
the first point of each chain, and the distance of every other point from the one before it. Where no scale makes the
numbers whole, the second run is empty and the third holds all points.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any, Literal, NamedTuple

import msgspec
import numpy as np
import orjson
from numpy.typing import NDArray

from headrace.model.blob import runs
from headrace.model.blob.runs import DamagedColumnError, DecodedRuns
from headrace.model.blob.values import (
    EXACT,
    Floats,
    Integers,
    are_whole,
    integers_where,
    pairs,
    values,
    without_noise,
)
from headrace.model.shapes import Box

ChainForm = Literal["points", "flat", "text", "text of points"]
"""How chains are given that are encoded."""

ReadForm = Literal["pairs", "lists", "flat", "text"]
"""How decoded chains are returned."""

_LONGEST = 1 << 31
_parser = msgspec.json.Decoder(list[float])
_points = msgspec.json.Decoder(list[tuple[int | float, int | float]])
_UNSCALED = len(runs.FACTORS)


class ChainRuns(NamedTuple):
    """The three runs of one owner."""

    sizes: bytes
    starts: bytes
    steps: bytes


class ChainNumbers(NamedTuple):
    """The numbers of the chains of many owners.

    Attributes:
        numbers: ``x1, y1, x2, …`` of all chains.
        sizes: The number of points of each chain.
        counts: The number of chains of each owner.
    """

    numbers: Floats
    sizes: Integers
    counts: Integers

    def bounds(self) -> Floats:
        """Return the least and the greatest x and y of each chain: ``x1, y1, x2, y2``; infinite where it has no points."""
        bounds = np.empty((len(self.sizes), 4))
        bounds[:, :2], bounds[:, 2:] = np.inf, -np.inf
        filled = self.sizes > 0
        if filled.any():
            points = self.numbers.reshape(-1, 2)
            starts = runs.starts_of(self.sizes)[filled]
            bounds[filled, :2] = np.minimum.reduceat(points, starts)
            bounds[filled, 2:] = np.maximum.reduceat(points, starts)
        return bounds


def chain_numbers(owners: Sequence[Sequence[Any]], form: ChainForm = "points") -> ChainNumbers:
    """Join the chains of each owner.

    Args:
        owners: For each owner its chains.
        form: What a chain is: ``points``, a list of points ``(x, y)``; ``flat``, a list ``[x1, y1, x2, …]``; ``text``,
            such a list as JSON text of at least one point, of which brackets may be missing; ``text of points``, a list
            of at least one point as JSON text.

    Raises:
        ValueError: A number is not finite, or no float64 holds it exactly, or a point is not a pair.
        TypeError: A coordinate is not a number.
    """
    chains = list(chain.from_iterable(owners))
    counts = np.fromiter(map(len, owners), np.int64, len(owners))
    if form != "points":
        numbers, lengths = runs.as_floats(chains) if form == "flat" else _parsed(chains)
        if form == "text of points" and not _are_exact(numbers):
            # Integers that floats would change are refused; the parser cannot tell.
            numbers, lengths = runs.as_floats(list(map(_flat, chains)))
        if (lengths % 2).any():
            raise ValueError("a point must be a pair of numbers")
        sizes = lengths // 2
    else:
        sizes = np.fromiter(map(len, chains), np.int64, len(chains))
        numbers, _ = runs.as_floats([list(chain.from_iterable(each)) for each in chains])
        if len(numbers) != 2 * sizes.sum():
            raise ValueError("a point must be a pair of numbers")
    return ChainNumbers(numbers, sizes, counts)


def _are_exact(numbers: Floats) -> bool:
    return not len(numbers) or bool(np.abs(numbers).max() < EXACT)


def _flat(text: bytes) -> list[float]:
    return list(chain.from_iterable(_points.decode(text)))


def _parsed(texts: list[bytes]) -> tuple[Floats, Integers]:
    """Parse texts of chains; returns the numbers and the length of each chain."""
    joined = b"[" + b",".join(texts).translate(None, b"[]") + b"]"
    try:
        numbers = _parser.decode(joined)
    except msgspec.MsgspecError as error:
        raise ValueError(f"a chain is not a list of numbers: {error}") from None
    lengths = np.fromiter([text.count(b",") + 1 for text in texts], np.int64, len(texts))
    if len(numbers) != lengths.sum():
        raise ValueError("a chain without points")
    return np.fromiter(numbers, np.float64, len(numbers)), lengths


def encode_chains(chains: ChainNumbers) -> list[ChainRuns]:
    """Encode the chains of each owner."""
    numbers, sizes, counts = chains
    owner_points = _sum_by_owner(sizes, counts)
    whole, scales = runs.scaled(numbers, 2 * owner_points)
    size_runs = runs.encode(sizes.astype(np.float64), counts, np.zeros_like(counts))
    points = whole.reshape(-1, 2)
    raw = scales == _UNSCALED
    filled = sizes > 0
    first = np.zeros(len(points), np.bool_)
    first[runs.starts_of(sizes)[filled]] = True
    steps = np.empty_like(points)
    # Numbers without a scale may be too large; their distances are not stored.
    with np.errstate(over="ignore"):
        steps[1:] = points[1:] - points[:-1]
    of_raw = np.repeat(raw, owner_points)
    steps[of_raw] = points[of_raw]
    first[of_raw] = False
    start_counts = np.where(raw, 0, _sum_by_owner(filled.astype(np.int64), counts))
    start_runs = runs.encode(points[first].reshape(-1), 2 * start_counts, scales)
    step_runs = runs.encode(steps[~first].reshape(-1), 2 * (owner_points - start_counts), scales)
    return list(map(ChainRuns, size_runs, start_runs, step_runs))


def _sum_by_owner(numbers: Integers, counts: Integers) -> Integers:
    """Add up numbers, ``counts[i]`` of which belong to owner i."""
    sums = np.zeros(len(numbers) + 1, np.int64)
    np.cumsum(numbers, out=sums[1:])
    ends = np.cumsum(counts)
    by_owner: Integers = sums[ends] - sums[ends - counts]
    return by_owner


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

    def lists(self, *, whole: bool = False, form: ReadForm = "pairs") -> list[Any]:
        """Return each chain as a list, or as text.

        Args:
            whole: Round all numbers to integers.
            form: What a chain is a list of: points ``(x, y)``, points ``[x, y]``, or numbers ``x1, y1, x2, …``; or these
                numbers as JSON without brackets, which makes no objects of them and is never rounded.
        """
        if form == "text":
            return list(self._texts())
        width = 2 if form == "flat" else 1
        listed: list[Any]
        if form == "lists":
            listed = pairs(self.points, whole=whole)
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
    lengths = 2 * _sum_by_owner(sizes, counts)
    filled = sizes > 0
    of_starts = 2 * _sum_by_owner(filled.astype(np.int64), counts)
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
    count = len(of_raw)
    first = np.zeros(count, np.bool_)
    at = runs.starts_of(sizes)[filled]
    first[at[~of_raw[at]]] = True
    moves = np.zeros((count, 2), np.float64)
    moves[~first] = steps.reshape(-1, 2)
    if raw.all():
        return moves
    # As integers, because sums over a whole page may leave the range in which floats are exact.
    sums = np.where(of_raw[:, None], 0.0, moves).astype(np.int64).cumsum(axis=0)
    index = np.flatnonzero(first)
    bases = starts.reshape(-1, 2).astype(np.int64) - sums[index]
    ends = np.append(index[1:], count)
    joined = (sums[index[0] :] if len(index) else sums) + np.repeat(bases, ends - index, axis=0)
    points = np.zeros((count, 2), np.float64)
    if len(index):
        points[index[0] :] = joined
    points[of_raw] = moves[of_raw]
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
