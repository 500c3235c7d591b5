"""What a program prints is for the user who launched it and for owners: attacked by a member and from another organization."""

from __future__ import annotations

import pytest

from headrace.backend.connect import open_backend
from headrace.errors import JobFailedError, NotFoundError, PermissionDeniedError
from headrace.platform.accounts.members import create_organization
from headrace.platform.accounts.tokens import create_token
from headrace.platform.platform import Platform
from headrace.protocol.operations.jobs import (
    FIND_JOB_RUN,
    GET_JOB_RUN,
    LIST_JOBS,
    READ_JOB_LOG,
    FindJob,
    JobId,
    ListJobs,
    ReadJobLog,
)
from headrace.sdk.client.client import Client
from headrace.sdk.version.dataset_version import DatasetVersion
from tests.support.lakes.doors import Door
from tests.support.processes.programs import register

pytestmark = pytest.mark.lakes_only("other platforms have their own rules for logs")

SECRET = "canary-7f3a"
LEAKS = f"print('password: {SECRET}'); raise SystemExit(3)"


async def test_another_member_reads_no_output(
    client: Client, door: Door, version: DatasetVersion
) -> None:
    await register(door.lake, "leaks", LEAKS)
    async with await door.connect_as("ann") as ann, await door.connect_as("bob") as bob:
        mine = await ann.version("drawings/first")
        job = await mine.launch_processing(await ann.get_processing("leaks"))
        with pytest.raises(JobFailedError, match=SECRET):
            await job.wait_for_done()
        assert SECRET in await job.logs()
        # An owner of the organization.
        seen = await client.get_job_by_id(job.id)
        assert SECRET in str(seen.error)
        assert SECRET in await seen.logs()
        # Another member.
        seen = await bob.get_job_by_id(job.id)
        assert seen.error == "exit status 3"
        with pytest.raises(PermissionDeniedError, match="another user launched this job"):
            await seen.logs()
        with pytest.raises(PermissionDeniedError):
            async for _ in seen.iter_logs():
                pass
        (listed,) = [each for each in await bob.list_jobs() if each.id == job.id]
        assert listed.error == "exit status 3"
        with pytest.raises(JobFailedError) as caught:
            await seen.wait_for_done()
        assert SECRET not in str(caught.value)
        # What an owner launched is no more open to members.
        job = await version.launch_processing(await client.get_processing("leaks"))
        with pytest.raises(JobFailedError, match=SECRET):
            await job.wait_for_done()
        with pytest.raises(PermissionDeniedError):
            await (await ann.get_job_by_id(job.id)).logs()


async def test_another_organization_does_not_know_the_job(
    client: Client, door: Door, version: DatasetVersion
) -> None:
    await register(door.lake, "leaks", LEAKS)
    job = await version.launch_processing(await client.get_processing("leaks"))
    with pytest.raises(JobFailedError):
        await job.wait_for_done()
    assert door.lake is not None
    async with await Platform.open(door.lake) as platform:
        await create_organization(platform.context, "rivals", owner="eve")
        token, _ = await create_token(platform.context, username="eve", organization_name="rivals")
    backend, _, organization = await open_backend(
        door.target,
        api_token=token,
        organization_name="rivals",
    )
    try:
        for operation, request in (
            (READ_JOB_LOG, ReadJobLog(job_id=job.id)),
            (GET_JOB_RUN, JobId(job_id=job.id)),
            (FIND_JOB_RUN, FindJob(organization_id=organization.id, id=job.id)),
        ):
            with pytest.raises(NotFoundError):
                await backend.call(operation, request)
        listed = await backend.call(LIST_JOBS, ListJobs(organization_id=organization.id))
        assert listed.runs == []
    finally:
        await backend.aclose()
