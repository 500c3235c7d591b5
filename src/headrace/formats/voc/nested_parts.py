"""Finds the parts of objects, which a VOC file holds inside their object."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from headrace.model.shapes import AnyShape, Rectangle


class NestedParts:
    """Finds parts: shapes whose attribute ``part_of`` is the id of another shape, as the reader sets it."""

    def __init__(self, shapes: Sequence[AnyShape]) -> None:
        self.nested: dict[int, list[Rectangle]] = {}
        self.inside: set[int] = set()
        parts = [
            shape
            for shape in shapes
            if shape.attributes and "part_of" in shape.attributes and isinstance(shape, Rectangle)
        ]
        if parts:
            self._join(parts, {shape.id: id(shape) for shape in shapes if shape.id is not None})

    def _join(self, parts: Sequence[Rectangle], owners: Mapping[int | str, int]) -> None:
        themselves = set(map(id, parts))
        for part in parts:
            owner = owners.get((part.attributes or {})["part_of"])
            # VOC has no nested parts.
            if owner is not None and owner not in themselves:
                self.nested.setdefault(owner, []).append(part)
                self.inside.add(id(part))
