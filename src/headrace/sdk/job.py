"""Jobs: what the platform goes on doing after it has answered."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable

import anyio

from headrace.engine.versions.add_assets import failure
from headrace.errors import JobFailedError, WaitTimeoutError
from headrace.model.enums import JobRunStatus, JobStatus
from headrace.model.records import JobRecord, JobRunRecord
from headrace.protocol.operations import jobs as operations
from headrace.sdk.base.resource import Resource, describe

_SUCCESS = {JobStatus.SUCCESS, JobRunStatus.SUCCEEDED}
_FAILURE = {JobStatus.FAILED, JobStatus.TERMINATED, JobRunStatus.FAILED, JobRunStatus.KILLED}

Status = JobStatus | JobRunStatus


class Job(Resource[JobRecord | JobRunRecord]):
    """A job of either kind."""

    __slots__ = ()

    @property
    def status(self) -> Status:
        """The status as last read."""
        return self.record.status

    @property
    def done(self) -> bool:
        """Whether the job had ended, well or not, when it was last read."""
        return self.status in _SUCCESS or self.status in _FAILURE

    @property
    def error(self) -> str | None:
        """Why the job failed, as last read; None where it did not, or nobody said."""
        return self.record.error if isinstance(self.record.error, str) else None

    async def sync(self) -> None:
        """Read the status again; the answer may be held back for a while where the job still runs."""
        request = operations.JobId(job_id=self.id)
        if isinstance(self.record, JobRunRecord):
            self.record = await self.session.call(operations.GET_JOB_RUN, request)
        else:
            self.record = await self.session.call(operations.GET_JOB, request)

    async def wait_for_done(
        self, blocking_time_increment: float = 1.0, attempts: int = 20
    ) -> Status:
        """Wait for the end of the job, asking ``attempts`` times with seconds of ``blocking_time_increment`` between.

        Raises JobFailedError where the job ended without success, WaitTimeoutError where it still runs.
        """
        return await self.wait_for_status(_SUCCESS | _FAILURE, blocking_time_increment, attempts)

    async def wait_for_status(
        self,
        statuses: Status | str | Iterable[Status | str],
        blocking_time_increment: float = 1.0,
        attempts: int = 20,
    ) -> Status:
        """Wait for one of these statuses, asking ``attempts`` times.

        Raises JobFailedError where the job ended without success and that is not what was waited for or was not
        named alone, WaitTimeoutError where none of the statuses was met.
        """
        wanted = {statuses} if isinstance(statuses, str) else set(statuses)
        for attempt in range(attempts):
            if not self.done:
                await self.sync()
            if self.status in _FAILURE and (self.status not in wanted or wanted & _SUCCESS):
                raise JobFailedError(failure(self.record), job=self.record)
            if self.status in wanted:
                return self.status
            if self.done:
                break
            if attempt + 1 < attempts:
                await anyio.sleep(blocking_time_increment)
        raise WaitTimeoutError(
            f"job {self.id} is {self.status} after {attempts} looks", hint="wait again later"
        )

    async def cancel(self) -> Status:
        """Ask the job to stop, between two steps of its work; one that has ended stays as it is. The status then.

        Of a fork nothing stays, of other work what was done. The program of a processing is ended, with all that it
        started.
        """
        request = operations.JobId(job_id=self.id)
        if isinstance(self.record, JobRunRecord):
            self.record = await self.session.call(operations.CANCEL_JOB_RUN, request)
        else:
            self.record = await self.session.call(operations.CANCEL_JOB, request)
        return self.status

    async def logs(self) -> str:
        """What the program of a processing has printed so far; of a long log the beginning and the end.

        Raises NotFoundError for other jobs, which print nothing.
        """
        return "".join([piece async for piece in self._pieces(follow=False)])

    def iter_logs(self) -> AsyncIterator[str]:
        """What the program of a processing prints, piece by piece, until the job has ended."""
        return self._pieces(follow=True)

    async def _pieces(self, *, follow: bool) -> AsyncIterator[str]:
        offset = 0
        while True:
            request = operations.ReadJobLog(job_id=self.id, offset=offset, wait=follow)
            piece = await self.session.call(operations.READ_JOB_LOG, request)
            if piece.offset > offset:
                yield f"\n[{piece.offset - offset} bytes were dropped here]\n"
            if piece.text:
                yield piece.text
            if piece.ended or not (follow or piece.text):
                return
            offset = piece.next_offset

    def __repr__(self) -> str:
        return describe(self, str(self.id), self.status.value.lower())
