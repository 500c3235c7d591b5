"""Dotted paths of label groups, as in COCO's ``supercategory``."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from headrace.model.records import LabelGroupRecord

SEPARATOR = "."
"""Separates the groups of a path."""


def group_paths(groups: Sequence[LabelGroupRecord]) -> dict[UUID, str]:
    """Return the dotted path of every group, from its root."""
    by_id = {group.id: group for group in groups}
    paths: dict[UUID, str] = {}
    for group in groups:
        parts: list[str] = []
        seen: set[UUID] = set()
        ancestor: LabelGroupRecord | None = group
        while ancestor is not None and ancestor.id not in seen:
            seen.add(ancestor.id)
            parts.append(ancestor.name)
            ancestor = by_id.get(ancestor.parent_id) if ancestor.parent_id else None
        paths[group.id] = SEPARATOR.join(reversed(parts))
    return paths
