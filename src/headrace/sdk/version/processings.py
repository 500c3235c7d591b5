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
    """What a version does with processings."""

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
        """Run a processing on this version, or on some of its ``assets``, as a job in a process of its own.

        What is not given is the processing's default. The program runs on the lake's machine and belongs to the
        process that has the lake open: the server, or this one, whose end is the program's end too.

        Raises before anything runs: BadRequestError for parameters that the processing does not take, a version of a
        type that it is not for, or one without assets; InsufficientResourcesError for more processors than there are.
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
