"""Making data assets of a version, in calls of bounded size."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import anyio

from headrace.backend.base import Backend
from headrace.engine.paging import pieces
from headrace.errors import JobFailedError
from headrace.model.enums import JobStatus
from headrace.model.records import JobRecord, JobRunRecord
from headrace.protocol.operations.assets import ADD_DATA, AddData
from headrace.protocol.operations.jobs import GET_JOB, JobId
from headrace.protocol.operations.listing import IDS_PER_CALL

PAUSE = 0.5


async def add_data(
    backend: Backend, version_id: UUID, data_ids: Sequence[UUID], *, tag_ids: Sequence[UUID] = ()
) -> list[JobRecord]:
    """Add data in calls of 10,000, one after another so that the order of the assets is that of the data."""
    jobs = []
    for piece in pieces(dict.fromkeys(data_ids), IDS_PER_CALL):
        request = AddData(version_id=version_id, data_ids=piece, asset_tag_ids=list(tag_ids))
        jobs.append((await backend.call(ADD_DATA, request)).job)
    return jobs


async def wait_for(backend: Backend, job: JobRecord) -> JobRecord:
    """The job once it has ended, however long that takes; JobFailedError where it fails."""
    while job.status == JobStatus.RUNNING:
        await anyio.sleep(PAUSE)
        job = await backend.call(GET_JOB, JobId(job_id=job.id))
    if job.status != JobStatus.SUCCESS:
        raise JobFailedError(failure(job), job=job)
    return job


def failure(job: JobRecord | JobRunRecord) -> str:
    """How a job ended, and why where the platform says so."""
    why = job.error if isinstance(job.error, str) else ""
    return f"job {job.id} ended as {job.status}" + (f": {why}" if why else "")
