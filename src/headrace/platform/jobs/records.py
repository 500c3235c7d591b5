"""Jobs of both kinds: what a call began, and how far it is."""

from __future__ import annotations

from uuid import UUID

from msgspec import Struct

from headrace.model.enums import JobRunStatus, JobStatus
from headrace.model.ids import Kind, encode
from headrace.model.records import JobRecord, JobRunRecord
from headrace.platform.context import Context
from headrace.platform.core.access import Access
from headrace.platform.core.identifiers import (
    check_id,
    check_organization,
    key_of,
    missing,
    take_numbers,
)
from headrace.platform.dispatch import handles
from headrace.protocol.operations.jobs import (
    CANCEL_JOB,
    CANCEL_JOB_RUN,
    FIND_JOB_RUN,
    GET_JOB,
    GET_JOB_RUN,
    FindJob,
    JobId,
)
from headrace.storage.database.base import Statements, Transaction

JOB, JOB_RUN = 1, 2

_RUN_STATUSES = {
    JobStatus.RUNNING: JobRunStatus.RUNNING,
    JobStatus.SUCCESS: JobRunStatus.SUCCEEDED,
    JobStatus.TERMINATED: JobRunStatus.KILLED,
    JobStatus.FAILED: JobRunStatus.FAILED,
}
"""Rows of both kinds hold the words of the first."""

ANSWER_SECONDS = 2.0
"""How long the answer to a call waits for the job that it began: small jobs are finished in it."""

HOLD_SECONDS = 25.0
"""How long a look at a job that still runs is held: twenty looks, as the platform's client takes, are eight minutes."""


class Job(Struct, frozen=True):
    """A job of the caller's organization."""

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
        """The job as the API shows one of the second kind: queued until its work has made a first mark."""
        waits = self.state == JobStatus.RUNNING and not self.begun
        return JobRunRecord(
            id=self.id,
            status=JobRunStatus.QUEUED if waits else _RUN_STATUSES[JobStatus(self.state)],
            done=self.done,
            total=self.total,
            error=self.error,
        )

    @property
    def record(self) -> JobRecord:
        """The job as the API shows one of the first kind."""
        return JobRecord(
            id=self.id,
            status=JobStatus(self.state),
            done=self.done,
            total=self.total,
            error=self.error,
        )


@handles(GET_JOB)
async def get_job(context: Context, access: Access, request: JobId) -> JobRecord:
    """The status of a job of the first kind; the answer waits a while for the end of one that is worked on."""
    return (await _looked_at(context, access, request.job_id, JOB)).record


@handles(GET_JOB_RUN)
async def get_job_run(context: Context, access: Access, request: JobId) -> JobRunRecord:
    """The status of a job of the second kind; the answer waits a while for the end of one that is worked on."""
    return (await _looked_at(context, access, request.job_id, JOB_RUN)).run_record


@handles(FIND_JOB_RUN)
async def find_job_run(context: Context, access: Access, request: FindJob) -> JobRunRecord:
    """A job of the second kind by id, as it is at this moment."""
    check_organization(access, request.organization_id)
    return (await job_of(context.database, access, request.id, JOB_RUN)).run_record


@handles(CANCEL_JOB)
async def cancel_job(context: Context, access: Access, request: JobId) -> JobRecord:
    """Ask a job of the first kind to stop."""
    return (await _cancelled(context, access, request.job_id, JOB)).record


@handles(CANCEL_JOB_RUN)
async def cancel_job_run(context: Context, access: Access, request: JobId) -> JobRunRecord:
    """Ask a job of the second kind to stop."""
    return (await _cancelled(context, access, request.job_id, JOB_RUN)).run_record


async def _looked_at(context: Context, access: Access, id: UUID, wire: int) -> Job:
    job = await job_of(context.database, access, id, wire)
    if job.state == JobStatus.RUNNING:
        await context.jobs.wait(job.no, HOLD_SECONDS)
        job = await job_of(context.database, access, id, wire)
    return job


async def _cancelled(context: Context, access: Access, id: UUID, wire: int) -> Job:
    """One that is worked on stops between two ranges, any other at once; ended ones stay as they are."""
    async with context.database.transaction() as tx:
        job = await job_of(tx, access, id, wire)
        if context.jobs.works(job.kind):
            await tx.execute("jobs.ask_to_stop", no=job.no, now=context.clock())
        elif job.state == JobStatus.RUNNING:
            await end_job(tx, job.no, JobStatus.TERMINATED, context.clock())
    await context.jobs.wait(job.no, ANSWER_SECONDS)
    return await job_of(context.database, access, id, wire)


async def job_of(statements: Statements, access: Access, id: UUID, wire: int) -> Job:
    """The job of an id; 404 for one of the other kind too."""
    key = key_of(id, Kind.JOB)
    row = await statements.fetch_one("jobs.by_no", no=key.number, organization=access.organization)
    if row is None or row[1] != wire:
        raise missing(Kind.JOB, id)
    job = Job(key.number, *row)
    check_id(id, Kind.JOB, job.created, 0, job.no)
    return job


async def add_job(
    tx: Transaction,
    access: Access,
    now: int,
    *,
    kind: str,
    subject: int | None,
    state: JobStatus,
    spec: str = "{}",
    total: int | None = None,
) -> JobRecord:
    """Record a job of the first kind for the caller."""
    job = await record_job(
        tx,
        access.organization,
        now,
        kind=kind,
        subject=subject,
        state=state,
        spec=spec,
        total=total,
    )
    return job.record


async def record_job(
    tx: Transaction,
    organization: int,
    now: int,
    *,
    kind: str,
    subject: int | None,
    state: JobStatus,
    spec: str,
    total: int | None,
    wire: int = JOB,
) -> Job:
    """Record a job for an organization."""
    no = await take_numbers(tx, "job")
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
        now=now,
    )
    return Job(no, now, wire, kind, subject, str(state), spec, 0, total, None)


async def end_job(
    tx: Transaction, no: int, state: JobStatus, now: int, error: str | None = None
) -> None:
    """Close a job that runs, and its ledger."""
    await tx.execute("jobs.end", no=no, state=str(state), error=error, now=now)
    await tx.execute("jobs.drop_shards", job=no)


async def wait_for_job(context: Context, access: Access, begun: JobRecord) -> JobRecord:
    """Work on a job that was just recorded; how far it is once it had its time in the answer."""
    return (await _begun(context, access, begun.id, JOB)).record


async def wait_for_job_run(context: Context, access: Access, begun: Job) -> JobRunRecord:
    """The same for a job of the second kind."""
    return (await _begun(context, access, begun.id, JOB_RUN)).run_record


async def _begun(context: Context, access: Access, id: UUID, wire: int) -> Job:
    no = key_of(id, Kind.JOB).number
    context.jobs.start(no)
    await context.jobs.wait(no, ANSWER_SECONDS)
    return await job_of(context.database, access, id, wire)


def job_id(no: int, created: int) -> UUID:
    """The id of a job."""
    return encode(Kind.JOB, created, 0, no)
