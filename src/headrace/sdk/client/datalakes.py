"""The datalakes and data sources of an organization."""

from __future__ import annotations

from uuid import UUID

from headrace.model.records import DatalakeRecord, SourceRecord
from headrace.protocol.operations import datalake as operations
from headrace.sdk.base.arguments import as_id, check_limits
from headrace.sdk.base.listing import Listing, list_items
from headrace.sdk.base.session import Session
from headrace.sdk.datalake import Datalake
from headrace.sdk.datasource import (
    DataSource,
    create_source,
    get_or_create_source,
    get_source,
    list_sources,
)


class ClientDatalakes:
    """The methods of a client for datalakes and data sources."""

    __slots__ = ()

    session: Session

    async def get_datalake(self, id: str | UUID | None = None, name: str | None = None) -> Datalake:
        """Find a datalake by id or name.

        Args:
            id: The id of the datalake.
            name: The name of the datalake.

        Returns:
            The datalake; without arguments the default datalake of the organization.

        Raises:
            NotFoundError: If there is no such datalake.
        """
        request = operations.FindDatalake(
            organization_id=self.session.organization.id,
            id=None if id is None else as_id(id),
            name=name,
        )
        return Datalake(self.session, await self.session.call(operations.FIND_DATALAKE, request))

    def list_datalakes(self) -> Listing[DatalakeRecord, Datalake, list[Datalake]]:
        """List the datalakes of the organization."""
        query = operations.ListDatalakes(organization_id=self.session.organization.id)
        return list_items(
            self.session, operations.LIST_DATALAKES, query, Datalake, "list_datalakes"
        )

    async def create_datasource(self, name: str) -> DataSource:
        """Create a data source.

        Args:
            name: The name of the data source.

        Returns:
            The new data source.

        Raises:
            ConflictError: If the organization has a data source of that name.
        """
        return await create_source(self.session, name)

    async def get_datasource(self, name: str) -> DataSource:
        """Find a data source by name.

        Args:
            name: The name of the data source.

        Returns:
            The data source.

        Raises:
            NotFoundError: If the organization has no data source of that name.
        """
        return await get_source(self.session, name)

    async def get_or_create_datasource(self, name: str) -> DataSource:
        """Find a data source by name, or create it.

        Args:
            name: The name of the data source.

        Returns:
            The data source.
        """
        return await get_or_create_source(self.session, name)

    def list_datasources(
        self,
        limit: int | None = None,
        offset: int | None = None,
        order_by: list[str] | None = None,
    ) -> Listing[SourceRecord, DataSource, list[DataSource]]:
        """List the data sources of the organization.

        Args:
            limit: Maximum number of data sources.
            offset: Number of data sources to skip.
            order_by: Fields to sort by, with ``-`` in front for descending order.

        Returns:
            A listing of data sources.

        Raises:
            BadRequestError: If ``limit`` or ``offset`` is negative.
        """
        check_limits(limit, offset)
        return list_sources(self.session, limit, offset, order_by)
