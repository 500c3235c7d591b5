"""Put the rectangles and polygons of unpacked annotations into a table of boxes, for the writers of formats."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from headrace.formats.coco.encode import polygon_area
from headrace.formats.geometry.box_table import BoxTable
from headrace.model.columns import ShapeGroup, ShapeKind, Shapes
from headrace.model.geometry import rings_bounds
from headrace.model.sample import Sample
from headrace.model.shapes import Attributes, Box

CROWD = "iscrowd"
"""The attribute of a shape that marks a group of objects (COCO)."""


def in_table(shapes: Shapes) -> bool:
    """Return whether a table can hold all shapes of an annotation: rectangles and polygons without rare fields.

    The points of polygons are text, or flat lists of numbers.
    """
    for group in shapes.groups:
        if group.kind is not ShapeKind.POLYGON:
            if group.kind is not ShapeKind.RECTANGLE:
                return False
        elif not all(group.geometry):
            return False
        if group.texts is not None or group.scores is not None or group.boxes is not None:
            return False
        if group.attributes is not None and _has_crowds(group.attributes):
            return False
    return True


def _has_crowds(attributes: Sequence[Attributes | None]) -> bool:
    return any(each is not None and CROWD in each for each in attributes)


class TableColumns:
    """The columns of a table that grows annotation by annotation.

    Args:
        names: The names of the labels by key.
        numbers: Whether the points of polygons are flat lists of numbers, not text.
    """

    def __init__(self, names: Mapping[int, str], *, numbers: bool = False) -> None:
        self.labels: list[str] = []
        self._names = names
        self._boxes: list[Box] = []
        self._areas: list[float | None] = []
        self._attributes: list[Attributes | None] = []
        self._numbers = numbers
        # The rings of polygons, as text or as numbers; None for rectangles.
        self._outlines: list[Any] = []

    def add(self, shapes: Shapes, sample: Sample) -> None:
        """Append the shapes of an annotation; ``sample`` has the size of the image."""
        for group in shapes.groups:
            count = len(group.labels)
            names = [self._names[key] for key in group.labels]
            attributes = group.attributes or [None] * count
            if group.kind is ShapeKind.RECTANGLE:
                numbers = iter(group.geometry)
                self._boxes += zip(numbers, numbers, numbers, numbers, strict=True)
                self._areas += [None] * count
                self._outlines += [None] * count
            elif group.instances is None:
                self._boxes += group.bounds or ()
                self._areas += group.areas or ()
                self._outlines += (
                    [[ring] for ring in group.geometry]
                    if self._numbers
                    else [b"[[%b]]" % ring for ring in group.geometry]
                )
            else:
                names, attributes = self._add_parts(group, names, attributes, sample)
            self.labels += names
            self._attributes += attributes

    def _add_parts(
        self, group: ShapeGroup, names: list[str], attributes: list[Any], sample: Sample
    ) -> tuple[list[str], list[Any]]:
        """Append polygons of several rings; returns the labels and attributes of the polygons."""
        first: dict[int, int] = {}
        rings: list[list[Any]] = []
        chosen: list[int] = []
        for index, (ring, instance) in enumerate(
            zip(group.geometry, group.instances or (), strict=True)
        ):
            if instance is not None and instance in first:
                rings[first[instance]].append(ring)
                continue
            if instance is not None:
                first[instance] = len(rings)
            chosen.append(index)
            rings.append([ring])
        bounds, areas = group.bounds or [], group.areas or []
        for index, parts in zip(chosen, rings, strict=True):
            outline: Any = parts if self._numbers else b"[[%b]]" % b"],[".join(parts)
            self._outlines.append(outline)
            if len(parts) == 1:
                self._boxes.append(bounds[index])
                self._areas.append(areas[index])
            else:
                numbers = parts if self._numbers else orjson.loads(outline)
                self._boxes.append(rings_bounds(numbers))
                self._areas.append(polygon_area(numbers, sample))
        return [names[index] for index in chosen], [attributes[index] for index in chosen]

    def table(self) -> BoxTable:
        """Return the table."""
        outlines = self._outlines if any(self._outlines) else None
        x, y, w, h = zip(*self._boxes, strict=True) if self._boxes else ((), (), (), ())
        return BoxTable(
            self.labels,
            x,
            y,
            w,
            h,
            self._attributes if any(self._attributes) else None,
            None,
            self._areas,
            polygon_texts=None if self._numbers else outlines,
            polygon_rings=outlines if self._numbers else None,
            is_derived=True,
        )
