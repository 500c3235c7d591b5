"""Keeps polygons as JSON text until first access, since most conversions only pass them on or need just their box."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from operator import lt
from typing import Annotated, cast, overload

from msgspec import Meta, MsgspecError, Raw
from msgspec.json import Decoder

# No exponents: a number with one may exceed the range of floats.
_OF_NUMBERS = b"0123456789.- \t\r\n"
_SEVERAL = re.compile(rb"\[\[,,,(?:,,)+\](?:,\[,,,(?:,,)+\])*\]")


def _length(commas: int) -> int:
    # A number with hundreds of digits may exceed the range of floats.
    return 200 * (commas + 4)


# The maximum length of a text by its remainder without numbers, for common remainders.
_LONGEST = {b"[[" + b"," * n + b"]]": _length(n) for n in range(5, 2048, 2)}
_longest = _LONGEST.get
NO_RINGS: list[list[float]] = []
_NO_POLYGON = frozenset({b"[]", b"null"})
# This byte cannot occur unescaped in JSON.
_MARK = b"\x1e"
# A whole number stays one; beyond this floats do not tell whole numbers apart.
_Number = Annotated[int, Meta(ge=-(2**53), le=2**53)] | float
_RINGS: Decoder[list[list[float]]] = Decoder(list[list[_Number]])
_FLOAT_RINGS = Decoder(list[list[float]])
_POLYGONS: Decoder[list[list[list[float]]]] = Decoder(list[list[list[_Number]]])


class LazyPolygon(Sequence[list[float]]):
    """The rings of a polygon as JSON text ``[[x1, y1, …]]`` (pixels), decoded on first access.

    Replaces ``list[list[float]]`` in samples of readers opened with ``geometry="raw"``. ``raw`` must be verified rings,
    since writers of JSON copy it unchanged.
    """

    __slots__ = ("_rings", "raw")
    _rings: list[list[float]]

    def __init__(self, raw: bytes) -> None:
        self.raw = raw

    @property
    def rings(self) -> list[list[float]]:
        """The decoded rings, in pixels."""
        try:
            return self._rings
        except AttributeError:
            self._rings = _decoded(self.raw)
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

    def __reduce__(self) -> tuple[type[LazyPolygon], tuple[bytes]]:
        return LazyPolygon, (self.raw,)


def _decoded(text: bytes) -> list[list[float]]:
    try:
        return _RINGS.decode(text)
    except MsgspecError:  # a whole number that is too large
        return _FLOAT_RINGS.decode(text)


def decoded_polygons(texts: Sequence[bytes]) -> list[list[list[float]]]:
    """Decode the texts of verified polygons at once."""
    try:
        return _POLYGONS.decode(b"[%b]" % b",".join(texts))
    except MsgspecError:  # a whole number that is too large
        return list(map(_decoded, texts))


PolygonText = bytes | tuple[bytes] | None
"""The text of a polygon: verified rings as they are, any other text in a tuple; None for no polygon."""


def lazy_polygons(raws: Iterable[bytes | Raw]) -> list[LazyPolygon | list[list[float]] | None]:
    """Verify polygons without decoding them; the texts must be valid JSON.

    Returns:
        For each text the polygon, :data:`NO_RINGS` for ``[]`` and ``null``, or None for any other value.
    """
    return [
        LazyPolygon(text)
        if len(text) < _longest(remainder, 0)
        else (NO_RINGS if text in _NO_POLYGON else _several(text, remainder))
        for text, remainder in _with_remainders(raws)
    ]


def checked_texts(raws: Sequence[bytes | Raw]) -> list[PolygonText]:
    """Verify polygons like :func:`lazy_polygons`, but return their texts."""
    together = _MARK.join(raws)
    texts, remainders = together.split(_MARK), _without_numbers(together)
    if _are_single_rings(texts, list(map(_longest, remainders))):
        return cast("list[PolygonText]", texts)
    return [
        text
        if len(text) < _longest(remainder, 0) or _are_several(text, remainder)
        else (None if text in _NO_POLYGON else (text,))
        for text, remainder in zip(texts, remainders, strict=True)
    ]


def irregular_texts(raws: Sequence[bytes | Raw]) -> list[PolygonText]:
    """Return only texts that are not rings, as :func:`checked_texts` does; None for rings and missing polygons."""
    remainders = _without_numbers(_MARK.join(raws))
    longest = list(map(_longest, remainders))
    if _are_single_rings(raws, longest):
        return [None] * len(raws)
    return [
        None if most is not None and len(raw) < most else _odd(bytes(raw), remainder)
        for raw, remainder, most in zip(raws, remainders, longest, strict=True)
    ]


def _are_single_rings(texts: Sequence[bytes | Raw], longest: list[int | None]) -> bool:
    """Return whether all texts are single rings: in most files they are, and none needs a closer look."""
    return None not in longest and all(map(lt, map(len, texts), cast("list[int]", longest)))


def _odd(text: bytes, remainder: bytes) -> PolygonText:
    return None if text in _NO_POLYGON or _are_several(text, remainder) else (text,)


def _with_remainders(raws: Iterable[bytes | Raw]) -> Iterator[tuple[bytes, bytes]]:
    """Yield each text with its remainder after the characters of numbers are removed.

    One ring leaves four brackets and an odd number of commas; several rings leave more of the same. All texts are
    processed in one call, which is much faster than one call each.
    """
    together = _MARK.join(raws)
    return zip(together.split(_MARK), _without_numbers(together), strict=True)


def _without_numbers(together: bytes) -> list[bytes]:
    return together.translate(None, _OF_NUMBERS).split(_MARK)


def _several(text: bytes, remainder: bytes) -> LazyPolygon | None:
    return LazyPolygon(text) if _are_several(text, remainder) else None


def _are_several(text: bytes, remainder: bytes) -> bool:
    return len(text) < _length(remainder.count(b",")) and _SEVERAL.fullmatch(remainder) is not None
