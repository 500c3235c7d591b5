"""Single annotations without their shapes: list, create, get and change them."""

from __future__ import annotations

import math
from typing import Any
from uuid import UUID

import msgspec

from headrace.errors import BadRequestError, NotFoundError
from headrace.model.blob.counts import pack_counts
from headrace.model.blob.pack import pack
from headrace.model.columns import Shapes
from headrace.model.enums import AnnotationStatus
from headrace.model.ids import MAX_SEQ, Kind, encode
from headrace.model.nesting import check_depth
from headrace.model.records import AnnotationRecord, Items, Page
from headrace.platform.accounts.users import compile_annotation_filters, worker_account
from headrace.platform.campaigns.transitions import claim, claim_for_edit, move_task
from headrace.platform.context import Context
from headrace.platform.core.access import Access
from headrace.platform.core.counters import CounterDelta
from headrace.platform.core.identifiers import missing
from headrace.platform.core.listing import NO_LIMIT, order_clause, page_limit, page_offset
from headrace.platform.core.locking import version_locks
from headrace.platform.core.scopes import VersionScope, scope_of_part, touch, version_scope
from headrace.platform.dispatch import handles
from headrace.platform.filters import Filters
from headrace.platform.jobs.maintenance import fold_if_due
from headrace.protocol.operations.annotating import (
    CREATE_ANNOTATION,
    FIND_ANNOTATION,
    GET_ANNOTATION,
    LIST_ANNOTATIONS,
    LIST_ASSET_ANNOTATIONS,
    UPDATE_ANNOTATION,
    AnnotationId,
    CreateAnnotation,
    FindAnnotation,
    ListAnnotations,
    UpdateAnnotation,
)
from headrace.protocol.operations.assets import AssetId
from headrace.protocol.paging import decode_cursor, encode_cursor
from headrace.storage.database.base import Row, Statements

_ORDERS = {
    "created_at": "n.no",
    "status": "n.status",
    "duration": "n.duration",
    "asset_id": "n.asset",
}


@handles(LIST_ANNOTATIONS)
async def list_annotations(
    context: Context, access: Access, request: ListAnnotations
) -> Page[AnnotationRecord]:
    """List a page of annotations, newest first by offset or cursor; by offset where an order is given."""
    scope = await version_scope(context.database, access, request.version_id)
    limit, offset = page_limit(request), page_offset(request)
    keys: dict[str, Any] = {
        "bucket": scope.bucket,
        "version": scope.no,
        "limit": limit,
        "offset": offset,
    }
    chosen = await compile_annotation_filters(
        context.database, access, request.status, request.worker_id
    )
    if request.order_by:
        rows = await context.database.fetch(
            "single_annotations.ordered",
            filters=chosen.sql
            + order_clause(request.order_by, _ORDERS, "n.no desc", context.database.dialect),
            **keys,
            **chosen.params,
        )
        return Page(items=_records(scope, rows), count=await _count(context, scope, chosen))
    listing = msgspec.structs.replace(request, limit=None, offset=None, cursor=None)
    keys |= {"before": MAX_SEQ + 1, "limit": limit + 1}
    count = None
    if request.cursor:
        keys["before"], count = decode_cursor(request.cursor, listing)
        keys["offset"] = 0
    if not chosen.sql:
        rows = await context.database.fetch("single_annotations.page", **keys)
    else:
        rows = await context.database.fetch(
            "single_annotations.filtered", filters=chosen.sql, **keys, **chosen.params
        )
    if count is None:
        count = await _count(context, scope, chosen)
    following = None
    if len(rows) > limit:
        following = encode_cursor([rows[limit - 1][0], count], listing)
    return Page(items=_records(scope, rows[:limit]), count=count, next_cursor=following)


@handles(LIST_ASSET_ANNOTATIONS)
async def list_asset_annotations(
    context: Context, access: Access, request: AssetId
) -> Items[AnnotationRecord]:
    """List the annotations of an asset, newest first."""
    scope, rows = await _of_asset(context, access, request, NO_LIMIT)
    return Items(items=_records(scope, rows))


@handles(FIND_ANNOTATION)
async def find_annotation(
    context: Context, access: Access, request: FindAnnotation
) -> AnnotationRecord:
    """Find the newest annotation of an asset, or of one user on it; raises NotFoundError where there is none."""
    scope, rows = await _of_asset(context, access, request, 1, request.worker_id)
    if not rows:
        of_user = "" if request.worker_id is None else f" of user {request.worker_id}"
        raise NotFoundError(f"asset {request.asset_id} has no annotation{of_user}")
    return _records(scope, rows)[0]


