"""Polygons that stay text until somebody looks: most conversions only carry them, or need no more than their box."""

from __future__ import annotations

from collections.abc import Sequence
from typing import overload

from msgspec.json import Decoder

# No exponents: with one a number may be larger than any float.
_OF_NUMBERS = b"0123456789.- \t\r\n"
_LEFT = {commas + 4: b"[[" + b"," * commas + b"]]" for commas in range(5, 2048, 2)}
_RINGS = Decoder(list[list[float]])


class LazyRings(Sequence[list[float]]):
    """The rings of a polygon as the JSON text ``[[x1, y1, …]]``, decoded when first looked at.

    Stands for ``list[list[float]]`` where a reader was asked for it. ``raw`` must be known to be such rings: a writer
    of JSON may copy it as it is.
    """

    __slots__ = ("_rings", "raw")
    _rings: list[list[float]]

    def __init__(self, raw: bytes) -> None:
        self.raw = raw

    @property
    def rings(self) -> list[list[float]]:
        """The decoded rings."""
        try:
            return self._rings
        except AttributeError:
            self._rings = _RINGS.decode(self.raw)
            return self._rings

    def __len__(self) -> int:
        return len(self.rings)

    @overload
    def __getitem__(self, index: int) -> list[float]: ...
    @overload
    def __getitem__(self, index: slice) -> list[list[float]]: ...
    def __getitem__(self, index: int | slice) -> list[float] | list[list[float]]:
        return self.rings[index]

    def __eq__(self, other: object) -> bool:
        return self.rings == (other.rings if isinstance(other, LazyRings) else other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return repr(self.rings)


def lazy_ring(raw: bytes) -> LazyRings | None:
    """A polygon of one ring, proved without decoding; None where the text may be anything else.

    The text is known to be JSON. Without what numbers are made of, a list of one list of numbers leaves four brackets
    and the commas between the numbers, of which there are an odd number.
    """
    left = raw.translate(None, _OF_NUMBERS)
    # A number of hundreds of digits may be larger than any float.
    return LazyRings(raw) if left == _LEFT.get(len(left)) and len(raw) < 200 * len(left) else None
