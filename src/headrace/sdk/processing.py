"""Processings: programs that can be launched on versions and datalakes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from msgspec import UNSET

from headrace.model.enums import ProcessingTargetType, ProcessingType
from headrace.model.records import ProcessingRecord
from headrace.protocol.operations import processings as operations
from headrace.sdk.base.resource import Resource


class Processing(Resource[ProcessingRecord]):
    """A program that was registered with the platform."""

    __slots__ = ()

    @property
    def name(self) -> str:
        """The name of the processing."""
        return self.record.name

    @property
    def target(self) -> ProcessingTargetType:
        """What it can be launched on."""
        return self.record.target

    @property
    def type(self) -> ProcessingType | None:
        """What it is for, where that was said."""
        return self.record.type

    @property
    def docker(self) -> str:
        """The image and its tag; ``:`` on headrace, where a processing is a program of the lake's machine."""
        return f"{self.record.docker_image}:{self.record.docker_tag}"

    @property
    def default_parameters(self) -> dict[str, Any]:
        """The parameters that have defaults, where the platform tells."""
        defaults = self.record.default_parameters
        return {} if defaults is UNSET or defaults is None else dict(defaults)

    async def sync(self) -> None:
        """Read the processing again."""
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
        """Change what is named; PermissionDeniedError on headrace, where the lake's owner registers it anew."""
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
        """Forget the processing; PermissionDeniedError on headrace, where only the lake's owner may."""
        request = operations.ProcessingId(processing_id=self.id)
        await self.session.call(operations.DELETE_PROCESSING, request)

    def _facts(self) -> Iterable[str]:
        return [self.name, self.target.value.lower()]
