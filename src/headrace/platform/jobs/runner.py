"""Runs long jobs in ranges. A job is recorded first; each range is one short transaction that also stores the cursor.

The process that holds a job's lease runs it. Every range renews the lease in its own transaction, so of two processes
with the same lake only one runs a job, and a process that lost the lease writes nothing more. After a crash a job
resumes from its cursor when the lake is opened next, or when another process is asked about the job after the lease
has expired.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import anyio
import msgspec

from headrace.errors import APIError, HeadraceError, UnsupportedError
from headrace.model.enums import JobStatus
from headrace.platform.context import Context
from headrace.platform.core.listing import json_text
from headrace.platform.jobs.owner import is_gone, new_owner
from headrace.platform.jobs.records import end_job
from headrace.platform.jobs.work import JobTask, JobWork, WorkFactory
from headrace.storage.database.base import Statements, Transaction
from headrace.storage.database.locks import Lock
from headrace.tracing import span

LEASE_MS = 60_000
SHARED_LEASE_MS = 15_000
"""The lease where several machines share a platform: so much later another one takes over the jobs of one that died."""
RANGE_SECONDS = 0.08
"""How long a range should hold the writer; the size of a range follows from the duration of the last one."""
FIRST_SIZE, MIN_SIZE, MAX_SIZE = 500, 50, 20_000
PAUSE_SECONDS = 0.015
"""Pause between two ranges: a little more than other processes wait between two tries to become the writer."""
MAX_ATTEMPTS = 5
_RETRY_SECONDS = 1.0
_LOOK_SECONDS = 0.2
_OPEN_AT_ONCE = 1000

log = logging.getLogger("headrace.platform")


class JobRunner:
    """Runs the jobs of one lake, each by the work of its kind. One that does not work leaves them to other processes."""

    def __init__(
        self, context: Context, kinds: dict[str, WorkFactory], *, works: bool = True
    ) -> None:
        self._context = context
        self._kinds = kinds
        self._works = works
        self._owner = new_owner()
        # Running jobs, with an event that is set when the job stops running here.
        self._running: dict[int, anyio.Event] = {}
        # Jobs that only this process may run, until they end; whether they have begun.
        self._reserved: dict[int, bool] = {}
        self._waits: set[anyio.CancelScope] = set()
        self._stopping = False
        self._told = False
        self._report_retry: Callable[[], None] = _ignore

    def runs(self, kind: str) -> bool:
        """Whether jobs of this kind run here; other kinds are ledgers that callers keep."""
        return kind in self._kinds

    async def reserve(self, tx: Transaction, no: int) -> None:
        """Reserve a job that is being recorded, so that no other process runs it.

        Raises:
            UnsupportedError: No job runs in this process.
        """
        if not self._works:
            raise UnsupportedError(
                "programs are launched by a server of the platform",
                hint="connect to the server: headrace.connect('https://…')",
            )
        self._reserved[no] = False
        lease = await database_clock(tx) + lease_ms(self._context)
        await tx.execute("jobs.reserve", no=no, owner=self._owner, lease=lease)

    def watch_retries(self, report: Callable[[], None]) -> None:
        """Call ``report`` for each run that an error ended and that is repeated."""
        self._report_retry = report

    def begin_reserved(self, no: int) -> bool:
        """Whether this process reserved the job and has not begun it; it counts as begun from now on."""
        if self._reserved.get(no) is not False:
            return False
        self._reserved[no] = True
        return True

    async def aclose(self) -> None:
        """Release the jobs that were reserved and never begun."""
        for no, begun in self._reserved.items():
            if not begun:
                await self._release(no)

    async def is_held(self, statements: Statements, no: int) -> bool:
        """Whether the process that reserved a job still runs it, or is about to."""
        row = await statements.fetch_one("jobs.lease", no=no)
        if row is not None and row[2] == self._owner:
            return no in self._reserved
        return row is not None and not await self._is_free(statements, row[2], row[3])

    async def must_stop(self, no: int) -> bool:
        """Whether a job that runs here must stop: it was cancelled, or another process has taken it."""
        row = await self._context.database.fetch_one("jobs.asked_to_stop", no=no)
        return row is None or bool(row[0]) or row[1] != self._owner

    def start(self, no: int) -> None:
        """Start the job in the background unless it is already running."""
        if self._works:
            self._context.background.start(self._run, no)

    async def wait(self, no: int, seconds: float) -> None:
        """Wait for the end of a job, here or in another process, at most ``seconds``."""
        with self.waiting(seconds):
            while not self._stopping and await self._is_running(no):
                ended = self._running.get(no)
                if ended is None:
                    await anyio.sleep(_LOOK_SECONDS)
                else:
                    await ended.wait()
        if not self._works and not self._told:
            row = await self._context.database.fetch_one("jobs.lease", no=no)
            if row is not None and row[0] == JobStatus.RUNNING and row[2] is None:
                # Without a word, a person would wait for ever.
                self._told = True
                log.warning(
                    "job %d waits for a server of %s, and none has taken it: headrace serve",
                    no,
                    self._context.name,
                )

    @contextmanager
    def waiting(self, seconds: float) -> Iterator[None]:
        """Cancel the block after ``seconds``, or when the server is about to stop."""
        with anyio.move_on_after(0 if self._stopping else seconds) as scope:
            self._waits.add(scope)
            try:
                yield
            finally:
                self._waits.discard(scope)

    def end_waits(self) -> None:
        """End all waits, and later ones at once: the server is about to stop."""
        self._stopping = True
        for scope in self._waits:
            scope.cancel()

    async def resume(self) -> None:
        """Run all open jobs that no process runs, and watch those of other processes until they end."""
        kinds = json_text(list(self._kinds))
        while rows := await self._context.database.fetch(
            "jobs.open", kinds=kinds, limit=_OPEN_AT_ONCE
        ):
            for no, owner, lease in rows:
                if await self._is_free(self._context.database, owner, lease):
                    await self._run(no)
            await anyio.sleep(_RETRY_SECONDS)

    async def keep_resuming(self) -> None:
        """Run the jobs that processes record which run none themselves, as those of administrators, until cancelled."""
        while True:
            try:
                await self.resume()
            except HeadraceError as error:
                log.warning("open jobs are looked for again in a second: %s", error)
            await anyio.sleep(_RETRY_SECONDS)

    async def renew_lease(self, no: int) -> bool:
        """Renew the lease on a job during a long read; False if another process has taken it."""
        async with self._context.database.transaction(Lock.job(no)) as tx:
            return await self._hold(tx, no) is not None

    # --- leases -------------------------------------------------------------------------------------------

    async def _is_running(self, no: int) -> bool:
        row = await self._context.database.fetch_one("jobs.lease", no=no)
        if row is None or row[0] != JobStatus.RUNNING or row[1] not in self._kinds:
            return False
        if no not in self._running and await self._is_free(self._context.database, *row[2:]):
            self.start(no)
        return True

    async def _is_free(self, statements: Statements, owner: str | None, lease: int) -> bool:
        return owner is None or is_gone(owner) or lease < await database_clock(statements)

    async def _claim(self, no: int) -> JobTask | None:
        async with self._context.database.transaction(Lock.job(no)) as tx:
            now = await database_clock(tx)
            row = await tx.fetch_one("jobs.lease", no=no)
            owner = None if row is None else row[2]
            free = owner is not None and (owner == self._owner or is_gone(owner))
            claimed = await tx.fetch_one(
                "jobs.claim",
                no=no,
                owner=self._owner,
                lease=now + lease_ms(self._context),
                now=now,
                gone=owner if free else "",
            )
        return None if claimed is None else JobTask(no, *claimed)

    async def _hold(self, tx: Transaction, no: int) -> bool | None:
        """Renew the lease within a range. Returns whether the job must stop, None if another process has taken it."""
        now = await database_clock(tx)
        row = await tx.fetch_one(
            "jobs.hold", no=no, owner=self._owner, lease=now + lease_ms(self._context), now=now
        )
        return None if row is None else bool(row[0])

    # --- running ------------------------------------------------------------------------------------------

    async def _run(self, no: int) -> None:
        if no in self._running:
            return
        ended = self._running[no] = anyio.Event()
        try:
            try:
                task = await self._claim(no)
            except BaseException:
                # The lease may be claimed already: release it, so that no process waits for it to expire.
                await self._release_unused(no)
                raise
            if task is not None:
                with span(f"job {task.kind.lower()}", job=task.no, attempt=task.attempts):
                    await self._attempt(task, self._kinds[task.kind](self._context, task))
        finally:
            del self._running[no]
            self._reserved.pop(no, None)
            ended.set()

    async def _attempt(self, task: JobTask, work: JobWork) -> None:
        try:
            if task.attempts > MAX_ATTEMPTS:
                await self._fail(
                    task,
                    work,
                    f"given up after {MAX_ATTEMPTS} attempts: {task.error or 'each ended without an error'}",
                )
            else:
                await self._run_ranges(task, work)
            await work.after_end()
        except HeadraceError as error:
            if isinstance(error, APIError) and not error.retryable:
                # The request can no longer be met: another attempt would not help.
                await self._fail(task, work, error.message)
                await work.after_end()
                return
            log.warning("job %d is interrupted: %s", task.no, error)
            self._report_retry()
            await anyio.sleep(_RETRY_SECONDS)
            await self._release(task.no, error=str(error))
        except Exception:
            log.exception("job %d failed", task.no)
            await self._fail(task, work, "an internal error; see the log")
            await work.after_end()
        except BaseException:
            await self._release_unused(task.no)
            raise

    async def _run_ranges(self, task: JobTask, work: JobWork) -> None:
        database = self._context.database
        row = await database.fetch_one("jobs.cursor", job=task.no)
        cursor = None if row is None else msgspec.json.decode(row[0])
        size = FIRST_SIZE
        while True:
            await work.prepare(cursor, size)
            locks = await work.locks(cursor)
            async with database.transaction(*locks, Lock.job(task.no)) as tx:
                stop = await self._hold(tx, task.no)
                if stop is None:
                    return None
                if stop:
                    await work.abandon(tx)
                    return await end_job(tx, task.no, JobStatus.TERMINATED, self._now())
                began = time.perf_counter()
                done = await work.write(tx, cursor, size)
                if done is None:
                    await work.finish(tx)
                    return await end_job(tx, task.no, JobStatus.SUCCESS, self._now())
                cursor = done.cursor
                await tx.execute("jobs.mark", job=task.no, cursor=json_text(cursor))
                await tx.execute("jobs.count", no=task.no, count=done.done)
            size = _next_size(size, time.perf_counter() - began)
            await anyio.sleep(PAUSE_SECONDS)

    async def _fail(self, task: JobTask, work: JobWork, why: str) -> None:
        locks = await work.locks(None)
        async with self._context.database.transaction(*locks, Lock.job(task.no)) as tx:
            if await self._hold(tx, task.no) is not None:
                await work.abandon(tx)
                await end_job(tx, task.no, JobStatus.FAILED, self._now(), why)

    async def _release_unused(self, no: int) -> None:
        """Release a job while being cancelled. That does not count as an attempt: the job resumes at the next open."""
        with anyio.CancelScope(shield=True):
            await self._release(no, unused=1)

    async def _release(self, no: int, *, error: str | None = None, unused: int = 0) -> None:
        try:
            await self._context.database.execute(
                "jobs.release", no=no, owner=self._owner, error=error, unused=unused
            )
        except HeadraceError as error:
            log.warning("job %d keeps its lease until it expires: %s", no, error)

    def _now(self) -> int:
        return self._context.clock()


def lease_ms(context: Context) -> int:
    """Return for how many milliseconds a lease is valid."""
    return SHARED_LEASE_MS if context.shared else LEASE_MS


async def database_clock(statements: Statements) -> int:
    """Return the time of the database, which all processes share, in milliseconds since 1970."""
    row = await statements.fetch_one("jobs.clock")
    assert row is not None
    return int(row[0])


def _ignore() -> None:
    """Nobody asked for the retries."""


def _next_size(size: int, seconds: float) -> int:
    target = size * RANGE_SECONDS / max(seconds, 0.001)
    return int(max(MIN_SIZE, size / 4, min(target, size * 3 / 2, MAX_SIZE)))
