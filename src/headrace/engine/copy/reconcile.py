"""Decide what is to be written and deleted of the annotations of one asset.

Annotations are compared by their keys, which stand for all that the target tells of them. ``known`` are the keys that
earlier runs wrote, by annotation of the source: with them, an annotation that was changed at the source is told from one
that was changed at the target.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from msgspec import Struct, field

from headrace.engine.copy.fit import Fitted

PENDING = b"-"
"""In front of the key of an annotation that is about to be replaced: it may be gone already."""


class Changes(Struct):
    """What is to be done at one asset of the target.

    Attributes:
        writes: Annotations to write, the oldest first.
        deletes: Annotations of the target that they replace.
        replacing: The ids at the source, and the keys, of the annotations that are deleted.
        there: Number of annotations that the target has.
        conflicts: Number of annotations that were changed or removed at the target.
        beside: Whether the asset keeps annotations, beside which the others are written.
        gone: Annotations that the source has no longer.
    """

    writes: list[Fitted] = field(default_factory=list)
    deletes: list[UUID] = field(default_factory=list)
    replacing: list[tuple[str, bytes]] = field(default_factory=list)
    there: int = 0
    conflicts: int = 0
    beside: bool = False
    gone: list[str] = field(default_factory=list)


class Found:
    """The annotations of an asset of the target by key; each can be claimed once."""

    def __init__(self, annotations: Sequence[tuple[bytes, UUID]]) -> None:
        self._ids: dict[bytes, list[UUID]] = {}
        for key, annotation in annotations:
            self._ids.setdefault(key, []).append(annotation)

    def claim(self, key: bytes) -> UUID | None:
        """Take the oldest annotation with this key."""
        ids = self._ids.get(key)
        return ids.pop() if ids else None

    def drop(self, annotation: UUID) -> None:
        """Leave out an annotation."""
        for ids in self._ids.values():
            if annotation in ids:
                ids.remove(annotation)

    @property
    def left(self) -> set[UUID]:
        """The annotations that were not claimed."""
        return {each for ids in self._ids.values() for each in ids}

    def __len__(self) -> int:
        return sum(map(len, self._ids.values()))


def reconcile(fitted: Sequence[Fitted], found: Found, known: Mapping[str, bytes]) -> Changes:
    """Decide what is to be done.

    Args:
        fitted: The annotations of the source, the oldest first.
        found: The annotations of the target, the newest first.
        known: What earlier runs wrote.
    """
    changes = Changes(gone=list(known.keys() - {each.source_id for each in fitted}))
    standing: dict[str, UUID] = {}
    writes: set[str] = set()
    replaced = False
    # What was written before is looked for first, so that an equal new annotation does not take its place.
    for each in sorted(fitted, key=lambda one: one.source_id not in known):
        before = known.get(each.source_id)
        begun = before is not None and len(before) > len(each.key)
        if before is not None and begun:
            before = before[len(PENDING) :]
        now = found.claim(each.key)
        stale = None if before in (None, each.key) else found.claim(before or b"")
        if stale is not None:
            changes.deletes.append(stale)
            changes.replacing.append((each.source_id, before or b""))
        if now is not None:
            standing[each.source_id] = now
        elif before is None or begun or stale is not None:
            writes.add(each.source_id)
            replaced = replaced or before is not None
        else:
            changes.conflicts += 1
    if replaced:
        _keep_order(fitted, changes, standing, writes)
    changes.there = len(standing)
    changes.beside = bool(len(found) or standing or changes.conflicts)
    changes.writes = [each for each in fitted if each.source_id in writes]
    return changes


def _keep_order(
    fitted: Sequence[Fitted], changes: Changes, standing: dict[str, UUID], writes: set[str]
) -> None:
    """Write what is newer than a replaced annotation again: the newest one of an asset is the one that exports use."""
    later = False
    for each in fitted:
        if later and each.source_id in standing:
            changes.deletes.append(standing.pop(each.source_id))
            changes.replacing.append((each.source_id, each.key))
            writes.add(each.source_id)
        later = later or each.source_id in writes
