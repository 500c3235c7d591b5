"""The shapes of one annotation in columns, as the platform processes and packs them.

Shapes are grouped by kind. Each group is a few lists of equal length, which Python processes faster than objects. Labels
are the small integer keys of the version.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from enum import IntEnum
from itertools import chain
from typing import Any, NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from headrace.model.shapes import Box

Pair = tuple[float, float]
Triple = tuple[float, float, int]
Segmentation = list[list[Pair]] | str
"""The outline of an object with keypoints: rings, or the compressed run lengths of a mask."""


class ShapeKind(IntEnum):
    """Kinds of shapes. The numbers are part of the stored format and give the order of groups."""

    RECTANGLE = 0
    POLYGON = 1
    LINE = 2
    POINT = 3
    CLASSIFICATION = 4
    KEYPOINTS = 5
    MASK = 6
    TRACK = 7


PLURALS = {kind: kind.name.lower().removesuffix("s") + "s" for kind in ShapeKind}
"""By kind, the name of the field that holds several shapes, in requests and results: ``rectangles``, ``masks``, …"""

FLAT = {ShapeKind.RECTANGLE: 4, ShapeKind.POINT: 2}
"""Kinds whose geometry is one flat list, with the count of numbers a shape."""


class TrackGeometry(NamedTuple):
    """Keyframes of one track: ``(frame, x, y, w, h)``, ``(frame, ring)``, and the frames at which it ends."""

    start: int
    rectangles: list[tuple[int, float, float, float, float]]
    polygons: list[tuple[int, list[Pair]]]
    ends: list[int]


class ShapeGroup(Struct, gc=False):
    """The shapes of one kind in columns of equal length.

    ``geometry`` by kind: RECTANGLE flat ``x, y, w, h``; POINT flat ``x, y``; POLYGON and LINE lists of pairs (before
    they are packed also flat lists or JSON texts, see :data:`headrace.model.blob.chains.ChainForm`);
    KEYPOINTS lists of triples; MASK compressed run lengths; TRACK :class:`TrackGeometry`; CLASSIFICATION an empty list.
    An optional column is None where no shape has a value. ``boxes`` are the boxes ``x, y, w, h`` that were given beside
    other geometry, and that do not follow from it; ``segmentations`` are the outlines of objects with keypoints.
    ``areas`` (square pixels) and ``bounds`` (boxes around the rings) of polygons are computed where a
    reader of blobs asks for them, and never stored.
    """

    kind: ShapeKind
    labels: list[int]
    geometry: list[Any]
    texts: list[str | None] | None = None
    attributes: list[dict[str, Any] | None] | None = None
    instances: list[int | None] | None = None
    ordinals: list[int] | None = None
    scores: list[float | None] | None = None
    boxes: list[Box | None] | None = None
    segmentations: list[Segmentation | None] | None = None
    areas: list[float] | None = None
    bounds: list[Box] | None = None


class Shapes(Struct, gc=False):
    """All shapes of one annotation; at most one group of each kind.

    Where ``next_ordinal`` is None, groups have no ordinals: they are implicit, counted from 0 through all groups.
    """

    groups: list[ShapeGroup]
    next_ordinal: int | None = None

    def group(self, kind: ShapeKind) -> ShapeGroup | None:
        """Return the shapes of one kind, None where there are none."""
        return next((group for group in self.groups if group.kind is kind), None)

    @property
    def count(self) -> int:
        """The number of shapes, each ring of a polygon for itself."""
        return sum(len(group.labels) for group in self.groups)

    def label_counts(self) -> Counter[int]:
        """Count the shapes of each label; the rings of one polygon are one shape."""
        counts = Counter(chain.from_iterable(group.labels for group in self.groups))
        for group in self.groups:
            if group.instances:
                rings = [
                    pair
                    for pair in zip(group.labels, group.instances, strict=True)
                    if pair[1] is not None
                ]
                counts.subtract(label for label, _ in rings)
                counts.update(label for label, _ in set(rings))
        return counts


def append_shapes(old: Shapes, new: Shapes, *, apart: bool = False) -> Shapes:
    """Append the shapes of ``new`` to those of ``old``; old shapes keep their ordinals, new ones get the next.

    With ``apart`` no new polygon becomes a part of an old one, even if both have the same instance.
    """
    if apart:
        new = _with_new_instances(old, new)
    old = with_ordinals(old)
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


def _with_new_instances(old: Shapes, new: Shapes) -> Shapes:
    taken = [n for group in old.groups for n in group.instances or () if n is not None]
    if not taken:
        return new
    first = max(taken) + 1
    return Shapes(
        [
            replace(
                group,
                instances=group.instances
                and [None if n is None else n + first for n in group.instances],
            )
            for group in new.groups
        ],
        new.next_ordinal,
    )


def with_ordinals(shapes: Shapes) -> Shapes:
    """Return the same shapes with explicit ordinals."""
    if shapes.next_ordinal is not None:
        return shapes
    groups, following = [], 0
    for group in sorted(shapes.groups, key=by_kind):
        end = following + len(group.labels)
        groups.append(replace(group, ordinals=list(range(following, end))))
        following = end
    return Shapes(groups, following)


def select_shapes(group: ShapeGroup, indices: Sequence[int]) -> ShapeGroup:
    """Select the shapes at these indices of a group."""

    def column(values: list[Any] | None) -> list[Any] | None:
        return None if values is None else [values[index] for index in indices]

    width = FLAT.get(group.kind)
    if group.kind is ShapeKind.CLASSIFICATION:
        geometry = []
    elif width:
        geometry = [group.geometry[width * index + i] for index in indices for i in range(width)]
    else:
        geometry = [group.geometry[index] for index in indices]
    return ShapeGroup(
        kind=group.kind,
        labels=[group.labels[index] for index in indices],
        geometry=geometry,
        texts=column(group.texts),
        attributes=column(group.attributes),
        instances=column(group.instances),
        ordinals=column(group.ordinals),
        scores=column(group.scores),
        boxes=column(group.boxes),
        segmentations=column(group.segmentations),
    )


def with_group(shapes: Shapes, group: ShapeGroup) -> Shapes:
    """Replace the group of one kind; an empty group removes the kind."""
    others = [other for other in shapes.groups if other.kind is not group.kind]
    groups = [*others, group] if group.labels else others
    return Shapes(sorted(groups, key=by_kind), shapes.next_ordinal)


def column_of(values: list[Any]) -> list[Any] | None:
    """Return the values as a column of a group: None where no shape has one."""
    return None if values.count(None) == len(values) else values


def by_kind(group: ShapeGroup) -> int:
    """Sort key: the order of groups in an annotation."""
    return group.kind


def _appended(old: ShapeGroup, new: ShapeGroup) -> ShapeGroup:
    def column(name: str) -> list[Any] | None:
        first, second = getattr(old, name), getattr(new, name)
        if first is None and second is None:
            return None
        return [
            *(first or [None] * len(old.labels)),
            *(second or [None] * len(new.labels)),
        ]

    return ShapeGroup(
        kind=old.kind,
        labels=old.labels + new.labels,
        geometry=old.geometry + new.geometry,
        texts=column("texts"),
        attributes=column("attributes"),
        instances=column("instances"),
        ordinals=column("ordinals"),
        scores=column("scores"),
        boxes=column("boxes"),
        segmentations=column("segmentations"),
    )
