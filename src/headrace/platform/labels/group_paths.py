"""Groups of labels as dotted paths."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from headrace.model.records import LabelGroupRecord

SEPARATOR = "."
"""Between the groups of a path, as in COCO's ``supercategory``."""


def group_paths(groups: Sequence[LabelGroupRecord]) -> dict[UUID, str]:
    """The dotted path of every group."""
    by_id = {group.id: group for group in groups}
    paths: dict[UUID, str] = {}
    for group in groups:
        parts: list[str] = []
        seen: set[UUID] = set()
        at: LabelGroupRecord | None = group
        while at is not None and at.id not in seen:
            seen.add(at.id)
            parts.append(at.name)
            at = by_id.get(at.parent_id) if at.parent_id else None
        paths[group.id] = SEPARATOR.join(reversed(parts))
    return paths
