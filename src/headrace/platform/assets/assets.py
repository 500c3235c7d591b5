"""The assets of a version: list, find and delete them."""

from __future__ import annotations

from typing import Any

import msgspec

from headrace.errors import BadRequestError, ConflictError, CorruptionError, NotFoundError
from headrace.model.ids import MAX_SEQ, Kind
from headrace.model.records import AssetRecord, Page
from headrace.platform.assets.labelled import LabelledAssets, labelled_assets
from headrace.platform.assets.selectors import AssetKeys, asset_keys, asset_seqs, select_seqs
from headrace.platform.context import Context
from headrace.platform.core.access import Access
from headrace.platform.core.asset_rows import RANGE, VersionRows, remove_assets
from headrace.platform.core.counters import asset_count
from headrace.platform.core.identifiers import missing
from headrace.platform.core.listing import (
    exactly_one,
    json_text,
    order_clause,
    page_limit,
    page_offset,
)
from headrace.platform.core.locking import version_locks
from headrace.platform.core.scopes import VersionScope, scope_of_part, touch, version_scope
from headrace.platform.datalake.data_records import data_records
from headrace.platform.dispatch import handles
from headrace.platform.filters import (
    Filters,
    compile_asset_filters,
    has_only_task_filters,
    has_task_filters,
)
from headrace.platform.removals.kinds import RemovalKind
from headrace.platform.removals.recorder import RemovalChoice, RemovalRecorder
from headrace.platform.tags.tags import tags_of_asset
from headrace.protocol.operations.assets import (
    DELETE_ASSET,
    DELETE_ASSETS,
    FIND_ASSET,
    GET_ASSET,
    LIST_ASSETS,
    LIST_ASSETS_BY_KEY,
    AssetId,
    DeleteAssets,
    FindAsset,
    ListAssets,
    ListAssetsByKey,
)
from headrace.protocol.operations.listing import IDS_PER_CALL
from headrace.protocol.paging import decode_cursor, encode_cursor
from headrace.storage.database.base import Row, Transaction
from headrace.threads import in_thread_if

_ORDERS = {
    "created_at": "a.seq",
    "filename": "a.filename",
    "object_name": "d.object_name",
    "width": "d.width",
    "height": "d.height",
    "size": "d.size",
}
_NEWEST_FIRST = " order by a.seq desc"
_SHOWN_CANDIDATES = 5
_SLICE = 2_000
_SORTED = 20_000
"""Up to so many assets with a label are read and sorted; for more, all assets of the version are walked in order."""


# --- listing ---------------------------------------------------------------------------------------------


@handles(LIST_ASSETS)
async def list_assets(context: Context, access: Access, request: ListAssets) -> Page[AssetRecord]:
    """List a page of assets, newest first by cursor; by offset where an order is given."""
    scope = await version_scope(context.database, access, request.version_id)
    tasks = has_task_filters(request)
    filters = compile_asset_filters(request, context.database.dialect, tasks=tasks)
    labelled = None if tasks else await labelled_assets(context.database, scope, request)
    if request.order_by:
        return await _list_ordered(context, access, request, scope, filters, labelled)
    listing = msgspec.structs.replace(request, limit=None, offset=None, cursor=None)
    before, count = MAX_SEQ + 1, None
    if request.cursor:
        before, count = decode_cursor(request.cursor, listing)
    limit = page_limit(request)
    offset = 0 if request.cursor else page_offset(request)
    if labelled is not None:
        rows = await labelled.page(before, limit + 1, offset)
    else:
        statement = "assets.page" if filters.sql else "assets.page_of_all"
        if tasks:
            statement = "assets.page_of_tasks"
        rows = await context.database.fetch(
            statement,
            filters=filters.sql,
            bucket=scope.bucket,
            version=scope.no,
            before=before,
            limit=limit + 1,
            offset=offset,
            **filters.params,
        )
    if count is None:
        count = await _count(context, scope, request, filters, labelled)
    next_cursor = None
    if len(rows) > limit:
        next_cursor = encode_cursor([rows[limit - 1][0], count], listing)
    return Page(items=_records(access, scope, rows[:limit]), count=count, next_cursor=next_cursor)


