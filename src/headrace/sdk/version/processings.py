"""Launching processings on a version."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from headrace.model.records import DatasetVersionRecord
from headrace.protocol.operations import processings as operations
from headrace.sdk.asset import Asset, MultiAsset
from headrace.sdk.base.resource import Resource
from headrace.sdk.job import Job
from headrace.sdk.processing import Processing


class VersionProcessings(Resource[DatasetVersionRecord]):
    """The methods of a version for processings."""

    __slots__ = ()

    async def launch_processing(
        self,
        processing: Processing,
        parameters: dict[str, Any] | None = None,
        cpu: int | None = None,
        gpu: int | None = None,
        *,
        assets: MultiAsset | Iterable[Asset] | None = None,
        inputs: dict[str, Any] | None = None,
    ) -> Job:
        """Run a processing on this version, as a job in a separate process.

        The program runs on the machine of the lake. It is a child of the process that has the lake open (the server,
        or this process) and ends with it.

        Args:
            processing: The processing.
            parameters: Values of parameters, by name. Default: the defaults of the processing.
            cpu: Number of processors. Default: that of the processing.
            gpu: Number of GPUs. Default: that of the processing.
            assets: Only these assets. Default: all.
            inputs: Values of inputs, by name.

        Returns:
            The job.

        Raises:
            BadRequestError: Before the start, if a parameter is unknown or wrong, the version is of another type than
                the processing takes, or it has no assets.
            InsufficientResourcesError: Before the start, if there are fewer processors than requested.

        Example:
            ```python
            job = await version.launch_processing(await client.get_processing("find-duplicates"))
            await job.wait_for_done(attempts=600)
            ```
        """
        request = operations.LaunchOnVersion(
            version_id=self.id,
            processing_id=processing.id,
            parameters=parameters,
            cpu=cpu,
            gpu=gpu,
            inputs=inputs or {},
            asset_ids=None if assets is None else list({asset.id: None for asset in assets}),
        )
        record = await self.session.call(operations.LAUNCH_ON_VERSION, request)
        return Job(self.session, record)
