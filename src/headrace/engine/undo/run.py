"""List and undo removals."""

from __future__ import annotations

from uuid import UUID

from msgspec.structs import replace

from headrace.backend.base import Backend
from headrace.errors import ConfigurationError
from headrace.model.records import RemovalDetails, RemovalRecord, UndoRecord
from headrace.protocol.operations.undo import (
    GET_REMOVAL,
    LIST_REMOVALS,
    UNDO_REMOVAL,
    ListRemovals,
    RemovalId,
    UndoRemoval,
)

CONFLICTS_KEPT = 1000
"""Maximum number of conflicts that a report lists; all are counted."""


async def list_removals(
    backend: Backend,
    organization_id: UUID,
    *,
    version: str | None = None,
    removal: UUID | None = None,
) -> list[RemovalRecord]:
    """Return the removals that can be undone, newest first; of one version, or the one with the calls' common id."""
    _check_extensions(backend)
    request = ListRemovals(organization_id=organization_id, version=version, removal=removal)
    return (await backend.call(LIST_REMOVALS, request)).items


async def show_removal(backend: Backend, removal_id: UUID) -> RemovalDetails:
    """Return a removal with the labels of its shapes and the first of its files."""
    _check_extensions(backend)
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
    _check_extensions(backend)
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


def _check_extensions(backend: Backend) -> None:
    if not backend.limits.extensions:
        raise ConfigurationError(
            f"{backend.name} keeps no record of removals", hint="only headrace lakes and servers do"
        )
