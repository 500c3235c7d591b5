"""Processings: programs that run on dataset versions or datalakes."""

from __future__ import annotations

from typing import Any

from msgspec import UNSET

from headrace.model.enums import ProcessingTargetType, ProcessingType
from headrace.model.records import ProcessingRecord
from headrace.protocol.operations import processings as operations
from headrace.sdk.base.resource import Resource, describe


class Processing(Resource[ProcessingRecord]):
    """A program that is registered with the platform."""

    __slots__ = ()

    @property
    def name(self) -> str:
        """The name of the processing."""
        return self.record.name

    @property
    def target(self) -> ProcessingTargetType:
        """The kind of object that the processing runs on."""
        return self.record.target

    @property
    def type(self) -> ProcessingType | None:
        """The purpose of the processing, if it was given one."""
        return self.record.type

    @property
    def docker(self) -> str:
        """The Docker image and its tag; ``:`` on headrace, which runs programs of the machine of the lake."""
        return f"{self.record.docker_image}:{self.record.docker_tag}"

    @property
    def default_parameters(self) -> dict[str, Any]:
        """The default values of parameters, by name; empty if the platform does not give them."""
        defaults = self.record.default_parameters
        return {} if defaults is UNSET or defaults is None else dict(defaults)

    async def sync(self) -> None:
        """Read the processing again and replace ``record``."""
        request = operations.ProcessingId(processing_id=self.id)
        self.record = await self.session.call(operations.GET_PROCESSING, request)

    async def update(
        self,
        docker_image: str | None = None,
        docker_tag: str | None = None,
        description: str | None = None,
        default_parameters: dict[str, Any] | None = None,
        default_cpu: int | None = None,
        default_gpu: int | None = None,
    ) -> None:
        """Change the registration. Arguments that are None leave their part unchanged.

        Args:
            docker_image: The Docker image.
            docker_tag: The tag of the image.
            description: The description.
            default_parameters: Default values of parameters, by name.
            default_cpu: Default number of processors.
            default_gpu: Default number of GPUs.

        Raises:
            PermissionDeniedError: On headrace, where the owner of the lake registers it again instead.
        """
        request = operations.UpdateProcessing(
            processing_id=self.id,
            docker_image=docker_image,
            docker_tag=docker_tag,
            description=description,
            default_parameters=default_parameters,
            default_cpu=default_cpu,
            default_gpu=default_gpu,
        )
        self.record = await self.session.call(operations.UPDATE_PROCESSING, request)

    async def delete(self) -> None:
        """Remove the registration.

        Raises:
            PermissionDeniedError: On headrace, where only the owner of the lake can remove it.
        """
        request = operations.ProcessingId(processing_id=self.id)
        await self.session.call(operations.DELETE_PROCESSING, request)

    def __repr__(self) -> str:
        return describe(self, self.name, self.target.value.lower())