@handles(CREATE_ANNOTATION)
async def create_annotation(
    context: Context, access: Access, request: CreateAnnotation
) -> AnnotationRecord:
    """Create an annotation without shapes, owned by the caller or by the worker of the request."""
    check_duration(request.duration)
    locks = await version_locks(context, request.asset_id, Kind.ASSET)
    async with context.database.transaction(*locks) as tx:
        account = await worker_account(tx, access, request.worker_id)
        scope, asset = await scope_of_part(tx, access, request.asset_id, Kind.ASSET, change=True)
        await _check_asset(tx, scope, asset, request.asset_id)
        await claim_for_edit(tx, access, scope, asset)
        change = await touch(tx, scope, annotations=1)
        status, blob = str(AnnotationStatus.PENDING), pack(Shapes([]))
        row = (scope.bucket, scope.no, asset, change.annotation, account or access.account, status)
        empty = (request.duration, 0, pack_counts({}), blob, None, None)
        await tx.insert_many("annotations.add", [(*row, context.clock(), *empty)])
        delta = CounterDelta()
        delta.add({}, asset)
        await delta.write(tx, scope.bucket, scope.no)
    fold_if_due(context, scope, change)
    return await annotation_record(context.database, scope, change.annotation)


@handles(GET_ANNOTATION)
async def get_annotation(
    context: Context, access: Access, request: AnnotationId
) -> AnnotationRecord:
    """Get an annotation."""
    scope, no = await scope_of_part(
        context.database, access, request.annotation_id, Kind.ANNOTATION
    )
    return await annotation_record(context.database, scope, no)


@handles(UPDATE_ANNOTATION)
async def update_annotation(
    context: Context, access: Access, request: UpdateAnnotation
) -> AnnotationRecord:
    """Change the given fields of an annotation; absent ones do not change."""
    if request.duration is not None:
        check_duration(request.duration)
    status = None if request.status is None else str(request.status)
    attributes = None
    if request.attributes is not None:
        check_depth(request.attributes, "an object of attributes")
        attributes = msgspec.json.encode(request.attributes).decode()
    locks = await version_locks(context, request.annotation_id, Kind.ANNOTATION)
    async with context.database.transaction(*locks) as tx:
        scope, no = await scope_of_part(
            tx, access, request.annotation_id, Kind.ANNOTATION, change=True
        )
        _, asset, *_ = await _row(tx, scope, no)
        task = await claim(tx, access, scope, asset)
        if task is not None and request.status is not None:
            await move_task(tx, access, task, request.status)
        await touch(tx, scope)
        await tx.execute(
            "single_annotations.update",
            status=status,
            account=await worker_account(tx, access, request.worker_id),
            duration=request.duration,
            attributes=attributes,
            bucket=scope.bucket,
            version=scope.no,
            asset=asset,
            no=no,
        )
        return await annotation_record(tx, scope, no)


async def annotation_record(
    statements: Statements, scope: VersionScope, no: int
) -> AnnotationRecord:
    """Read an annotation by its number in the version; raises NotFoundError where it does not exist."""
    return _records(scope, [await _row(statements, scope, no)])[0]


def check_duration(duration: float) -> None:
    """Raise BadRequestError unless the duration is finite and not negative (seconds)."""
    if not (math.isfinite(duration) and duration >= 0):
        raise BadRequestError(f"duration is {duration}", hint="give seconds, 0 or more")


async def _of_asset(
    context: Context,
    access: Access,
    request: AssetId,
    limit: int,
    worker_id: UUID | None = None,
) -> tuple[VersionScope, list[Row]]:
    scope, asset = await scope_of_part(context.database, access, request.asset_id, Kind.ASSET)
    await _check_asset(context.database, scope, asset, request.asset_id)
    chosen = await compile_annotation_filters(context.database, access, None, worker_id)
    rows = await context.database.fetch(
        "single_annotations.of_asset",
        filters=chosen.sql,
        bucket=scope.bucket,
        version=scope.no,
        asset=asset,
        limit=limit,
        **chosen.params,
    )
    return scope, rows


async def _check_asset(statements: Statements, scope: VersionScope, asset: int, id: object) -> None:
    keys: dict[str, Any] = {"bucket": scope.bucket, "version": scope.no, "asset": asset}
    if await statements.fetch_one("single_annotations.asset", **keys) is None:
        raise missing(Kind.ASSET, id)


async def _row(statements: Statements, scope: VersionScope, no: int) -> Row:
    row = await statements.fetch_one(
        "single_annotations.one", bucket=scope.bucket, version=scope.no, no=no
    )
    if row is None:
        raise missing(Kind.ANNOTATION, scope.ids(Kind.ANNOTATION).id(no))
    return row


async def _count(context: Context, scope: VersionScope, chosen: Filters) -> int:
    keys: dict[str, Any] = {"bucket": scope.bucket, "version": scope.no}
    if not chosen.sql:
        totals = await context.database.fetch_one("counters.totals", **keys)
        assert totals is not None
        return int(totals[1])
    row = await context.database.fetch_one(
        "single_annotations.count", filters=chosen.sql, **keys, **chosen.params
    )
    assert row is not None
    return int(row[0])


def _records(scope: VersionScope, rows: list[Row]) -> list[AnnotationRecord]:
    annotations, assets = scope.ids(Kind.ANNOTATION), scope.ids(Kind.ASSET)
    return [
        AnnotationRecord(
            id=annotations.id(no),
            asset_id=assets.id(asset),
            status=AnnotationStatus(status),
            duration=duration,
            attributes=None if attributes is None else msgspec.json.decode(attributes),
            worker_id=encode(Kind.USER, created, 0, account),
        )
        for no, asset, status, duration, attributes, account, created in rows
    ]
