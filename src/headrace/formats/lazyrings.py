"""Polygons that stay text until somebody looks: most conversions only carry them, or need no more than their box."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import overload

from msgspec import Raw
from msgspec.json import Decoder

# No exponents: with one a number may be larger than any float.
_OF_NUMBERS = b"0123456789.- \t\r\n"
# What is left of a ring, and how long its text may be: a number of hundreds of digits may be larger than any float.
_LONGEST = {b"[[" + b"," * commas + b"]]": 200 * (commas + 4) for commas in range(5, 2048, 2)}
NO_RINGS: list[list[float]] = []
_NOTHING = frozenset({b"[]", b"null"})
# No JSON holds this byte bare.
_MARK = b"\x1e"
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


def lazy_rings(raws: Iterable[bytes | Raw]) -> list[LazyRings | list[list[float]] | None]:
    """Polygons of one ring, proved without decoding; NO_RINGS where there is nothing, None for any other text.

    The texts are known to be JSON. Without what numbers are made of, a list of one list of numbers leaves four
    brackets and the commas between the numbers, of which there are an odd number. All are taken together: that takes
    far less time than one after the other.
    """
    together = _MARK.join(raws)
    texts = together.split(_MARK)
    lefts = together.translate(None, _OF_NUMBERS).split(_MARK)
    return [
        LazyRings(text)
        if len(text) < _LONGEST.get(left, 0)
        else (NO_RINGS if text in _NOTHING else None)
        for text, left in zip(texts, lefts, strict=True)
    ]
