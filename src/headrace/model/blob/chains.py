"""Encode chains of points: polygons, lines and keypoints as runs of first points and of distances.

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

from headrace.model.blob import runs
from headrace.model.blob.values import EXACT, Floats, Integers

ChainForm = Literal["points", "flat", "text", "text of points"]
"""How chains are given that are encoded."""

_parser = msgspec.json.Decoder(list[float])
_points = msgspec.json.Decoder(list[tuple[int | float, int | float]])
_OF_INTEGERS = b"0123456789-,"
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
    joined = b",".join(texts).translate(None, b"[] \t\r\n")
    lengths = np.fromiter([text.count(b",") + 1 for text in texts], np.int64, len(texts))
    if b"." not in joined and not joined.translate(None, _OF_INTEGERS):
        # numpy reads integers in half the time, but floats in twice the time. Those that it cannot hold become very large.
        numbers: Floats = np.fromstring(joined, np.int64, sep=",").astype(np.float64)
        if len(numbers) == lengths.sum() and _are_exact(numbers):
            return numbers, lengths
    try:
        parsed = _parser.decode(b"[" + joined + b"]")
    except msgspec.MsgspecError as error:
        raise ValueError(f"a chain is not a list of numbers: {error}") from None
    if len(parsed) != lengths.sum():
        raise ValueError("a chain without points")
    return np.fromiter(parsed, np.float64, len(parsed)), lengths


def encode_chains(chains: ChainNumbers) -> list[ChainRuns]:
    """Encode the chains of each owner."""
    numbers, sizes, counts = chains
    owner_points = sum_by_owner(sizes, counts)
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
    start_counts = np.where(raw, 0, sum_by_owner(filled.astype(np.int64), counts))
    start_runs = runs.encode(points[first].reshape(-1), 2 * start_counts, scales)
    step_runs = runs.encode(steps[~first].reshape(-1), 2 * (owner_points - start_counts), scales)
    return list(map(ChainRuns, size_runs, start_runs, step_runs))


def sum_by_owner(numbers: Integers, counts: Integers) -> Integers:
    """Add up numbers, ``counts[i]`` of which belong to owner i."""
    sums = np.zeros(len(numbers) + 1, np.int64)
    np.cumsum(numbers, out=sums[1:])
    ends = np.cumsum(counts)
    by_owner: Integers = sums[ends] - sums[ends - counts]
    return by_owner
