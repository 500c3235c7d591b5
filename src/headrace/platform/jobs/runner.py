"""Long jobs: recorded first, worked in ranges, each range a short transaction with the ledger row in it.

A job is worked by whoever holds its lease, which every range renews in its own transaction: of two processes with one
lake only one works on a job, and one that lost its lease writes nothing more. What a crash cut short goes on from the
ledger when the lake is opened next, or when another process is asked about the job after the lease has ended.
"""

from __future__ import annotations

import logging
import os
import secrets
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import anyio
import msgspec
from msgspec import Struct

from headrace.errors import APIError, HeadraceError
from headrace.model.enums import JobStatus
from headrace.platform.context import Context
from headrace.platform.core.listing import json_text
from headrace.platform.jobs.records import end_job
from headrace.storage.database.base import Statements, Transaction

LEASE_MS = 60_000
RANGE_SECONDS = 0.08
"""How long a range may hold the writer; its size follows from how long the last one took."""
FIRST_SIZE, MIN_SIZE, MAX_SIZE = 500, 50, 20_000
PAUSE_SECONDS = 0.015
"""Between two ranges: a little more than other processes wait between two tries to become the writer."""
MAX_ATTEMPTS = 5
_RETRY_SECONDS = 1.0
_LOOK_SECONDS = 0.2
_OPEN_AT_ONCE = 1000

log = logging.getLogger("headrace.platform")


class JobTask(Struct, frozen=True):
    """A job as its work sees it; ``spec`` is JSON that the kind of work alone understands.

    ``attempts`` counts how often it was begun since it last got on, ``error`` is what the last attempt ended of.
    """

    no: int
    kind: str
    organization: int
    subject: int | None
    spec: str
    attempts: int
    error: str | None


class Progress(Struct, frozen=True):
    """What a range leaves behind: where the next one begins (anything JSON can say), and how much this one did."""

    cursor: Any
    done: int


class JobWork(Protocol):
    """What a kind of job does. ``cursor`` is None for the first range."""

    async def ahead(self, cursor: Any, size: int) -> None:
        """Do what can be done before the writer is taken."""
        ...

    async def write(self, tx: Transaction, cursor: Any, size: int) -> Progress | None:
        """Do the next range of about ``size`` rows; None where nothing is left."""
        ...

    async def finish(self, tx: Transaction) -> None:
        """Conclude, in the transaction that calls the job a success."""
        ...

    async def abandon(self, tx: Transaction) -> None:
        """Leave nothing half done, in the transaction that ends the job without success."""
        ...

    async def afterwards(self) -> None:
        """What follows the end of the job, whatever it was."""
        ...


WorkFactory = Callable[[Context, JobTask], JobWork]


