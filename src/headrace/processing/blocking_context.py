"""What a processing works with that is written without ``async``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from headrace import blocking
from headrace.processing.launch_context import told
from headrace.processing.launched import Launched


class BlockingContext(Launched[blocking.Client, blocking.DatasetVersion, blocking.Datalake]):
    """What the program was launched on, as open handles."""

    def iter_assets(self) -> Iterator[blocking.Asset]:
        """The assets that it was launched on, newest first; one page is held at a time."""
        return self.version.iter_assets(ids=self.told.ids)

    def iter_data(self) -> Iterator[blocking.Data]:
        """The data that it was launched on, newest first."""
        return self.datalake.iter_data(ids=self.told.ids)


@contextmanager
def blocking_context_of_job() -> Iterator[BlockingContext]:
    """The context of the job that this process is the program of; ConfigurationError where it is none."""
    facts = told()
    with blocking.connect(
        facts.target,
        api_token=facts.token,
        organization_id=facts.organization_id,
        username=facts.username,
    ) as client:
        version = lake = None
        if facts.version_id is not None:
            version = client.get_dataset_version_by_id(facts.version_id)
        if facts.datalake_id is not None:
            lake = client.get_datalake(id=facts.datalake_id)
        yield BlockingContext(facts, client, version, lake)
