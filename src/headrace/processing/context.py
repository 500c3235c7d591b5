"""What an ``async`` processing works with."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from headrace.processing.launch_context import told
from headrace.processing.launched import Launched
from headrace.sdk.asset import Asset
from headrace.sdk.client.client import Client
from headrace.sdk.client.connect import connect
from headrace.sdk.data import Data
from headrace.sdk.datalake import Datalake
from headrace.sdk.version.dataset_version import DatasetVersion


class Context(Launched[Client, DatasetVersion, Datalake]):
    """What the program was launched on, as open handles."""

    def iter_assets(self) -> AsyncIterator[Asset]:
        """The assets that it was launched on, newest first; one page is held at a time."""
        return self.version.iter_assets(ids=self.told.ids)

    def iter_data(self) -> AsyncIterator[Data]:
        """The data that it was launched on, newest first."""
        return self.datalake.iter_data(ids=self.told.ids)


@asynccontextmanager
async def context_of_job() -> AsyncIterator[Context]:
    """The context of the job that this process is the program of; ConfigurationError where it is none."""
    facts = told()
    async with connect(
        facts.target,
        api_token=facts.token,
        organization_id=facts.organization_id,
        username=facts.username,
    ) as client:
        version = lake = None
        if facts.version_id is not None:
            version = await client.get_dataset_version_by_id(facts.version_id)
        if facts.datalake_id is not None:
            lake = await client.get_datalake(id=facts.datalake_id)
        yield Context(facts, client, version, lake)
