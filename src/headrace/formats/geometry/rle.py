"""Run-length encoded masks (:mod:`headrace.model.rle`) for the formats: damage raises ParseError with code C12."""

from __future__ import annotations

from collections.abc import Sequence

from headrace.errors import ParseError
from headrace.model import rle
from headrace.model.rle import area, encode
from headrace.model.shapes import Box

__all__ = ["area", "bounds", "check", "decode", "encode"]


def decode(text: str, height: int, width: int) -> list[int]:
    """Decode the compressed text of a mask of ``height x width`` pixels into run lengths.

    Raises:
        ParseError: (C12) The text is damaged, or its run lengths do not fill the mask.
    """
    try:
        counts = rle.decode(text)
    except ValueError as error:
        raise _damaged(error) from None
    check(counts, height, width)
    return counts


def check(counts: Sequence[int], height: int, width: int) -> None:
    """Raise ParseError (C12) unless the run lengths fill a mask of ``height x width`` pixels exactly."""
    try:
        rle.check(counts, height, width)
    except ValueError as error:
        raise _damaged(error) from None


def bounds(counts: Sequence[int], height: int) -> Box:
    """Return ``x, y, w, h`` around the object in whole pixels; zeros where it has none."""
    x, y, w, h = rle.bounds(counts, height)
    return float(x), float(y), float(w), float(h)


def _damaged(error: ValueError) -> ParseError:
    return ParseError(f"C12  {error}", finding="C12")