class JobRunner:
    """Works on the jobs of one platform; ``kinds`` says how."""

    def __init__(self, context: Context, kinds: dict[str, WorkFactory]) -> None:
        self._context = context
        self._kinds = kinds
        self._owner = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(8)}"
        self._worked: dict[int, anyio.Event] = {}
        # Jobs of which no other process may do any part, until they end; whether they were begun.
        self._reserved: dict[int, bool] = {}
        self._waits: set[anyio.CancelScope] = set()
        self._stopping = False

    def works(self, kind: str) -> bool:
        """Whether jobs of this kind are worked on here; others are ledgers that callers keep."""
        return kind in self._kinds

    async def reserve(self, tx: Transaction, no: int) -> None:
        """Keep a job that is being recorded for this process: no other one may take it up first."""
        self._reserved[no] = False
        lease = self._context.clock() + LEASE_MS
        await tx.execute("jobs.reserve", no=no, owner=self._owner, lease=lease)

    def was_reserved(self, no: int) -> bool:
        """Whether a job was kept for this process, and is begun now."""
        if self._reserved.get(no) is not False:
            return False
        self._reserved[no] = True
        return True

    async def aclose(self) -> None:
        """Let go of what was kept and never begun."""
        for no, begun in self._reserved.items():
            if not begun:
                await self._release(no)

    async def is_held(self, statements: Statements, no: int) -> bool:
        """Whether some process works on a job that it kept for itself, or is about to."""
        row = await statements.fetch_one("jobs.keeper", no=no)
        if row is not None and row[2] == self._owner:
            return no in self._reserved
        return row is not None and not self._is_free(row[2], row[3])

    async def asked_to_stop(self, no: int) -> bool:
        """Whether a job is to stop that this process works on: because somebody said so, or another one has it."""
        row = await self._context.database.fetch_one("jobs.asked_to_stop", no=no)
        return row is None or bool(row[0]) or row[1] != self._owner

    def start(self, no: int) -> None:
        """Work on a job beside the calls, unless that is being done."""
        self._context.background.start(self._work, no)

    async def wait(self, no: int, seconds: float) -> None:
        """Wait for the end of a job, whoever works on it, but not longer than ``seconds``."""
        with self.waiting(seconds):
            while not self._stopping and await self._is_worked(no):
                ended = self._worked.get(no)
                if ended is None:
                    await anyio.sleep(_LOOK_SECONDS)
                else:
                    await ended.wait()

    @contextmanager
    def waiting(self, seconds: float) -> Iterator[None]:
        """A block that is left after ``seconds``, or when the server is about to stop."""
        with anyio.move_on_after(0 if self._stopping else seconds) as scope:
            self._waits.add(scope)
            try:
                yield
            finally:
                self._waits.discard(scope)

    def end_waits(self) -> None:
        """Answer everyone who waits, and let nobody wait any more: the server is about to stop."""
        self._stopping = True
        for scope in self._waits:
            scope.cancel()

    async def resume(self) -> None:
        """Work on all jobs that nobody works on, and watch those of other processes until they end."""
        kinds = json_text(list(self._kinds))
        while rows := await self._context.database.fetch(
            "jobs.open", kinds=kinds, limit=_OPEN_AT_ONCE
        ):
            for no, owner, lease in rows:
                if self._is_free(owner, lease):
                    await self._work(no)
            await anyio.sleep(_RETRY_SECONDS)

    async def keep(self, no: int) -> bool:
        """Renew the lease in the middle of reading that takes long; False where it is lost."""
        async with self._context.database.transaction() as tx:
            return await self._hold(tx, no) is not None

    # --- whose job it is ----------------------------------------------------------------------------------

    async def _is_worked(self, no: int) -> bool:
        row = await self._context.database.fetch_one("jobs.keeper", no=no)
        if row is None or row[0] != JobStatus.RUNNING or row[1] not in self._kinds:
            return False
        if no not in self._worked and self._is_free(*row[2:]):
            self.start(no)
        return True

    def _is_free(self, owner: str | None, lease: int) -> bool:
        return owner is None or lease < self._context.clock() or _is_gone(owner)

    async def _claim(self, no: int) -> JobTask | None:
        now = self._context.clock()
        async with self._context.database.transaction() as tx:
            row = await tx.fetch_one("jobs.keeper", no=no)
            owner = None if row is None else row[2]
            free = owner is not None and (owner == self._owner or _is_gone(owner))
            claimed = await tx.fetch_one(
                "jobs.claim",
                no=no,
                owner=self._owner,
                lease=now + LEASE_MS,
                now=now,
                gone=owner if free else "",
            )
        return None if claimed is None else JobTask(no, *claimed)

    async def _hold(self, tx: Transaction, no: int) -> bool | None:
        """Renew the lease inside a range: whether the job is to stop; None where it is no longer ours."""
        now = self._context.clock()
        row = await tx.fetch_one(
            "jobs.hold", no=no, owner=self._owner, lease=now + LEASE_MS, now=now
        )
        return None if row is None else bool(row[0])

    # --- working ------------------------------------------------------------------------------------------

    async def _work(self, no: int) -> None:
        if no in self._worked:
            return
        ended = self._worked[no] = anyio.Event()
        try:
            try:
                task = await self._claim(no)
            except BaseException:
                # Claimed or not yet, reserved or not: nobody is to wait for the end of a lease that is not used.
                await self._leave(no)
                raise
            if task is not None:
                await self._attempt(task, self._kinds[task.kind](self._context, task))
        finally:
            del self._worked[no]
            self._reserved.pop(no, None)
            ended.set()

    async def _attempt(self, task: JobTask, work: JobWork) -> None:
        try:
            if task.attempts > MAX_ATTEMPTS:
                await self._fail(
                    task,
                    work,
                    f"given up after {MAX_ATTEMPTS} attempts: {task.error or 'each ended without a word'}",
                )
            else:
                await self._ranges(task, work)
            await work.afterwards()
        except APIError as error:
            # What the job was asked to do makes no sense any more: to try again would not help.
            await self._fail(task, work, error.message)
            await work.afterwards()
        except HeadraceError as error:
            log.warning("job %d is interrupted: %s", task.no, error)
            await anyio.sleep(_RETRY_SECONDS)
            await self._release(task.no, error=str(error))
        except Exception:
            log.exception("job %d failed", task.no)
            await self._fail(task, work, "an internal error; the log tells more")
            await work.afterwards()
        except BaseException:
            await self._leave(task.no)
            raise

    async def _ranges(self, task: JobTask, work: JobWork) -> None:
        database = self._context.database
        row = await database.fetch_one("jobs.cursor", job=task.no)
        cursor = None if row is None else msgspec.json.decode(row[0])
        size = FIRST_SIZE
        while True:
            await work.ahead(cursor, size)
            async with database.transaction() as tx:
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
        async with self._context.database.transaction() as tx:
            if await self._hold(tx, task.no) is not None:
                await work.abandon(tx)
                await end_job(tx, task.no, JobStatus.FAILED, self._now(), why)

    async def _leave(self, no: int) -> None:
        """Let go in the middle of being stopped. That is no attempt: the job goes on at the next open, however often."""
        with anyio.CancelScope(shield=True):
            await self._release(no, unused=1)

    async def _release(self, no: int, *, error: str | None = None, unused: int = 0) -> None:
        try:
            await self._context.database.execute(
                "jobs.let_go", no=no, owner=self._owner, error=error, unused=unused
            )
        except HeadraceError as error:
            log.warning("job %d keeps its lease until it ends: %s", no, error)

    def _now(self) -> int:
        return self._context.clock()


def _next_size(size: int, seconds: float) -> int:
    wanted = size * RANGE_SECONDS / max(seconds, 0.001)
    return int(max(MIN_SIZE, size / 4, min(wanted, size * 3 / 2, MAX_SIZE)))


def _is_gone(owner: str) -> bool:
    """Whether the process that an owner names is known to be no more; only a hint, the lease decides."""
    host, pid, _ = owner.rsplit(":", 2)
    if host != socket.gethostname() or os.name != "posix":
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False
