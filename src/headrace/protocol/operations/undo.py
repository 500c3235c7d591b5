"""Removals, and how they are undone. All of it exists on headrace servers only."""

from __future__ import annotations

from uuid import UUID

from msgspec import Struct

from headrace.model.records import Items, RemovalDetails, RemovalRecord, RemovalRoom, UndoRecord
from headrace.protocol.operation import Operation


class ListRemovals(Struct, kw_only=True):
    """``version`` is ``dataset/version``; ``removal`` is what the calls of one action carried as ``removal``."""

    organization_id: UUID
    version: str | None = None
    removal: UUID | None = None


class RemovalId(Struct, kw_only=True):
    removal_id: UUID


class UndoRemoval(Struct, kw_only=True):
    """``cursor`` continues an undo; absent at its begin. ``undo`` is that of ``DeleteAssets``, for what gives way."""

    removal_id: UUID
    dry_run: bool = False
    cursor: int | None = None
    undo: bool | None = None


class CheckRemoval(Struct, kw_only=True):
    """At most 10,000 ``asset_ids``; absent for all annotations of the version."""

    version_id: UUID
    asset_ids: list[UUID] | None = None


LIST_REMOVALS = Operation(
    name="list_removals",
    method="GET",
    path="/api/organization/{organization_id}/removals",
    request=ListRemovals,
    result=Items[RemovalRecord],
    doc="List the removals that can be undone, newest first.",
    extension=True,
    instead="removals of other platforms are kept on this machine",
    errors=(404,),
)
GET_REMOVAL = Operation(
    name="get_removal",
    method="GET",
    path="/api/removal/{removal_id}",
    request=RemovalId,
    result=RemovalDetails,
    doc="Get a removal with the labels of its shapes and the first of its files.",
    extension=True,
    instead="removals of other platforms are kept on this machine",
    errors=(404,),
)
UNDO_REMOVAL = Operation(
    name="undo_removal",
    method="POST",
    path="/api/removal/{removal_id}/undo",
    request=UndoRemoval,
    result=UndoRecord,
    doc="Put back what a removal took away, a part at a time; what was written since stays.",
    repeatable=True,
    extension=True,
    instead="removals of other platforms are kept on this machine",
    errors=(404, 409, 423, 507),
)
CHECK_REMOVAL = Operation(
    name="check_removal",
    method="POST",
    path="/api/dataset/version/{version_id}/removals/check",
    request=CheckRemoval,
    result=RemovalRoom,
    doc="Check whether a removal of several calls could be recorded.",
    safe=True,
    extension=True,
    instead="removals of other platforms are kept on this machine",
    errors=(404, 507),
)
