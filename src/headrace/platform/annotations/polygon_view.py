"""Polygons whose points are made when they are first read: most of what a large annotation costs is its points."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from msgspec import UNSET, UnsetType

from headrace.protocol.operations.annotations import Attributes, Box, Pair, PolygonOut


class _Source:
    """Where a view finds its points; None once it has read them."""

    __slots__ = ("_index", "_rings")

    def __init__(self, rings: Sequence[list[Pair]], index: int) -> None:
        self._rings: Sequence[list[Pair]] | None = rings
        self._index = index


@dataclass(slots=True, init=False, eq=False, repr=False)
class PolygonView(_Source):
    """Behaves like the :class:`.PolygonOut` with the same fields, and is an instance of it for ``isinstance``.

    It cannot be a subclass: msgspec reads the fields of a Struct from memory, so it would not make the points. It reads the
    fields of a dataclass as attributes. A copy or pickle of a view is a ``PolygonOut``.

    Args:
        label: The name of the label.
        text: As in ``PolygonOut``; so are ``attributes``, ``area`` and ``instance``.
        rings: The points of all polygons of the annotation; reading an item may take time.
        index: The index of this polygon.
    """

    label: str
    text: str | None
    attributes: Attributes | None
    score: float | UnsetType
    polygon: list[Pair]
    area: float | None
    instance: int | None
    bbox: Box | UnsetType

    def __init__(
        self,
        label: str,
        text: str | None,
        attributes: Attributes | None,
        area: float | None,
        instance: int | None,
        rings: Sequence[list[Pair]],
        index: int,
    ) -> None:
        _Source.__init__(self, rings, index)
        self.label = label
        self.text = text
        self.attributes = attributes
        self.score = UNSET
        self.area = area
        self.instance = instance
        self.bbox = UNSET

    if not TYPE_CHECKING:

        @property
        def __class__(self):
            return PolygonOut

        def __getattr__(self, name):
            # Python calls this where a field is not set: once, for the points.
            if name != "polygon":
                raise AttributeError(f"a polygon has no attribute {name!r}")
            rings = self._rings
            if rings is not None:
                self.polygon = rings[self._index]
                self._rings = None
            # Another thread may have set them meanwhile.
            return object.__getattribute__(self, "polygon")

    def __reduce__(self) -> tuple[Any, ...]:
        return _polygon, _values(self)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, PolygonOut):
            return NotImplemented
        return _values(self) == _values(other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return repr(_polygon(*_values(self)))


_FIELDS = PolygonOut.__struct_fields__


def _values(polygon: Any) -> tuple[Any, ...]:
    return tuple(getattr(polygon, name) for name in _FIELDS)


def _polygon(*values: Any) -> PolygonOut:
    return PolygonOut(**dict(zip(_FIELDS, values, strict=True)))
