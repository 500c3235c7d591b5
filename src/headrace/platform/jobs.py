"""Jobs of both kinds: what a call began, and how far it is."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from msgspec import Struct

from headrace.model.enums import JobRunStatus, JobStatus
from headrace.model.ids import Kind, encode
from headrace.model.records import JobRecord, JobRunRecord
from headrace.platform.access import Access
from headrace.platform.identity import check_id, check_organization, key_of, missing
from headrace.platform.sequences import take_numbers
from headrace.protocol.operations.jobs import FindJob, JobId
from headrace.storage.database.base import Statements, Transaction

if TYPE_CHECKING:
    from headrace.platform.platform import Platform

FIRST_KIND, SECOND_KIND = 1, 2


class Job(Struct, frozen=True):
    """A job of the caller's organization."""

    no: int
    created: int
    wire: int
    kind: str
    subject: int | None
    state: str
    spec: str

    @property
    def id(self) -> UUID:
        """The job's id."""
        return job_id(self.no, self.created)


async def get_job(platform: Platform, access: Access, request: JobId) -> JobRecord:
    """The status of a job of the first kind."""
    job = await job_of(platform.database, access, request.job_id, FIRST_KIND)
    return JobRecord(id=job.id, status=JobStatus(job.state))


async def get_job_run(platform: Platform, access: Access, request: JobId) -> JobRunRecord:
    """The status of a job of the second kind."""
    job = await job_of(platform.database, access, request.job_id, SECOND_KIND)
    return JobRunRecord(id=job.id, status=JobRunStatus(job.state))


async def find_job_run(platform: Platform, access: Access, request: FindJob) -> JobRunRecord:
    """A job of the second kind by id."""
    check_organization(access, request.organization_id)
    return await get_job_run(platform, access, JobId(job_id=request.id))


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
    subject: int,
    state: JobStatus,
    spec: str = "{}",
) -> JobRecord:
    """Record a job of the first kind."""
    no = await take_numbers(tx, "job")
    await tx.execute(
        "jobs.add",
        no=no,
        organization=access.organization,
        wire=FIRST_KIND,
        kind=kind,
        subject=subject,
        spec=spec,
        state=str(state),
        now=now,
    )
    return JobRecord(id=job_id(no, now), status=state)


def job_id(no: int, created: int) -> UUID:
    """The id of a job."""
    return encode(Kind.JOB, created, 0, no)
