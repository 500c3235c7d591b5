"""The organization's processings."""

from __future__ import annotations

from typing import Any

from headrace.engine.paging import ItemsListing
from headrace.model.enums import ProcessingTargetType, ProcessingType
from headrace.model.records import ProcessingRecord
from headrace.protocol.operations import processings as operations
from headrace.sdk.base.arguments import check_limits
from headrace.sdk.base.listing import Listing
from headrace.sdk.base.session import Session
from headrace.sdk.processing import Processing


class ClientProcessings:
    """What a client does with processings."""

    __slots__ = ()

    session: Session

    def list_processings(
        self,
        limit: int | None = None,
        offset: int | None = None,
        order_by: list[str] | None = None,
    ) -> Listing[ProcessingRecord, Processing, list[Processing]]:
        """The processings, shipped ones first unless ``order_by`` names fields (``-`` for descending)."""
        check_limits(limit, offset)
        query = operations.ListProcessings(
            organization_id=self.session.organization.id,
            limit=limit,
            offset=offset,
            order_by=order_by,
        )
        return Listing(
            ItemsListing(self.session.backend, operations.LIST_PROCESSINGS, query),
            lambda record: Processing(self.session, record),
            lambda records: [Processing(self.session, record) for record in records],
            "list_processings",
        )

    async def get_processing(self, name: str) -> Processing:
        """The processing of that name; NotFoundError where there is none."""
        request = operations.FindProcessing(organization_id=self.session.organization.id, name=name)
        return Processing(
            self.session, await self.session.call(operations.FIND_PROCESSING, request)
        )

    async def create_processing(
        self,
        name: str,
        target: str | ProcessingTargetType,
        default_cpu: int,
        default_gpu: int,
        default_parameters: dict[str, Any],
        docker_image: str,
        docker_tag: str,
        docker_flags: list[str] | None = None,
        type: str | ProcessingType | None = None,
        description: str | None = None,
    ) -> Processing:
        """Register an image with a platform that runs images.

        PermissionDeniedError on headrace, which runs programs of the lake's machine: they are registered there, with
        ``headrace processing add``.
        """
        request = operations.CreateProcessing(
            organization_id=self.session.organization.id,
            name=name,
            target=ProcessingTargetType.parse(target),
            type=ProcessingType.parse(type) if type else None,
            description=description,
            default_cpu=default_cpu,
            default_gpu=default_gpu,
            default_parameters=default_parameters,
            docker_image=docker_image,
            docker_tag=docker_tag,
            docker_flags=docker_flags,
        )
        return Processing(
            self.session, await self.session.call(operations.CREATE_PROCESSING, request)
        )