@handles(LIST_ASSETS_BY_KEY)
async def list_assets_by_key(
    context: Context, access: Access, request: ListAssetsByKey
) -> Page[AssetRecord]:
    """List all assets with the given keys, or a page of them where a limit is given."""
    name, keys = exactly_one(
        ids=request.ids,
        object_names=request.object_names,
        filenames=request.filenames,
        filename_startswith=request.filename_startswith,
        data_ids=request.data_ids,
    )
    scope = await version_scope(context.database, access, request.version_id)
    order = (
        order_clause(request.order_by, _ORDERS, "a.seq desc", context.database.dialect)
        if request.order_by
        else None
    )
    seqs = await select_seqs(
        context.database,
        access,
        scope,
        asset_keys(scope, name, keys),
        compile_asset_filters(request, context.database.dialect),
        order or _NEWEST_FIRST,
    )
    count, offset = len(seqs), page_offset(request)
    wanted = seqs[offset:] if request.limit is None else seqs[offset : offset + request.limit]
    return Page(items=await _read_assets(context, access, scope, wanted), count=count)


@handles(FIND_ASSET)
async def find_asset(context: Context, access: Access, request: FindAsset) -> AssetRecord:
    """Find the one asset that matches all criteria; raises ConflictError with the candidates where several match."""
    scope = await version_scope(context.database, access, request.version_id)
    criteria: list[tuple[str, Any]] = [
        ("ids", request.id),
        ("data_ids", request.data_id),
        ("object_names", request.object_name),
        ("filenames", request.filename),
    ]
    given = [(name, value) for name, value in criteria if value is not None]
    if not given:
        raise BadRequestError("give an id, data_id, filename or object_name")
    found: list[int] | None = None
    for name, value in given:
        seqs = await select_seqs(
            context.database,
            access,
            scope,
            asset_keys(scope, name, [value]),
            Filters("", {}),
            _NEWEST_FIRST,
        )
        found = seqs if found is None else sorted({*found} & {*seqs}, reverse=True)
        if not found:
            break
    if not found:
        criteria_text = ", ".join(f"{name[:-1]} {value}" for name, value in given)
        raise NotFoundError(f"no asset of {scope.full_name} has {criteria_text}")
    if len(found) > 1:
        raise _ambiguous(scope, found)
    return (await _read_assets(context, access, scope, found))[0]


@handles(GET_ASSET)
async def get_asset(context: Context, access: Access, request: AssetId) -> AssetRecord:
    """Get an asset with its tags."""
    scope, seq = await scope_of_part(context.database, access, request.asset_id, Kind.ASSET)
    records = await _read_assets(context, access, scope, [seq])
    if not records:
        raise missing(Kind.ASSET, request.asset_id)
    tags = await tags_of_asset(context.database, scope.no, scope.created, scope.bucket, seq)
    return msgspec.structs.replace(records[0], tags=tags)


# --- deleting --------------------------------------------------------------------------------------------


@handles(DELETE_ASSETS)
async def delete_assets(context: Context, access: Access, request: DeleteAssets) -> None:
    """Delete assets from a version; assets that were deleted before are ignored.

    Raises:
        NotFoundError: An id is not one of this version.
        RemovalNotRecordedError: The caller demands that it can be undone, and it cannot be recorded.
    """
    scope = await version_scope(context.database, access, request.version_id)
    seqs = await in_thread_if(len(request.ids) > IDS_PER_CALL, asset_seqs, scope, request.ids)
    choice = RemovalChoice(request.undo, request.removal)
    recorder = RemovalRecorder(context, access, RemovalKind.ASSETS, choice)
    await recorder.check_room(scope, "removals.size_of_assets", seqs)
    for start in range(0, len(seqs), RANGE):
        locks = await version_locks(context, request.version_id)
        async with context.database.transaction(*locks) as tx:
            scope = await version_scope(tx, access, request.version_id, change=True)
            await _remove(tx, scope, seqs[start : start + RANGE], recorder)


@handles(DELETE_ASSET)
async def delete_asset(context: Context, access: Access, request: AssetId) -> None:
    """Delete one asset from its version."""
    recorder = RemovalRecorder(context, access, RemovalKind.ASSETS, RemovalChoice())
    scope, seq = await scope_of_part(context.database, access, request.asset_id, Kind.ASSET)
    await recorder.check_room(scope, "removals.size_of_assets", [seq])
    locks = await version_locks(context, request.asset_id, Kind.ASSET)
    async with context.database.transaction(*locks) as tx:
        scope, seq = await scope_of_part(tx, access, request.asset_id, Kind.ASSET, change=True)
        if not await _remove(tx, scope, [seq], recorder):
            raise missing(Kind.ASSET, request.asset_id)


