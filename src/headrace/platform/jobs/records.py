"""Jobs as the API shows them: Job (its v1 calls) and JobRun (its v2 calls). A job is one or the other."""

from __future__ import annotations

from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from headrace.errors import BadRequestError
from headrace.model.enums import JobRunStatus, JobStatus
from headrace.model.ids import Kind, encode
from headrace.model.records import JobRecord, JobRunRecord, JobsRecord
from headrace.platform.context import Context
from headrace.platform.core.access import Access
from headrace.platform.core.identifiers import (
    check_id,
    check_organization,
    key_of,
    missing,
)
from headrace.platform.dispatch import handles
from headrace.platform.jobs.launched import visible_error
from headrace.protocol.operations.jobs import (
    CANCEL_JOB,
    CANCEL_JOB_RUN,
    FIND_JOB_RUN,
    GET_JOB,
    GET_JOB_RUN,
    LIST_JOBS,
    FindJob,
    JobId,
    ListJobs,
)
from headrace.storage.database.base import Row, Statements, Transaction
from headrace.storage.database.locks import Lock

JOB, JOB_RUN = 1, 2
"""Stored in ``job.wire``: which of the two records shows a job."""

_RUN_STATUSES = {
    JobStatus.RUNNING: JobRunStatus.RUNNING,
    JobStatus.SUCCESS: JobRunStatus.SUCCEEDED,
    JobStatus.TERMINATED: JobRunStatus.KILLED,
    JobStatus.FAILED: JobRunStatus.FAILED,
}
"""Rows of both hold the statuses of a Job."""

ANSWER_SECONDS = 2.0
"""How long a call waits for the job that it started; a small job ends within the call."""

HOLD_SECONDS = 25.0
"""How long a status call waits for a running job. The official client asks twenty times: eight minutes."""


MOST_JOBS = 1000
"""Jobs in one listing."""


class Job(Struct, frozen=True):
    """A job of the caller's organization. ``spec`` is JSON that only the job's kind understands."""

    no: int
    created: int
    wire: int
    kind: str
    subject: int | None
    state: str
    spec: str
    done: int
    total: int | None
    error: str | None
    begun: int = 0

    @property
    def id(self) -> UUID:
        """The job's id."""
        return job_id(self.no, self.created)

    @property
    def run_record(self) -> JobRunRecord:
        """The job as a JobRun: queued until its work has stored a first cursor."""
        queued = self.state == JobStatus.RUNNING and not self.begun
        return JobRunRecord(
            id=self.id,
            status=JobRunStatus.QUEUED if queued else _RUN_STATUSES[JobStatus(self.state)],
            done=self.done,
            total=self.total,
            error=self.error,
            kind=self.kind.lower(),
        )

    @property
    def record(self) -> JobRecord:
        """The job as a Job."""
        return JobRecord(
            id=self.id,
            status=JobStatus(self.state),
            done=self.done,
            total=self.total,
            error=self.error,
            kind=self.kind.lower(),
        )


@handles(GET_JOB)
async def get_job(context: Context, access: Access, request: JobId) -> JobRecord:
    """Get a Job; waits up to :data:`HOLD_SECONDS` for the end of a running one."""
    return (await _status(context, access, request.job_id, JOB)).record


@handles(GET_JOB_RUN)
async def get_job_run(context: Context, access: Access, request: JobId) -> JobRunRecord:
    """Get a JobRun; waits up to :data:`HOLD_SECONDS` for the end of a running one."""
    return (await _status(context, access, request.job_id, JOB_RUN)).run_record


@handles(FIND_JOB_RUN)
async def find_job_run(context: Context, access: Access, request: FindJob) -> JobRunRecord:
    """Find a JobRun by id, without waiting."""
    check_organization(access, request.organization_id)
    return (await job_of(context.database, access, request.id, JOB_RUN)).run_record


@handles(LIST_JOBS)
async def list_jobs(context: Context, access: Access, request: ListJobs) -> JobsRecord:
    """List the newest jobs of the organization."""
    check_organization(access, request.organization_id)
    if not 0 < request.limit <= MOST_JOBS:
        raise BadRequestError(f"limit is {request.limit}", hint=f"give 1 to {MOST_JOBS}")
    rows = await context.database.fetch(
        "jobs.newest", organization=access.organization, limit=request.limit
    )
    jobs = [_visible(access, Job(*row)) for row in rows]
    return JobsRecord(
        jobs=[job.record for job in jobs if job.wire == JOB],
        runs=[job.run_record for job in jobs if job.wire == JOB_RUN],
    )


@handles(CANCEL_JOB)
async def cancel_job(context: Context, access: Access, request: JobId) -> JobRecord:
    """Ask a Job to stop."""
    return (await _cancel(context, access, request.job_id, JOB)).record


