"""Data sources: the origins of the files of a datalake."""

from __future__ import annotations

from headrace.model.records import SourceRecord
from headrace.protocol.operations import datalake as operations
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
    """Find a data source by name; NotFoundError if there is none."""
    request = operations.CreateSource(organization_id=session.organization.id, name=name)
    return DataSource(session, await session.call(operations.FIND_SOURCE, request))


async def get_or_create_source(session: Session, name: str) -> DataSource:
    """Find a data source by name, or create it."""
    return await get_or_create(
        lambda: get_source(session, name), lambda: create_source(session, name)
    )
