"""What both kinds of contexts share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from headrace.errors import BadRequestError
from headrace.processing.launch_context import Told

ClientT = TypeVar("ClientT")
VersionT = TypeVar("VersionT")
LakeT = TypeVar("LakeT")


@dataclass(frozen=True)
class Launched(Generic[ClientT, VersionT, LakeT]):
    """An open client, and what the program was launched on: a version or a datalake."""

    told: Told
    client: ClientT
    on_version: VersionT | None
    on_datalake: LakeT | None

    @property
    def parameters(self) -> dict[str, Any]:
        """All parameters, those that were not given with their defaults."""
        return self.told.parameters

    @property
    def version(self) -> VersionT:
        """The version; BadRequestError where the processing was launched on a datalake."""
        if self.on_version is None:
            raise BadRequestError(f"{self.told.processing} was not launched on a version")
        return self.on_version

    @property
    def datalake(self) -> LakeT:
        """The datalake; BadRequestError where the processing was launched on a version."""
        if self.on_datalake is None:
            raise BadRequestError(f"{self.told.processing} was not launched on a datalake")
        return self.on_datalake
