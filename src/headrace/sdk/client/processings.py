"""The processings of an organization."""

from __future__ import annotations

from typing import Any

from headrace.model.enums import ProcessingTargetType, ProcessingType
from headrace.model.records import ProcessingRecord
from headrace.protocol.operations import processings as operations
from headrace.sdk.base.arguments import check_limits
from headrace.sdk.base.listing import Listing, list_items
from headrace.sdk.base.names import find_named
from headrace.sdk.base.session import Session
from headrace.sdk.processing import Processing


class ClientProcessings:
    """The methods of a client for processings."""

    __slots__ = ()

    session: Session

    def list_processings(
        self,
        limit: int | None = None,
        offset: int | None = None,
        order_by: list[str] | None = None,
    ) -> Listing[ProcessingRecord, Processing, list[Processing]]:
        """List the processings that can be launched.

        Args:
            limit: Maximum number of processings.
            offset: Number of processings to skip.
            order_by: Fields to sort by, with ``-`` in front for descending order. Default: built-in ones first.

        Returns:
            A listing of processings.

        Raises:
            BadRequestError: If ``limit`` or ``offset`` is negative.
        """
        check_limits(limit, offset)
        query = operations.ListProcessings(
            organization_id=self.session.organization.id,
            limit=limit,
            offset=offset,
            order_by=order_by,
        )
        return list_items(
            self.session, operations.LIST_PROCESSINGS, query, Processing, "list_processings"
        )

    async def get_processing(self, name: str) -> Processing:
        """Find a processing by name.

        Args:
            name: The name of the processing.

        Returns:
            The processing.

        Raises:
            NotFoundError: If there is no processing of that name; the hint names those that exist.
        """
        request = operations.FindProcessing(organization_id=self.session.organization.id, name=name)
        record = await find_named(
            self.session.call(operations.FIND_PROCESSING, request),
            "processing",
            name,
            self.list_processings,
            none="none exists yet: headrace processing add makes one",
        )
        return Processing(self.session, record)

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
        """Register a Docker image as a processing, on a platform that runs images.

        headrace runs programs of the machine of the lake instead; they are registered there with
        ``headrace processing add``.

        Args:
            name: The name of the processing.
            target: The kind of object that it runs on.
            default_cpu: Default number of processors.
            default_gpu: Default number of GPUs.
            default_parameters: Default values of parameters, by name.
            docker_image: The Docker image.
            docker_tag: The tag of the image.
            docker_flags: Flags for ``docker run``.
            type: The purpose of the processing.
            description: A description.

        Returns:
            The new processing.

        Raises:
            PermissionDeniedError: On headrace.
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
