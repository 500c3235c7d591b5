"""Jobs of both kinds."""

from __future__ import annotations

from uuid import UUID

from msgspec import Struct

from headrace.model.records import JobLogRecord, JobRecord, JobRunRecord
from headrace.protocol.operation import Operation


class JobId(Struct, kw_only=True):
    job_id: UUID


class FindJob(Struct, kw_only=True):
    organization_id: UUID
    id: UUID


class ReadJobLog(Struct, kw_only=True):
    """``offset`` counts bytes from 0; with ``wait`` the answer is held back for a while where nothing is there yet."""

    job_id: UUID
    offset: int = 0
    wait: bool = False


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
READ_JOB_LOG = Operation(
    name="read_job_log",
    method="GET",
    path="/api/v2/job/{job_id}/log",
    request=ReadJobLog,
    result=JobLogRecord,
    doc="What the program of a job printed, in pieces.",
    extension=True,
    errors=(404, 400),
)
