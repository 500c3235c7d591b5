"""Find lakes, and list and find the data in them."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from headrace.errors import BadRequestError, ConflictError
from headrace.model.ids import Kind, encode
from headrace.model.records import DatalakeRecord, DataRecord, Items, Page
from headrace.platform.context import Context
from headrace.platform.core.access import Access
from headrace.platform.core.identifiers import check_organization, missing
from headrace.platform.core.listing import (
    NO_LIMIT,
    exactly_one,
    json_text,
    order_clause,
    page_limit,
    page_offset,
)
from headrace.platform.core.scopes import DatalakeScope, datalake_scope
from headrace.platform.datalake.data_records import data_records
from headrace.platform.dispatch import handles
from headrace.platform.filters import compile_data_filters
from headrace.protocol.operations.datalake import (
    FIND_DATA,
    FIND_DATALAKE,
    GET_DATALAKE,
    LIST_DATA,
    LIST_DATA_BY_KEY,
    LIST_DATALAKES,
    FindData,
    FindDatalake,
    GetDatalake,
    ListData,
    ListDataByKey,
    ListDatalakes,
)
from headrace.protocol.operations.listing import KEYS_PER_CALL
from headrace.protocol.paging import decode_cursor, encode_cursor
from headrace.storage.database.base import Row

ORDERS = {
    "created_at": "d.no",
    "filename": "d.filename",
    "object_name": "d.object_name",
    "type": "d.kind",
    "content_type": "d.content_type",
    "upload_status": "d.status",
    "width": "d.width",
    "height": "d.height",
    "size": "d.size",
}
_NEWEST_FIRST = " order by d.no desc"
_CANDIDATES = 10
_END = 1 << 62


@handles(FIND_DATALAKE)
async def find_datalake(context: Context, access: Access, request: FindDatalake) -> DatalakeRecord:
    """Find a lake by id or name; without either, the default one."""
    for lake in await _lakes(context, access, request.organization_id):
        wanted = request.id in (None, lake.id) and request.name in (None, lake.name)
        if wanted:
            return _record(lake)
    raise missing(Kind.DATALAKE, request.id or repr(request.name))


@handles(LIST_DATALAKES)
async def list_datalakes(
    context: Context, access: Access, request: ListDatalakes
) -> Items[DatalakeRecord]:
    """List the lakes of an organization, the default one first."""
    lakes = await _lakes(context, access, request.organization_id)
    return Items(items=[_record(lake) for lake in lakes])


@handles(GET_DATALAKE)
async def get_datalake(context: Context, access: Access, request: GetDatalake) -> DatalakeRecord:
    """Get a lake by id."""
    return _record(await datalake_scope(context.database, access, request.datalake_id))


@handles(LIST_DATA)
async def list_data(context: Context, access: Access, request: ListData) -> Page[DataRecord]:
    """List the data of a lake: newest first by cursor, or by offset in a requested order."""
    lake = await datalake_scope(context.database, access, request.datalake_id)
    if request.order_by:
        return await _list_ordered(context, access, lake, request)
    filters = compile_data_filters(request, context.database.dialect)
    limit = page_limit(request)
    listing = [str(lake.id), filters.sql, filters.params]
    # Counted once for a listing and kept in the cursor: the count costs as much as all pages together.
    before, count = _END, None
    if request.cursor:
        before, count = _position(decode_cursor(request.cursor, listing))
    rows = await context.database.fetch(
        "datalake.page",
        filters=filters.sql,
        created=lake.created,
        before=before,
        limit=limit + 1,
        offset=0 if request.cursor else page_offset(request),
        **lake.scope,
        **filters.params,
    )
    more = len(rows) > limit
    rows = rows[:limit]
    if count is None:
        count = await _count(context, lake, filters.sql, filters.params)
    return Page(
        items=[*map(data_records(access), rows)],
        count=count,
        next_cursor=encode_cursor([rows[-1][2], count], listing) if more else None,
    )


@handles(LIST_DATA_BY_KEY)
async def list_data_by_key(
    context: Context, access: Access, request: ListDataByKey
) -> Page[DataRecord]:
    """List the data that a list of keys names: all at once, or a page if a limit is given."""
    lake = await datalake_scope(context.database, access, request.datalake_id)
    name, keys = exactly_one(
        ids=request.ids, object_names=request.object_names, filenames=request.filenames
    )
    if len(keys) > KEYS_PER_CALL and request.limit is None:
        raise BadRequestError(
            f"{len(keys)} keys in one call", hint=f"at most {KEYS_PER_CALL}, or with a limit"
        )
    filters = compile_data_filters(request, context.database.dialect)
    if name == "ids":
        keys, statement = lake.numbers(request.ids or []), "by_numbers"
    else:
        keys, statement = list(dict.fromkeys(keys)), f"by_{name}"
    order = order_clause(request.order_by or [], ORDERS, "d.no desc", context.database.dialect)
    rows = await context.database.fetch(
        f"datalake.{statement}",
        filters=filters.sql + order,
        created=lake.created,
        keys=json_text(keys),
        limit=NO_LIMIT,
        offset=0,
        **lake.scope,
        **filters.params,
    )
    count = len(rows)
    if request.limit is not None:
        start = page_offset(request)
        rows = rows[start : start + page_limit(request)]
    return Page(items=[*map(data_records(access), rows)], count=count)


@handles(FIND_DATA)
async def find_data(context: Context, access: Access, request: FindData) -> DataRecord:
    """Find the one data that matches all criteria; 409 if several do."""
    lake = await datalake_scope(context.database, access, request.datalake_id)
    found = await _candidates(context, lake, request)
    if not found:
        raise missing(Kind.DATA, _criteria(request))
    records = [*map(data_records(access), found[:_CANDIDATES])]
    if len(found) > 1:
        raise ConflictError(
            f"several data match {_criteria(request)}",
            detail=[f"{record.id} {record.filename}" for record in records],
            hint="find it by id or object name",
        )
    return records[0]


async def _candidates(context: Context, lake: DatalakeScope, request: FindData) -> list[Row]:
    keys: Sequence[object]
    if request.id is not None:
        keys, statement = lake.numbers([request.id]), "by_numbers"
    elif request.object_name is not None:
        keys, statement = [request.object_name], "by_object_names"
    elif request.filename is not None:
        keys, statement = [request.filename], "by_filenames"
    else:
        raise BadRequestError(
            "nothing to find is given", hint="give an id, a filename or an object_name"
        )
    filters = compile_data_filters(request, context.database.dialect)
    rows = await context.database.fetch(
        f"datalake.{statement}",
        filters=filters.sql + _NEWEST_FIRST,
        created=lake.created,
        keys=json_text(keys),
        limit=_CANDIDATES + 1,
        offset=0,
        **lake.scope,
        **filters.params,
    )
    return [
        row
        for row in rows
        if request.object_name in (None, row[3]) and request.filename in (None, row[4])
    ]


async def _list_ordered(
    context: Context, access: Access, lake: DatalakeScope, request: ListData
) -> Page[DataRecord]:
    filters = compile_data_filters(request, context.database.dialect)
    rows = await context.database.fetch(
        "datalake.ordered",
        filters=filters.sql
        + order_clause(request.order_by or [], ORDERS, "d.no desc", context.database.dialect),
        created=lake.created,
        limit=page_limit(request),
        offset=page_offset(request),
        **lake.scope,
        **filters.params,
    )
    count = await _count(context, lake, filters.sql, filters.params)
    return Page(items=[*map(data_records(access), rows)], count=count)


async def _count(context: Context, lake: DatalakeScope, sql: str, params: dict[str, object]) -> int:
    row = await context.database.fetch_one("datalake.count", filters=sql, **lake.scope, **params)
    assert row is not None
    return int(row[0])


async def _lakes(context: Context, access: Access, organization_id: UUID) -> list[DatalakeScope]:
    check_organization(access, organization_id)
    rows = await context.database.fetch("datalake.lakes", organization=access.organization)
    return [DatalakeScope(*row) for row in rows]


def _position(position: list[object]) -> tuple[int, int]:
    before, count = position
    if not isinstance(before, int) or not isinstance(count, int):
        raise BadRequestError("the cursor is invalid", hint="start the listing again")
    return before, count


def _criteria(request: FindData) -> str:
    given = {"id": request.id, "filename": request.filename, "object_name": request.object_name}
    return ", ".join(f"{name} {str(value)!a}" for name, value in given.items() if value)


def _record(lake: DatalakeScope) -> DatalakeRecord:
    return DatalakeRecord(
        id=lake.id,
        name=lake.name,
        connector_id=encode(Kind.CONNECTOR, lake.connector_created, 0, lake.connector),
    )
