"""Data sources: names for the origin of data, unique in an organization."""

from __future__ import annotations

from uuid import UUID

from headrace.errors import ConflictError, UniqueViolationError
from headrace.model.ids import Kind, encode
from headrace.model.names import safe_name
from headrace.model.records import Items, SourceRecord
from headrace.platform.context import Context
from headrace.platform.core.access import Access
from headrace.platform.core.identifiers import check_id, check_organization, key_of, missing
from headrace.platform.core.listing import NO_LIMIT, order_clause, page_offset
from headrace.platform.dispatch import handles
from headrace.protocol.operations.datalake import (
    CREATE_SOURCE,
    FIND_SOURCE,
    LIST_SOURCES,
    CreateSource,
    ListSources,
)
from headrace.storage.database.locks import Lock

_ORDERS = {"name": "s.name", "created_at": "s.no"}


@handles(CREATE_SOURCE)
async def create_source(context: Context, access: Access, request: CreateSource) -> SourceRecord:
    """Create a source; 409 if the name is taken."""
    check_organization(access, request.organization_id)
    name, created = safe_name(request.name), context.clock()
    try:
        async with context.database.transaction(Lock.organization(access.organization)) as tx:
            row = await tx.fetch_one(
                "datalake.add_source", organization=access.organization, name=name, created=created
            )
    except UniqueViolationError:
        raise ConflictError(f"there is a data source {name!r} already") from None
    assert row is not None
    return _record(row[0], name, created)


@handles(FIND_SOURCE)
async def find_source(context: Context, access: Access, request: CreateSource) -> SourceRecord:
    """Find a source by name."""
    check_organization(access, request.organization_id)
    row = await context.database.fetch_one(
        "datalake.source_by_name", organization=access.organization, name=request.name
    )
    if row is None:
        raise missing(Kind.SOURCE, ascii(request.name))
    return _record(*row)


@handles(LIST_SOURCES)
async def list_sources(
    context: Context, access: Access, request: ListSources
) -> Items[SourceRecord]:
    """List the sources of an organization in order of creation."""
    check_organization(access, request.organization_id)
    rows = await context.database.fetch(
        "datalake.sources",
        filters=order_clause(request.order_by or [], _ORDERS, "s.no", context.database.dialect),
        organization=access.organization,
        limit=NO_LIMIT if request.limit is None else max(0, request.limit),
        offset=page_offset(request),
    )
    return Items(items=[_record(*row) for row in rows])


async def source_of(
    context: Context, access: Access, source_id: UUID | None
) -> tuple[int, SourceRecord] | None:
    """Find a source by id, with its number; None for None, 404 if the caller's organization has none of this id."""
    if source_id is None:
        return None
    key = key_of(source_id, Kind.SOURCE)
    row = await context.database.fetch_one(
        "datalake.source", organization=access.organization, no=key.number
    )
    if row is None:
        raise missing(Kind.SOURCE, source_id)
    no, name, created = row
    check_id(source_id, Kind.SOURCE, created, 0, no)
    return no, _record(no, name, created)


def _record(no: int, name: str, created: int) -> SourceRecord:
    return SourceRecord(id=encode(Kind.SOURCE, created, 0, no), name=name)
