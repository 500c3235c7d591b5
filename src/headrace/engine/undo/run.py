"""List and undo removals."""

from __future__ import annotations

from collections import Counter
from typing import Any
from uuid import UUID

from msgspec.structs import replace

from headrace.backend.base import Backend
from headrace.engine.undo.foreign.restore import CONFLICTS_KEPT, restore
from headrace.engine.undo.foreign.store import LocalRemoval, RemovalStore
from headrace.engine.versions.load import shapes_of
from headrace.model.records import RemovalDetails, RemovalRecord, UndoRecord
from headrace.protocol.operations.undo import (
    GET_REMOVAL,
    LIST_REMOVALS,
    UNDO_REMOVAL,
    ListRemovals,
    RemovalId,
    UndoRemoval,
)
from headrace.threads import in_thread

FILES_SHOWN = 20


async def list_removals(
    backend: Backend,
    organization_id: UUID,
    *,
    version: str | None = None,
    removal: UUID | None = None,
) -> list[RemovalRecord]:
    """Return the removals that can be undone, newest first; of one version, or the one with the calls' common id."""
    if not backend.limits.extensions:
        store = RemovalStore(backend.name)
        kept = [_record(store, each) for each in await in_thread(store.list)]
        return [
            each for each in kept if version in (None, each.version) and removal in (None, each.id)
        ]
    request = ListRemovals(organization_id=organization_id, version=version, removal=removal)
    return (await backend.call(LIST_REMOVALS, request)).items


async def show_removal(backend: Backend, removal_id: UUID) -> RemovalDetails:
    """Return a removal with the labels of its shapes and the first of its files."""
    if not backend.limits.extensions:
        return await in_thread(_details, RemovalStore(backend.name), removal_id)
    return await backend.call(GET_REMOVAL, RemovalId(removal_id=removal_id))


async def undo_removal(
    backend: Backend, removal_id: UUID, *, dry_run: bool = False, undo: bool = True
) -> UndoRecord:
    """Put back what a removal took away. Safe to run again, also after it was interrupted.

    Args:
        backend: Backend of the removal.
        removal_id: The removal.
        dry_run: Only say what would be done.
        undo: Whether nothing may give way that cannot be brought back.

    Returns:
        What came back, and the conflicts.
    """
    if not backend.limits.extensions:
        store = RemovalStore(backend.name)
        removal = await in_thread(store.get, removal_id)
        return await restore(backend, store, removal, dry_run=dry_run, undo=undo)
    whole: UndoRecord | None = None
    cursor: int | None = None
    while True:
        request = UndoRemoval(removal_id=removal_id, dry_run=dry_run, cursor=cursor, undo=undo)
        part = await backend.call(UNDO_REMOVAL, request)
        whole = part if whole is None else _joined(whole, part)
        cursor = part.cursor
        if cursor is None:
            return whole


def _joined(whole: UndoRecord, part: UndoRecord) -> UndoRecord:
    return replace(
        part,
        assets=whole.assets + part.assets,
        annotations=whole.annotations + part.annotations,
        shapes=whole.shapes + part.shapes,
        present=whole.present + part.present,
        replaced=whole.replaced + part.replaced,
        conflicts=(whole.conflicts + part.conflicts)[:CONFLICTS_KEPT],
        conflict_count=whole.conflict_count + part.conflict_count,
        notes=list(dict.fromkeys(whole.notes + part.notes)),
    )


def _record(store: RemovalStore, removal: LocalRemoval) -> RemovalRecord:
    return RemovalRecord(**_fields(store, removal))


def _details(store: RemovalStore, removal_id: UUID) -> RemovalDetails:
    removal = store.get(removal_id)
    labels: Counter[str] = Counter()
    files: list[str] = []
    for item in store.items(removal):
        if len(files) < FILES_SHOWN:
            files.append(item.filename)
        for annotation in item.annotations:
            labels.update(shape.label for shape in shapes_of(annotation))
    return RemovalDetails(**_fields(store, removal), labels=dict(labels), files=files)


def _fields(store: RemovalStore, removal: LocalRemoval) -> dict[str, Any]:
    return {
        "id": removal.id,
        "kind": removal.kind,
        "version": removal.version,
        "username": "",
        "assets": removal.assets,
        "annotations": removal.annotations,
        "shapes": removal.shapes,
        "bytes": removal.items_bytes,
        "created_at": removal.created_at,
        "expires_at": store.expires_at(removal),
        "undone_at": removal.undone_at,
    }