async def _remove(
    tx: Transaction, scope: VersionScope, seqs: list[int], recorder: RemovalRecorder
) -> int:
    rows = VersionRows(scope.no, scope.bucket, scope.dataset, scope.dataset_bucket)
    change = await touch(tx, scope)
    await recorder.save_assets(tx, scope, seqs, horizon=change.annotation)
    return await remove_assets(tx, rows, seqs)


# --- within a version ------------------------------------------------------------------------------------


async def _list_ordered(
    context: Context,
    access: Access,
    request: ListAssets,
    scope: VersionScope,
    filters: Filters,
    labelled: LabelledAssets | None,
) -> Page[AssetRecord]:
    order = order_clause(request.order_by or (), _ORDERS, "a.seq desc", context.database.dialect)
    offset, limit = page_offset(request), page_limit(request)
    chosen = None if labelled is None else await labelled.all(_SORTED)
    if labelled is not None and chosen is not None:
        keys = AssetKeys("assets.by_ids", json_text(chosen))
        seqs = await select_seqs(context.database, access, scope, keys, labelled.others, order)
        items = await _read_assets(context, access, scope, seqs[offset : offset + limit])
        return Page(items=items, count=len(seqs))
    rows = await context.database.fetch(
        "assets.ordered_of_tasks" if has_task_filters(request) else "assets.ordered",
        filters=filters.sql + order,
        bucket=scope.bucket,
        version=scope.no,
        limit=limit,
        offset=offset,
        **filters.params,
    )
    count = await _count(context, scope, request, filters, labelled)
    return Page(items=_records(access, scope, rows), count=count)


async def _count(
    context: Context,
    scope: VersionScope,
    request: ListAssets,
    filters: Filters,
    labelled: LabelledAssets | None,
) -> int:
    if labelled is not None:
        return await labelled.count()
    if not filters.sql:
        return await asset_count(context.database, scope.bucket, scope.no)
    statement = "assets.count"
    if has_task_filters(request):
        # Every task has an asset: filters on tasks alone do not need to join it.
        statement = (
            "assets.count_tasks" if has_only_task_filters(request) else "assets.count_of_tasks"
        )
    row = await context.database.fetch_one(
        statement,
        filters=filters.sql,
        bucket=scope.bucket,
        version=scope.no,
        **filters.params,
    )
    assert row is not None
    return int(row[0])


async def _read_assets(
    context: Context, access: Access, scope: VersionScope, seqs: list[int]
) -> list[AssetRecord]:
    records: list[AssetRecord] = []
    # In slices, because a prefix may match a million assets and other calls need the event loop.
    for start in range(0, len(seqs), _SLICE):
        rows = await context.database.fetch(
            "assets.rows",
            keys=json_text(seqs[start : start + _SLICE]),
            bucket=scope.bucket,
            version=scope.no,
        )
        records += _records(access, scope, rows)
    return records


def _records(access: Access, scope: VersionScope, rows: list[Row]) -> list[AssetRecord]:
    asset_id, data_of = scope.ids(Kind.ASSET).id, data_records(access)
    try:
        return [AssetRecord(id=asset_id(row[0]), data=data_of(row[1:])) for row in rows]
    except (KeyError, TypeError, ValueError, AttributeError, msgspec.MsgspecError) as error:
        for row in rows:
            try:
                data_of(row[1:])
            except Exception:  # noqa: BLE001 - whatever is wrong with it
                raise without_data(scope, row[0]) from error
        raise


def without_data(scope: VersionScope, seq: int) -> CorruptionError:
    """Return the error of an asset whose data is missing or damaged."""
    asset = scope.ids(Kind.ASSET).id(seq)
    return CorruptionError(f"the data of asset {asset} of {scope.full_name} is missing or damaged")


def _ambiguous(scope: VersionScope, seqs: list[int]) -> ConflictError:
    ids = scope.ids(Kind.ASSET)
    shown = ", ".join(ids.text(seq) for seq in seqs[:_SHOWN_CANDIDATES])
    more = f" and {len(seqs) - _SHOWN_CANDIDATES} more" if len(seqs) > _SHOWN_CANDIDATES else ""
    return ConflictError(
        f"{len(seqs)} assets of {scope.full_name} match",
        hint=f"give the id of one: {shown}{more}",
        detail=[ids.text(seq) for seq in seqs[:_SHOWN_CANDIDATES]],
    )
