"""Lists of points that a request holds as JSON text, so that no object is made of each number."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Raw

_MARK = b"\x1e"
"""This byte is never inside JSON text, only escaped."""
_OF_NUMBERS = b"0123456789.- \t\r\n"
_MOST_POINTS = 2_000
_SHAPES = frozenset(b"[" + b",".join([b"[,]"] * count) + b"]" for count in range(1, _MOST_POINTS))
"""What is left of lists of points without the numbers."""


def are_points(texts: Iterable[Raw]) -> bool:
    """Return whether all texts, which are valid JSON, are lists of points ``[[x, y], …]`` of plain numbers.

    Very long lists, and numbers with exponents, are not plain.
    """
    left = _MARK.join(texts).translate(None, _OF_NUMBERS)
    return not left or _SHAPES.issuperset(left.split(_MARK))
