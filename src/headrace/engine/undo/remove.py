"""Remove assets and annotations of a version, so that it can be undone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID, uuid4

from msgspec.structs import replace

from headrace.backend.base import Backend
from headrace.engine.paging import batched, call_all
from headrace.engine.undo.foreign.save import save_removal
from headrace.errors import RemovalNotRecordedError
from headrace.protocol.operations.annotating import (
    ALL_ASSETS,
    DELETE_ANNOTATIONS,
    DeleteAnnotations,
)
from headrace.protocol.operations.assets import DELETE_ASSETS, DeleteAssets
from headrace.protocol.operations.listing import IDS_PER_CALL
from headrace.protocol.operations.undo import CHECK_REMOVAL, CheckRemoval


def undo_choice(backend: Backend, undo: bool) -> bool | None:
    """Return the ``undo`` field of a request; None for a platform that does not have it."""
    return undo if backend.limits.extensions else None


async def delete_assets(
    backend: Backend,
    version_id: UUID,
    asset_ids: Sequence[UUID],
    *,
    undo: bool = True,
    removal: UUID | None = None,
) -> None:
    """Remove assets and their annotations from a version, as one removal.

    Args:
        backend: Backend of the version.
        version_id: The version.
        asset_ids: The assets.
        undo: Whether nothing may go that cannot be brought back.
        removal: Joins several calls into one removal. Default: a new one.

    Raises:
        RemovalNotRecordedError: With ``undo``, if the removal cannot be recorded; nothing is removed then.
    """
    pieces = list(batched(asset_ids, IDS_PER_CALL))
    if undo and not backend.limits.extensions:
        await save_removal(
            backend, version_id, "assets", asset_ids, removed=True, removal_id=removal
        )
    elif undo and len(pieces) > 1:
        await check_room(backend, version_id, asset_ids)
    extra = removal_fields(backend, undo, removal)
    requests = [DeleteAssets(version_id=version_id, ids=piece, **extra) for piece in pieces]
    await call_all(backend, DELETE_ASSETS, requests)


async def delete_annotations(
    backend: Backend, request: DeleteAnnotations, *, undo: bool = True
) -> None:
    """Delete annotations: all of a version, those of any number of assets, or any number of annotations by id.

    Args:
        backend: Backend of the version.
        request: What to delete.
        undo: Whether nothing may go that cannot be brought back.

    Raises:
        RemovalNotRecordedError: With ``undo``, if the removal cannot be recorded; nothing is removed then.
    """
    extra = removal_fields(backend, undo, None)
    requests = [replace(request, **extra)]
    if request.annotation_ids is not None:
        requests = [
            replace(request, annotation_ids=piece, **extra)
            for piece in batched(request.annotation_ids, IDS_PER_CALL)
        ]
    elif ALL_ASSETS not in request.asset_ids:
        requests = [
            replace(request, asset_ids=piece, **extra)
            for piece in batched(request.asset_ids, IDS_PER_CALL)
        ]
    assets = None
    if ALL_ASSETS not in request.asset_ids:
        assets = [UUID(each) for each in request.asset_ids]
    if undo and not backend.limits.extensions:
        ids = request.annotation_ids
        only = None if ids is None else frozenset(ids)
        version = request.version_id
        await save_removal(backend, version, "annotations", assets, removed=False, only=only)
    elif undo and len(requests) > 1:
        await check_room(backend, request.version_id, assets)
    await call_all(backend, DELETE_ANNOTATIONS, requests)


async def check_room(
    backend: Backend, version_id: UUID, asset_ids: Iterable[UUID] | None = None
) -> None:
    """Check that a removal of several calls can be recorded as a whole, before the first of them removes anything.

    Args:
        backend: Backend of the version.
        version_id: The version.
        asset_ids: The assets that may lose annotations. Default: all of the version.

    Raises:
        RemovalNotRecordedError: There is not enough room.
    """
    if not backend.limits.extensions:
        return
    try:
        await backend.call(CHECK_REMOVAL, CheckRemoval(version_id=version_id))
    except RemovalNotRecordedError:
        if asset_ids is None:
            raise
    else:
        return
    needed = 0
    for piece in batched(asset_ids, IDS_PER_CALL):
        request = CheckRemoval(version_id=version_id, asset_ids=piece)
        room = await backend.call(CHECK_REMOVAL, request)
        needed += room.needed
        if needed > room.free:
            raise RemovalNotRecordedError(
                f"the removal needs more than {needed:,} bytes to be undone, and {room.free:,} are left"
            )


def removal_fields(backend: Backend, undo: bool, removal: UUID | None) -> dict[str, Any]:
    """Return the fields of a request that joins the calls of one removal; none for a platform without removals."""
    if not backend.limits.extensions:
        return {}
    return {"undo": undo, "removal": removal or uuid4()}
