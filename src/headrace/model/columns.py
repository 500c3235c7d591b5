"""Shapes of one annotation by columns: how they are packed, and how the platform holds them on the way.

Shapes are grouped by kind, and every group is a few lists of equal length, because lists are what Python moves fast.
Labels are the dataset's small integer keys.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from typing import Any, NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from headrace.model.runs import Pair

Triple = tuple[float, float, int]


class ShapeKind(IntEnum):
    """Kinds of shapes; the numbers are part of the format, and groups stand in this order."""

    RECTANGLE = 0
    POLYGON = 1
    LINE = 2
    POINT = 3
    CLASSIFICATION = 4
    KEYPOINTS = 5
    MASK = 6
    TRACK = 7


FLAT = {ShapeKind.RECTANGLE: 4, ShapeKind.POINT: 2}
"""Kinds whose geometry is one flat list, and how many numbers of it are one shape."""


class TrackGeometry(NamedTuple):
    """Keyframes of one track: ``(frame, x, y, w, h)``, ``(frame, ring)``, and the frames where it ends."""

    start: int
    rectangles: list[tuple[int, float, float, float, float]]
    polygons: list[tuple[int, list[Pair]]]
    ends: list[int]


class Group(Struct, gc=False):
    """The shapes of one kind in columns of equal length.

    ``geometry`` by kind: RECTANGLE flat ``x, y, w, h``; POINT flat ``x, y``; POLYGON and LINE lists of pairs;
    KEYPOINTS lists of triples; MASK counts; TRACK :class:`TrackGeometry`; CLASSIFICATION nothing. The optional
    columns are None where no shape has a value.
    """

    kind: ShapeKind
    labels: list[int]
    geometry: list[Any]
    texts: list[str | None] | None = None
    attributes: list[dict[str, Any] | None] | None = None
    instances: list[int | None] | None = None
    ordinals: list[int] | None = None


class Shapes(Struct, gc=False):
    """All shapes of one annotation; at most one group a kind.

    ``next_ordinal`` None (and groups without ordinals): ordinals count through the groups as they stand.
    """

    groups: list[Group]
    next_ordinal: int | None = None

    def group(self, kind: ShapeKind) -> Group | None:
        """The shapes of one kind, None where there are none."""
        return next((group for group in self.groups if group.kind is kind), None)

    @property
    def count(self) -> int:
        """Number of shapes."""
        return sum(len(group.labels) for group in self.groups)


def joined(old: Shapes, new: Shapes) -> Shapes:
    """``old`` with the shapes of ``new`` behind its own; ordinals of old shapes stay, new ones follow."""
    old = numbered(old)
    following = old.next_ordinal or 0
    groups = {group.kind: group for group in old.groups}
    for group in sorted(new.groups, key=by_kind):
        size = len(group.labels)
        fresh = replace(group, ordinals=list(range(following, following + size)))
        following += size
        before = groups.get(group.kind)
        groups[group.kind] = fresh if before is None else _appended(before, fresh)
    result = Shapes(sorted(groups.values(), key=by_kind), following)
    every = [o for group in result.groups for o in group.ordinals or ()]
    if every == list(range(following)):
        return Shapes([replace(g, ordinals=None) for g in result.groups])
    return result


def numbered(shapes: Shapes) -> Shapes:
    """The same shapes with their ordinals written down."""
    if shapes.next_ordinal is not None:
        return shapes
    groups, following = [], 0
    for group in sorted(shapes.groups, key=by_kind):
        end = following + len(group.labels)
        groups.append(replace(group, ordinals=list(range(following, end))))
        following = end
    return Shapes(groups, following)


def chosen(group: Group, places: Sequence[int]) -> Group:
    """The shapes at these places of a group."""

    def column(values: list[Any] | None) -> list[Any] | None:
        return None if values is None else [values[place] for place in places]

    width = FLAT.get(group.kind)
    if group.kind is ShapeKind.CLASSIFICATION:
        geometry = []
    elif width:
        geometry = [group.geometry[width * place + i] for place in places for i in range(width)]
    else:
        geometry = [group.geometry[place] for place in places]
    return Group(
        kind=group.kind,
        labels=[group.labels[place] for place in places],
        geometry=geometry,
        texts=column(group.texts),
        attributes=column(group.attributes),
        instances=column(group.instances),
        ordinals=column(group.ordinals),
    )


def with_group(shapes: Shapes, group: Group) -> Shapes:
    """The shapes with another group of this kind; the kind goes where the group is empty."""
    others = [other for other in shapes.groups if other.kind is not group.kind]
    groups = [*others, group] if group.labels else others
    return Shapes(sorted(groups, key=by_kind), shapes.next_ordinal)


def by_kind(group: Group) -> int:
    """The order of groups in an annotation."""
    return group.kind


def _appended(old: Group, new: Group) -> Group:
    def column(name: str) -> list[Any] | None:
        first, second = getattr(old, name), getattr(new, name)
        if first is None and second is None:
            return None
        return [
            *(first or [None] * len(old.labels)),
            *(second or [None] * len(new.labels)),
        ]

    return Group(
        kind=old.kind,
        labels=old.labels + new.labels,
        geometry=old.geometry + new.geometry,
        texts=column("texts"),
        attributes=column("attributes"),
        instances=column("instances"),
        ordinals=column("ordinals"),
    )