@handles(CANCEL_JOB_RUN)
async def cancel_job_run(context: Context, access: Access, request: JobId) -> JobRunRecord:
    """Ask a JobRun to stop."""
    return (await _cancel(context, access, request.job_id, JOB_RUN)).run_record


async def _status(context: Context, access: Access, id: UUID, wire: int) -> Job:
    job = await job_of(context.database, access, id, wire)
    if job.state == JobStatus.RUNNING:
        await context.jobs.wait(job.no, HOLD_SECONDS)
        job = await job_of(context.database, access, id, wire)
    return job


async def _cancel(context: Context, access: Access, id: UUID, wire: int) -> Job:
    """Stop a running job after its current range, a ledger of a caller at once; an ended job stays as it is."""
    async with context.database.transaction(Lock.job(key_of(id, Kind.JOB).number)) as tx:
        job = await job_of(tx, access, id, wire)
        if context.jobs.runs(job.kind):
            await tx.execute("jobs.ask_to_stop", no=job.no, now=context.clock())
        elif job.state == JobStatus.RUNNING:
            await end_job(tx, job.no, JobStatus.TERMINATED, context.clock())
    await context.jobs.wait(job.no, ANSWER_SECONDS)
    return await job_of(context.database, access, id, wire)


async def job_of(statements: Statements, access: Access, id: UUID, wire: int) -> Job:
    """Find a job by id, with what the caller may know of its error; 404 also where ``wire`` does not match."""
    key = key_of(id, Kind.JOB)
    row = await statements.fetch_one("jobs.by_no", no=key.number, organization=access.organization)
    return _found(access, id, wire, key.number, row)


async def job_of_chunk(
    statements: Statements, access: Access, id: UUID, wire: int, shard: int
) -> tuple[Job, str | None]:
    """Find a job as :func:`job_of`, together with the result of one of its shards, None if there is none."""
    no = key_of(id, Kind.JOB).number
    row = await statements.fetch_one(
        "jobs.of_chunk", no=no, organization=access.organization, shard=shard
    )
    result = None if row is None else row[-1]
    return _found(access, id, wire, no, None if row is None else row[:-1]), result


def _found(access: Access, id: UUID, wire: int, no: int, row: Row | None) -> Job:
    if row is None or row[1] != wire:
        raise missing(Kind.JOB, id)
    job = Job(no, *row)
    check_id(id, Kind.JOB, job.created, 0, job.no)
    return _visible(access, job)


def _visible(access: Access, job: Job) -> Job:
    error = visible_error(access, job.kind, job.spec, job.error)
    return job if error == job.error else replace(job, error=error)


async def add_job(
    context: Context,
    tx: Transaction,
    access: Access,
    *,
    kind: str,
    subject: int | None,
    state: JobStatus,
    spec: str = "{}",
    total: int | None = None,
    done: int = 0,
) -> JobRecord:
    """Record a Job for the caller."""
    job = await record_job(
        context,
        tx,
        access.organization,
        kind=kind,
        subject=subject,
        state=state,
        spec=spec,
        total=total,
        done=done,
    )
    return job.record


async def record_job(
    context: Context,
    tx: Transaction,
    organization: int,
    *,
    kind: str,
    subject: int | None,
    state: JobStatus,
    spec: str,
    total: int | None,
    wire: int = JOB,
    done: int = 0,
) -> Job:
    """Record a job for an organization."""
    no, now = await context.database.reserve("job"), context.clock()
    await tx.execute(
        "jobs.add",
        no=no,
        organization=organization,
        wire=wire,
        kind=kind,
        subject=subject,
        spec=spec,
        state=str(state),
        total=total,
        done=done,
        now=now,
    )
    return Job(no, now, wire, kind, subject, str(state), spec, done, total, None)


async def end_job(
    tx: Transaction, no: int, state: JobStatus, now: int, error: str | None = None
) -> None:
    """End a running job and drop its ledger."""
    await tx.execute("jobs.end", no=no, state=str(state), error=error, now=now)
    await tx.execute("jobs.drop_shards", job=no)


async def start_job(context: Context, access: Access, recorded: JobRecord) -> JobRecord:
    """Start a recorded Job and wait up to :data:`ANSWER_SECONDS` for its end; returns its current state."""
    return (await _run(context, access, recorded.id, JOB)).record


async def start_job_run(context: Context, access: Access, recorded: JobRunRecord) -> JobRunRecord:
    """Start a recorded JobRun and wait up to :data:`ANSWER_SECONDS` for its end; returns its current state."""
    return (await _run(context, access, recorded.id, JOB_RUN)).run_record


async def _run(context: Context, access: Access, id: UUID, wire: int) -> Job:
    no = key_of(id, Kind.JOB).number
    context.jobs.start(no)
    await context.jobs.wait(no, ANSWER_SECONDS)
    return await job_of(context.database, access, id, wire)


def job_id(no: int, created: int) -> UUID:
    """Encode the id of a job."""
    return encode(Kind.JOB, created, 0, no)
