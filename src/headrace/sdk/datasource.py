"""Data sources: the origins of the files of a datalake."""

from __future__ import annotations

from functools import partial

from headrace.model.records import SourceRecord
from headrace.protocol.operations import datalake as operations
from headrace.sdk.base.listing import Listing, list_items
from headrace.sdk.base.names import find_named
from headrace.sdk.base.resource import Resource, describe, get_or_create
from headrace.sdk.base.session import Session


class DataSource(Resource[SourceRecord]):
    """An origin of files, such as a camera, a site or a supplier."""

    __slots__ = ()

    @property
    def name(self) -> str:
        """The name of the source."""
        return self.record.name

    def __repr__(self) -> str:
        return describe(self, self.name)


async def create_source(session: Session, name: str) -> DataSource:
    """Create a data source; ConflictError if the name is taken."""
    request = operations.CreateSource(organization_id=session.organization.id, name=name)
    return DataSource(session, await session.call(operations.CREATE_SOURCE, request))


async def get_source(session: Session, name: str) -> DataSource:
    """Find a data source by name; NotFoundError, whose hint names those that exist, if there is none."""
    return await find_named(
        _find_source(session, name), "data source", name, partial(list_sources, session)
    )


def list_sources(
    session: Session,
    limit: int | None = None,
    offset: int | None = None,
    order_by: list[str] | None = None,
) -> Listing[SourceRecord, DataSource, list[DataSource]]:
    """Return the listing of the data sources of the organization."""
    query = operations.ListSources(
        organization_id=session.organization.id, limit=limit, offset=offset, order_by=order_by
    )
    return list_items(session, operations.LIST_SOURCES, query, DataSource, "list_datasources")


async def _find_source(session: Session, name: str) -> DataSource:
    request = operations.CreateSource(organization_id=session.organization.id, name=name)
    return DataSource(session, await session.call(operations.FIND_SOURCE, request))


async def get_or_create_source(session: Session, name: str) -> DataSource:
    """Find a data source by name, or create it."""
    return await get_or_create(
        lambda: _find_source(session, name), lambda: create_source(session, name)
    )
