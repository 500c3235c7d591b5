"""Polygons that stay text until somebody looks: most conversions only carry them, or need no more than their box."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from operator import lt
from typing import cast, overload

from msgspec import Raw
from msgspec.json import Decoder

# No exponents: with one a number may be larger than any float.
_OF_NUMBERS = b"0123456789.- \t\r\n"
_SEVERAL = re.compile(rb"\[\[,,,(?:,,)+\](?:,\[,,,(?:,,)+\])*\]")


def _length(commas: int) -> int:
    # A number of hundreds of digits may be larger than any float.
    return 200 * (commas + 4)


# How long a text may be of which this is left, for the commonest.
_LONGEST = {b"[[" + b"," * n + b"]]": _length(n) for n in range(5, 2048, 2)}
_longest = _LONGEST.get
NO_RINGS: list[list[float]] = []
_NOTHING = frozenset({b"[]", b"null"})
# No JSON holds this byte bare.
_MARK = b"\x1e"
_RINGS = Decoder(list[list[float]])


class LazyPolygon(Sequence[list[float]]):
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
        return self.rings == (other.rings if isinstance(other, LazyPolygon) else other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return repr(self.rings)


PolygonText = bytes | tuple[bytes] | None
"""The text of an outline: that of rings bare, any other in a tuple; None where there is none."""


def lazy_polygons(raws: Iterable[bytes | Raw]) -> list[LazyPolygon | list[list[float]] | None]:
    """Polygons, proved without decoding; NO_RINGS where there is nothing, None for any other text.

    The texts are known to be JSON.
    """
    return [
        LazyPolygon(text)
        if len(text) < _longest(left, 0)
        else (NO_RINGS if text in _NOTHING else _several(text, left))
        for text, left in _taken_apart(raws)
    ]


def checked_texts(raws: Iterable[bytes | Raw]) -> list[PolygonText]:
    """The same as texts."""
    return [
        text
        if len(text) < _longest(left, 0) or _are_several(text, left)
        else (None if text in _NOTHING else (text,))
        for text, left in _taken_apart(raws)
    ]


def irregular_texts(raws: Sequence[bytes | Raw]) -> list[PolygonText]:
    """The same without those that are rings: None stands for them too."""
    lefts = _without_numbers(_MARK.join(raws))
    longest = list(map(_longest, lefts))
    # Mostly there is nothing but single rings, and no look at each is needed.
    if None not in longest and all(map(lt, map(len, raws), cast("list[int]", longest))):
        return [None] * len(raws)
    return [
        None if most is not None and len(raw) < most else _odd(bytes(raw), left)
        for raw, left, most in zip(raws, lefts, longest, strict=True)
    ]


def _odd(text: bytes, left: bytes) -> PolygonText:
    return None if text in _NOTHING or _are_several(text, left) else (text,)


def polygons_from_texts(
    polygon_texts: Iterable[PolygonText],
) -> list[LazyPolygon | list[list[float]] | None]:
    """What :func:`lazy_polygons` makes of the same texts."""
    return [
        LazyPolygon(text) if type(text) is bytes else (NO_RINGS if text is None else None)
        for text in polygon_texts
    ]


def _taken_apart(raws: Iterable[bytes | Raw]) -> Iterator[tuple[bytes, bytes]]:
    """Each text, and what is left of it without what numbers are made of.

    A list of one list of numbers leaves four brackets and the commas between the numbers, of which there are an odd
    number; several lists leave more of the same. All are taken together: that takes far less time than one after the
    other.
    """
    together = _MARK.join(raws)
    return zip(together.split(_MARK), _without_numbers(together), strict=True)


def _without_numbers(together: bytes) -> list[bytes]:
    return together.translate(None, _OF_NUMBERS).split(_MARK)


def _several(text: bytes, left: bytes) -> LazyPolygon | None:
    return LazyPolygon(text) if _are_several(text, left) else None


def _are_several(text: bytes, left: bytes) -> bool:
    return len(text) < _length(left.count(b",")) and _SEVERAL.fullmatch(left) is not None
