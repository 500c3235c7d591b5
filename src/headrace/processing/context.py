"""The contexts that processings work with: an open client and the version or datalake that was launched on."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from headrace import blocking
from headrace.errors import BadRequestError
from headrace.processing.launch_context import LaunchContext, read_launch_context
from headrace.sdk.asset import Asset
from headrace.sdk.client.client import Client
from headrace.sdk.client.connect import connect
from headrace.sdk.data import Data
from headrace.sdk.datalake import Datalake
from headrace.sdk.version.dataset_version import DatasetVersion

ClientT = TypeVar("ClientT")
VersionT = TypeVar("VersionT")
LakeT = TypeVar("LakeT")


@dataclass(frozen=True)
class BaseContext(Generic[ClientT, VersionT, LakeT]):
    """What both kinds of contexts share: the launch, an open client, and a version or a datalake."""

    launch: LaunchContext
    client: ClientT
    on_version: VersionT | None
    on_datalake: LakeT | None

    @property
    def parameters(self) -> dict[str, Any]:
        """All parameters; those that were not given have their default values."""
        return self.launch.parameters

    @property
    def version(self) -> VersionT:
        """The version; raises BadRequestError where the processing was launched on a datalake."""
        if self.on_version is None:
            raise BadRequestError(f"{self.launch.processing} was not launched on a version")
        return self.on_version

    @property
    def datalake(self) -> LakeT:
        """The datalake; raises BadRequestError where the processing was launched on a version."""
        if self.on_datalake is None:
            raise BadRequestError(f"{self.launch.processing} was not launched on a datalake")
        return self.on_datalake


class Context(BaseContext[Client, DatasetVersion, Datalake]):
    """The context of an ``async`` processing."""

    def iter_assets(self) -> AsyncIterator[Asset]:
        """Iterate over the assets of the launch, newest first; holds one page in memory."""
        return self.version.iter_assets(ids=self.launch.ids)

    def iter_data(self) -> AsyncIterator[Data]:
        """Iterate over the data of the launch, newest first."""
        return self.datalake.iter_data(ids=self.launch.ids)


class BlockingContext(BaseContext[blocking.Client, blocking.DatasetVersion, blocking.Datalake]):
    """The context of a processing written without ``async``."""

    def iter_assets(self) -> Iterator[blocking.Asset]:
        """Iterate over the assets of the launch, newest first; holds one page in memory."""
        return self.version.iter_assets(ids=self.launch.ids)

    def iter_data(self) -> Iterator[blocking.Data]:
        """Iterate over the data of the launch, newest first."""
        return self.datalake.iter_data(ids=self.launch.ids)


@asynccontextmanager
async def context_of_job() -> AsyncIterator[Context]:
    """Open the context of the job that runs this process; raises ConfigurationError where there is none."""
    launch = read_launch_context()
    async with connect(
        launch.target,
        api_token=launch.token,
        organization_id=launch.organization_id,
        username=launch.username,
    ) as client:
        version = lake = None
        if launch.version_id is not None:
            version = await client.get_dataset_version_by_id(launch.version_id)
        if launch.datalake_id is not None:
            lake = await client.get_datalake(id=launch.datalake_id)
        yield Context(launch, client, version, lake)


@contextmanager
def blocking_context_of_job() -> Iterator[BlockingContext]:
    """Open the context of the job that runs this process; raises ConfigurationError where there is none."""
    launch = read_launch_context()
    with blocking.connect(
        launch.target,
        api_token=launch.token,
        organization_id=launch.organization_id,
        username=launch.username,
    ) as client:
        version = lake = None
        if launch.version_id is not None:
            version = client.get_dataset_version_by_id(launch.version_id)
        if launch.datalake_id is not None:
            lake = client.get_datalake(id=launch.datalake_id)
        yield BlockingContext(launch, client, version, lake)
