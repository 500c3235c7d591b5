"""List, show, check and undo removals."""

from __future__ import annotations

from collections import Counter
from contextlib import aclosing
from itertools import islice

import msgspec

from headrace.errors import RequestTooLargeError
from headrace.model.blob.counts import unpack_counts
from headrace.model.records import Items, RemovalDetails, RemovalRecord, RemovalRoom, UndoRecord
from headrace.platform.assets.selectors import asset_seqs
from headrace.platform.context import Context
from headrace.platform.core.access import Access
from headrace.platform.core.identifiers import check_organization
from headrace.platform.core.listing import json_text
from headrace.platform.core.scopes import version_scope
from headrace.platform.dispatch import handles
from headrace.platform.removals.kinds import RemovalKind
from headrace.platform.removals.parts import all_frames
from headrace.platform.removals.room import DAY_MS, check_room
from headrace.platform.removals.rows import Removal, removal_by_key, removal_of
from headrace.platform.undo.deleted import restore_deleted
from headrace.platform.undo.restore import restore_content
from headrace.protocol.operations.listing import IDS_PER_CALL
from headrace.protocol.operations.undo import (
    CHECK_REMOVAL,
    GET_REMOVAL,
    LIST_REMOVALS,
    UNDO_REMOVAL,
    CheckRemoval,
    ListRemovals,
    RemovalId,
    UndoRemoval,
)

FILES_SHOWN = 20

_DELETIONS = (RemovalKind.VERSION, RemovalKind.DATASET)


@handles(LIST_REMOVALS)
async def list_removals(
    context: Context, access: Access, request: ListRemovals
) -> Items[RemovalRecord]:
    """List the removals of the organization that can be undone, newest first."""
    check_organization(access, request.organization_id)
    if request.removal is not None:
        one = await removal_by_key(context.database, access, request.removal)
        found = [one] if one is not None and one.restorable else []
    else:
        since = context.clock() - int(context.undo.days * DAY_MS)
        rows = await context.database.fetch(
            "removals.page", organization=access.organization, since=since
        )
        found = [Removal(*row) for row in rows]
    if request.version is not None:
        dataset = request.version.rpartition("/")[0]
        found = [
            each
            for each in found
            if each.name == request.version
            or (each.kind == RemovalKind.DATASET and each.name == dataset)
        ]
    return Items(items=[each.record(context) for each in found])


@handles(GET_REMOVAL)
async def get_removal(context: Context, access: Access, request: RemovalId) -> RemovalDetails:
    """Get a removal, with what its file says."""
    removal = await removal_of(context.database, access, request.removal_id)
    labels: dict[str, int] = {}
    files: list[str] = []
    if removal.kind not in _DELETIONS:
        labels, files, assets = await _read(context, removal)
        if not files and removal.version is not None:
            files = await _names(context, removal.version, assets)
    shown = msgspec.structs.asdict(removal.record(context))
    return RemovalDetails(**shown, labels=labels, files=files)


async def _names(context: Context, version: int, assets: list[int]) -> list[str]:
    row = await context.database.fetch_one("undo.bucket", no=version)
    if row is None:
        return []
    rows = await context.database.fetch(
        "undo.asset_names", keys=json_text(assets), bucket=row[0], version=version
    )
    return [name for _, name in rows]


@handles(UNDO_REMOVAL)
async def undo_removal(context: Context, access: Access, request: UndoRemoval) -> UndoRecord:
    """Put back what a removal took away.

    Raises:
        ConflictError: The version of the removal was deleted.
        LockedError: It is locked.
        RemovalNotRecordedError: The annotations that give way cannot be recorded.
    """
    removal = await removal_of(context.database, access, request.removal_id)
    if removal.kind in _DELETIONS:
        return await restore_deleted(context, access, removal, dry_run=request.dry_run)
    return await restore_content(context, access, removal, request)


@handles(CHECK_REMOVAL)
async def check_removal(context: Context, access: Access, request: CheckRemoval) -> RemovalRoom:
    """Check that the removal of these assets, or of all annotations, can be recorded.

    Raises:
        RemovalNotRecordedError: There is not enough room.
    """
    scope = await version_scope(context.database, access, request.version_id)
    if request.asset_ids is None:
        return await check_room(context, scope, "removals.size_of_version")
    if len(request.asset_ids) > IDS_PER_CALL:
        raise RequestTooLargeError(
            f"{len(request.asset_ids)} assets in one call", hint=f"send at most {IDS_PER_CALL}"
        )
    seqs = asset_seqs(scope, request.asset_ids)
    return await check_room(context, scope, "removals.size_of_assets", seqs)


async def _read(context: Context, removal: Removal) -> tuple[dict[str, int], list[str], list[int]]:
    """Return the shapes by label, the first files, and the first assets of annotations."""
    labels: Counter[str] = Counter()
    files: list[str] = []
    assets: dict[int, None] = {}
    async with aclosing(all_frames(context, removal.no, removal.bytes)) as frames:
        async for frame in frames:
            for each in frame.annotations:
                for key, count in unpack_counts(each.counts).items():
                    labels[frame.labels.get(key, "?")] += count
            files += [asset.filename for asset in islice(frame.assets, FILES_SHOWN - len(files))]
            if len(assets) < FILES_SHOWN:
                assets |= dict.fromkeys(each.asset for each in frame.annotations[:FILES_SHOWN])
    return dict(labels), files, list(assets)[:FILES_SHOWN]
