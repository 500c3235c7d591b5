"""Jobs and processings on a platform that is not headrace's: slow jobs, failing ones, and none that can be cancelled."""

from __future__ import annotations

import pytest

from headrace.errors import JobFailedError, NotFoundError, UnsupportedError, WaitTimeoutError
from headrace.model.enums import JobRunStatus, ProcessingTargetType
from headrace.sdk.client.client import Client
from headrace.sdk.processing import Processing
from headrace.sdk.version.dataset_version import DatasetVersion
from tests.support.plain_platform import PlainPlatform


async def registered(client: Client, target: ProcessingTargetType) -> Processing:
    return await client.create_processing("tidy", target, 1, 0, {"x": 1}, "images/tidy", "1.0")


async def test_processings_are_registered_and_changed(client: Client) -> None:
    tidy = await registered(client, ProcessingTargetType.DATASET_VERSION)
    assert await client.get_processing("tidy") == tidy
    assert await client.list_processings() == [tidy]
    await tidy.update(docker_tag="1.1", default_parameters={"x": 2})
    await tidy.sync()
    # The platform does not tell parameters.
    assert (tidy.docker, tidy.default_parameters) == ("images/tidy:1.1", {})
    await tidy.delete()
    with pytest.raises(NotFoundError):
        await tidy.sync()


async def test_a_processing_is_launched_and_waited_for(
    client: Client, platform: PlainPlatform, version: DatasetVersion
) -> None:
    tidy = await registered(client, ProcessingTargetType.DATASET_VERSION)
    platform.switches.job_polls = 3
    job = await version.launch_processing(tidy, {"x": 3}, assets=await version.list_assets(limit=2))
    assert job.status is JobRunStatus.RUNNING
    with pytest.raises(WaitTimeoutError):
        await job.wait_for_done(0, attempts=1)
    assert await job.wait_for_status("SUCCEEDED", 0) is JobRunStatus.SUCCEEDED
    found = await client.get_job_by_id(job.id)
    await found.sync()
    assert found.done
    with pytest.raises(UnsupportedError, match="wait until the job has ended"):
        await job.cancel()
    with pytest.raises(UnsupportedError, match="log of the job"):
        await job.logs()
    with pytest.raises(UnsupportedError, match="log of the job"):
        [piece async for piece in job.iter_logs()]


async def test_a_processing_of_data(client: Client, version: DatasetVersion) -> None:
    tidy = await registered(client, ProcessingTargetType.DATALAKE)
    lake = await client.get_datalake()
    job = await lake.launch_processing(tidy, await lake.list_data(), parameters={"x": 1})
    assert await job.wait_for_done() is JobRunStatus.SUCCEEDED


async def test_jobs_that_fail(
    client: Client, platform: PlainPlatform, version: DatasetVersion
) -> None:
    tidy = await registered(client, ProcessingTargetType.DATASET_VERSION)
    other = await version.fork("second", assets=await version.list_assets(limit=1))
    tag = await version.create_asset_tag("cat")
    await version.set_type("CLASSIFICATION")
    assets = await version.list_assets()
    platform.switches.fail_jobs = True
    platform.switches.job_polls = 2
    with pytest.raises(JobFailedError, match="FAILED"):
        await version.fork("third")
    with pytest.raises(JobFailedError, match="FAILED"):
        await version.copy_assets_to(other[0], assets)
    with pytest.raises(JobFailedError, match="FAILED"):
        await version.convert_tags_to_classification("ASSET", [tag])
    job = await version.launch_processing(tidy)
    with pytest.raises(JobFailedError, match="FAILED"):
        await job.wait_for_done(0)
    data = await (await client.get_datalake()).list_data(limit=1)
    with pytest.raises(JobFailedError, match="FAILED"):
        await version.add_data(data)


async def test_slow_jobs_are_waited_for(platform: PlainPlatform, version: DatasetVersion) -> None:
    platform.switches.job_polls = 2
    fork, job = await version.fork("second", with_tags=True)
    assert job.done
    assert await fork.list_assets().count() == 12
    empty, _ = await version.fork("third", assets=await version.list_assets(limit=1))
    await version.copy_assets_to(empty, await version.list_assets(limit=5))
    assert await empty.list_assets().count() == 5
