"""Jobs: work of the platform that continues after the call that started it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable

import anyio
from msgspec import UNSET

from headrace.engine.versions.jobs import failure
from headrace.errors import JobFailedError, NotFoundError, WaitTimeoutError
from headrace.model.enums import JobRunStatus, JobStatus
from headrace.model.records import JobRecord, JobRunRecord
from headrace.protocol.operations import jobs as operations
from headrace.sdk.base.resource import Resource, describe

_SUCCESS = {JobStatus.SUCCESS, JobRunStatus.SUCCEEDED}
_FAILURE = {JobStatus.FAILED, JobStatus.TERMINATED, JobRunStatus.FAILED, JobRunStatus.KILLED}

Status = JobStatus | JobRunStatus


class Job(Resource[JobRecord | JobRunRecord]):
    """A job of the platform, of the first (v1) or the second (v2) kind.

    Example:
        ```python
        copy, job = await version.fork("v2", wait=False)
        await job.wait_for_done(attempts=600)
        ```
    """

    __slots__ = ()

    @property
    def status(self) -> Status:
        """The status as last read."""
        return self.record.status

    @property
    def done(self) -> bool:
        """Whether the job had ended, with or without success, when it was last read."""
        return self.status in _SUCCESS or self.status in _FAILURE

    @property
    def error(self) -> str | None:
        """The reason why the job failed, as last read; None if it did not fail or gave no reason."""
        return self.record.error if isinstance(self.record.error, str) else None

    @property
    def kind(self) -> str | None:
        """What the job does, such as ``fork``; None on a platform that does not say."""
        return None if self.record.kind is UNSET else self.record.kind

    async def sync(self) -> None:
        """Read the job again and replace ``record``. The server may delay its answer while the job runs."""
        request = operations.JobId(job_id=self.id)
        if isinstance(self.record, JobRunRecord):
            self.record = await self.session.call(operations.GET_JOB_RUN, request)
        else:
            self.record = await self.session.call(operations.GET_JOB, request)

    async def wait_for_done(
        self, blocking_time_increment: float = 1.0, attempts: int = 20
    ) -> Status:
        """Wait until the job has ended.

        Args:
            blocking_time_increment: Seconds between two reads of the status.
            attempts: Maximum number of reads.

        Returns:
            The final status.

        Raises:
            JobFailedError: If the job ended without success.
            WaitTimeoutError: If the job still runs after the last read.
        """
        return await self.wait_for_status(_SUCCESS | _FAILURE, blocking_time_increment, attempts)

    async def wait_for_status(
        self,
        statuses: Status | str | Iterable[Status | str],
        blocking_time_increment: float = 1.0,
        attempts: int = 20,
    ) -> Status:
        """Wait until the job has one of the given statuses.

        Args:
            statuses: One status or several.
            blocking_time_increment: Seconds between two reads of the status.
            attempts: Maximum number of reads.

        Returns:
            The status that was reached.

        Raises:
            JobFailedError: If the job failed, unless ``statuses`` contains its status and no status of success.
            WaitTimeoutError: If none of the statuses was reached.
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
            f"job {self.id} is {self.status} after {attempts} attempts", hint="wait again later"
        )

    async def cancel(self) -> Status:
        """Ask the job to stop after its current step. A job that has ended is left unchanged.

        A cancelled fork is undone; other jobs keep the work done so far. The program of a processing is ended,
        together with all processes it started.

        Returns:
            The status after the call.

        Raises:
            UnsupportedError: On other platforms than headrace.
        """
        request = operations.JobId(job_id=self.id)
        if isinstance(self.record, JobRunRecord):
            self.record = await self.session.call(operations.CANCEL_JOB_RUN, request)
        else:
            self.record = await self.session.call(operations.CANCEL_JOB, request)
        return self.status

    async def logs(self) -> str:
        """Return the output of a processing so far. Of a long log, the middle is dropped.

        Raises:
            NotFoundError: If the job is not a processing.
            PermissionDeniedError: If another user launched the job, and you are no owner of the organization.
            UnsupportedError: On other platforms than headrace.
        """
        return "".join([piece async for piece in self._pieces(follow=False)])

    def iter_logs(self) -> AsyncIterator[str]:
        """Iterate over the output of a processing as it is printed, until the job has ended.

        Yields:
            Pieces of text, not aligned to lines.

        Raises:
            NotFoundError: If the job is not a processing.
            PermissionDeniedError: If another user launched the job, and you are no owner of the organization.
            UnsupportedError: On other platforms than headrace.
        """
        return self._pieces(follow=True)

    async def _pieces(self, *, follow: bool) -> AsyncIterator[str]:
        if isinstance(self.record, JobRecord):
            raise NotFoundError(
                f"job {self.id} has no log: only the programs of processings write one",
                hint="its status and its error say how it went",
            )
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
