"""Operations on a version that the platform runs as jobs: add data, fork, copy; and waiting for a job."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from uuid import UUID

import anyio
from msgspec.structs import replace

from headrace.backend.base import Backend
from headrace.engine.paging import batched
from headrace.errors import JobFailedError
from headrace.model.enums import JobStatus
from headrace.model.records import ForkAnswer, JobRecord, JobRunRecord
from headrace.protocol.operations.assets import ADD_DATA, COPY_ASSETS, AddData, CopyAssets
from headrace.protocol.operations.datasets import FORK_VERSION, Fork
from headrace.protocol.operations.jobs import GET_JOB, JobId
from headrace.protocol.operations.listing import IDS_PER_CALL

POLL_SECONDS = 0.5


async def add_data(
    backend: Backend, version_id: UUID, data_ids: Sequence[UUID], *, tag_ids: Sequence[UUID] = ()
) -> list[JobRecord]:
    """Add data to a version in calls of 10,000, one after another, so that the assets keep the order of the data."""
    jobs = []
    for piece in batched(dict.fromkeys(data_ids), IDS_PER_CALL):
        request = AddData(version_id=version_id, data_ids=piece, asset_tag_ids=list(tag_ids))
        jobs.append((await backend.call(ADD_DATA, request)).job)
    return jobs


async def wait_for(backend: Backend, job: JobRecord) -> JobRecord:
    """Wait until a job has ended and return it. Raises JobFailedError if it failed."""
    while job.status == JobStatus.RUNNING:
        await anyio.sleep(POLL_SECONDS)
        job = await backend.call(GET_JOB, JobId(job_id=job.id))
    if job.status != JobStatus.SUCCESS:
        raise JobFailedError(failure(job), job=job)
    return job


def failure(job: JobRecord | JobRunRecord) -> str:
    """Describe how a job ended, with the platform's reason if it gives one."""
    why = job.error if isinstance(job.error, str) else ""
    return f"job {job.id} ended as {job.status}" + (f": {why}" if why else "")


async def fork_version(
    backend: Backend, request: Fork, assets: Sequence[UUID] | None, *, wait: bool
) -> ForkAnswer:
    """Fork a version with all of its assets, or with some.

    More assets than one call accepts are copied afterwards, and the job in the result is the last one.
    Raises JobFailedError if ``wait`` and a job failed.
    """
    ids = None if assets is None else list(dict.fromkeys(assets))
    if ids is not None:
        request = replace(request, asset_ids=ids if len(ids) <= IDS_PER_CALL else [])
    answer = await backend.call(FORK_VERSION, request)
    if ids is None or len(ids) <= IDS_PER_CALL:
        if wait:
            job = await wait_for(backend, answer.job)
            answer = replace(answer, job=job)
        return answer
    # A version accepts no copies before its fork has finished.
    await wait_for(backend, answer.job)
    copying = CopyAssets(
        version_id=request.parent_id,
        destination_id=answer.dataset_version.id,
        asset_ids=ids,
        with_tags=request.with_tags,
        with_annotations=request.with_annotations,
    )
    return replace(answer, job=await copy_assets(backend, copying, wait=wait))


async def copy_assets(backend: Backend, request: CopyAssets, *, wait: bool) -> JobRecord:
    """Copy any number of assets and return the last job. Raises JobFailedError if ``wait`` and a job failed."""
    jobs = [job async for job in _copies(backend, request)]
    if wait:
        jobs = [await wait_for(backend, job) for job in jobs]
    return jobs[-1]


async def _copies(backend: Backend, request: CopyAssets) -> AsyncIterator[JobRecord]:
    for piece in batched(dict.fromkeys(request.asset_ids), IDS_PER_CALL):
        yield (await backend.call(COPY_ASSETS, replace(request, asset_ids=piece))).job
