"""Jobs of both kinds."""

from __future__ import annotations

from uuid import UUID

from msgspec import Struct

from headrace.model.records import JobRecord, JobRunRecord
from headrace.protocol.operation import Operation


class JobId(Struct, kw_only=True):
    job_id: UUID


class FindJob(Struct, kw_only=True):
    organization_id: UUID
    id: UUID


GET_JOB = Operation(
    name="get_job",
    method="GET",
    path="/api/job/{job_id}",
    request=JobId,
    result=JobRecord,
    doc="The status of a job; held open for a while where the job still runs.",
    errors=(404,),
)
CANCEL_JOB = Operation(
    name="cancel_job",
    method="POST",
    path="/api/job/{job_id}/cancel",
    request=JobId,
    result=JobRecord,
    doc="Ask a job to stop; it ends as TERMINATED, and leaves nothing half done.",
    repeatable=True,
    extension=True,
    errors=(404,),
)
GET_JOB_RUN = Operation(
    name="get_job_run",
    method="GET",
    path="/api/v2/job/{job_id}",
    request=JobId,
    result=JobRunRecord,
    doc="The status of a job of the second kind; held open for a while where the job still runs.",
    errors=(404,),
)
CANCEL_JOB_RUN = Operation(
    name="cancel_job_run",
    method="POST",
    path="/api/v2/job/{job_id}/cancel",
    request=JobId,
    result=JobRunRecord,
    doc="Ask a job of the second kind to stop; it ends as KILLED, and leaves nothing half done.",
    repeatable=True,
    extension=True,
    errors=(404,),
)
FIND_JOB_RUN = Operation(
    name="find_job_run",
    method="GET",
    path="/api/organization/{organization_id}/jobv2s/find",
    request=FindJob,
    result=JobRunRecord,
    doc="A job of the second kind by id.",
    errors=(404,),
)
