"""Numbers of numpy as numbers of Python: integers where they are whole, so that 12 in a source stays 12, not 12.0."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from headrace.model.geometry import DECIMALS, NOISE

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

EXACT = float(1 << 53)
"""Float64 holds every integer up to this one."""


def values(numbers: Floats, *, whole: bool = False) -> list[Any]:
    """Return numbers as Python's: integers where they are whole, else floats. With ``whole`` all are rounded."""
    if whole:
        if len(numbers) and np.abs(numbers).max() > EXACT:
            return list(map(round, numbers.tolist()))
        return list(np.rint(numbers).astype(np.int64).tolist())
    held, integral = _integral(numbers)
    if len(integral) == len(numbers):
        return list(held.tolist())
    result = list(numbers.tolist())
    # What was whole in a source stays whole: 12, not 12.0.
    for index, number in zip(integral.tolist(), held[integral].tolist(), strict=True):
        result[index] = number
    return result


def integers_where(whole: NDArray[np.bool_], numbers: Floats) -> list[Any]:
    """Return numbers as Python's: integers where ``whole`` says so, else floats."""
    indices = np.flatnonzero(whole).tolist()
    if len(indices) == len(numbers):
        return list(numbers.astype(np.int64).tolist())
    result = list(numbers.tolist())
    for index in indices:
        result[index] = int(result[index])
    return result


def are_whole(numbers: Floats) -> NDArray[np.bool_]:
    """Return which numbers :func:`values` returns as integers."""
    whole: NDArray[np.bool_] = (np.rint(numbers) == numbers) & (np.abs(numbers) <= EXACT)
    return whole


def without_noise(differences: Floats) -> Floats:
    """Return differences of coordinates without the noise of a subtraction: 20.2, not 20.199999999999996."""
    with np.errstate(over="ignore", invalid="ignore"):
        short = np.round(differences, DECIMALS)
        return np.where(np.abs(short - differences) < NOISE, short, differences)


def pairs(points: Floats, *, whole: bool = False) -> list[list[Any]]:
    """Return points, rows of two numbers, as lists ``[x, y]`` of what :func:`values` returns."""
    if whole:
        return list(np.rint(points).astype(np.int64).tolist())
    numbers = points.reshape(-1)
    held, integral = _integral(numbers)
    if len(integral) == len(numbers):
        return list(held.reshape(-1, 2).tolist())
    result = list(points.tolist())
    for index, number in zip(integral.tolist(), held[integral].tolist(), strict=True):
        result[index >> 1][index & 1] = number
    return result


def _integral(numbers: Floats) -> tuple[Integers, Integers]:
    """Return the numbers as integers, and the indices of those that are whole."""
    with np.errstate(invalid="ignore"):
        held = numbers.astype(np.int64)
    return held, np.flatnonzero((held == numbers) & (np.abs(numbers) <= EXACT))
