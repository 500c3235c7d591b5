"""Jobs (v1) and job runs (v2)."""

from __future__ import annotations

from uuid import UUID

from msgspec import Struct

from headrace.model.records import JobLogRecord, JobRecord, JobRunRecord, JobsRecord
from headrace.protocol.operation import Operation


class JobId(Struct, kw_only=True):
    job_id: UUID


class FindJob(Struct, kw_only=True):
    organization_id: UUID
    id: UUID


class ListJobs(Struct, kw_only=True):
    organization_id: UUID
    limit: int = 100


class ReadJobLog(Struct, kw_only=True):
    """``offset`` is in bytes from 0. With ``wait`` the response is delayed for a while where there is no new output."""

    job_id: UUID
    offset: int = 0
    wait: bool = False


GET_JOB = Operation(
    name="get_job",
    method="GET",
    path="/api/job/{job_id}",
    request=JobId,
    result=JobRecord,
    doc="Get the status of a job (v1); the response is delayed for a while where the job is still running.",
    errors=(404,),
)
CANCEL_JOB = Operation(
    name="cancel_job",
    method="POST",
    path="/api/job/{job_id}/cancel",
    request=JobId,
    result=JobRecord,
    doc="Cancel a job (v1): it ends as TERMINATED and leaves no partial results.",
    repeatable=True,
    extension=True,
    instead="wait until the job has ended, or cancel it on the pages of the platform",
    errors=(404,),
)
GET_JOB_RUN = Operation(
    name="get_job_run",
    method="GET",
    path="/api/v2/job/{job_id}",
    request=JobId,
    result=JobRunRecord,
    doc="Get the status of a job (v2); the response is delayed for a while where the job is still running.",
    errors=(404,),
)
CANCEL_JOB_RUN = Operation(
    name="cancel_job_run",
    method="POST",
    path="/api/v2/job/{job_id}/cancel",
    request=JobId,
    result=JobRunRecord,
    doc="Cancel a job (v2): it ends as KILLED and leaves no partial results.",
    repeatable=True,
    extension=True,
    instead="wait until the job has ended, or cancel it on the pages of the platform",
    errors=(404,),
)
FIND_JOB_RUN = Operation(
    name="find_job_run",
    method="GET",
    path="/api/organization/{organization_id}/jobv2s/find",
    request=FindJob,
    result=JobRunRecord,
    doc="Find a job (v2) by id.",
    errors=(404,),
)
LIST_JOBS = Operation(
    name="list_jobs",
    method="GET",
    path="/api/organization/{organization_id}/jobs",
    request=ListJobs,
    result=JobsRecord,
    doc="List the newest jobs of both kinds.",
    extension=True,
    instead="look at the jobs on the pages of the platform",
    errors=(404, 400),
)
READ_JOB_LOG = Operation(
    name="read_job_log",
    method="GET",
    path="/api/v2/job/{job_id}/log",
    request=ReadJobLog,
    result=JobLogRecord,
    doc="Read the log of a job's program, in chunks.",
    extension=True,
    instead="read the log of the job on the pages of the platform",
    errors=(404, 400, 403),
)
