"""Run small blocking functions of many tasks on threads, in batches: those that queue up during one batch are the next."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

from headrace.threads import start_in_thread, wait_done

T = TypeVar("T")

SLOW_SECONDS = 0.001
"""If a function takes longer than this, it waits for a disk, and batches run in parallel."""

PARALLEL = 4


class ThreadBatches(Generic[T]):
    """Runs functions in batches; each caller waits for its own result."""

    def __init__(self) -> None:
        self._waiting: deque[_Job[T]] = deque()
        self._running = 0
        self._slow = False

    async def run(self, work: Callable[[], T], jobs: int = 1) -> T:
        """Run a function and return its result. A cancellation waits until a function that has begun has ended.

        ``jobs`` is the number of files that it writes.
        """
        loop = asyncio.get_running_loop()
        job: _Job[T] = _Job(work, loop.create_future(), jobs)
        self._waiting.append(job)
        if self._running < (PARALLEL if self._slow else 1):
            self._start()
        try:
            return await job.outcome
        except asyncio.CancelledError:
            if job.thread is not None:
                await wait_done(job.thread)
            else:
                self._waiting.remove(job)
            raise

    def _start(self) -> None:
        jobs = list(self._waiting)
        self._waiting.clear()
        self._running += 1
        thread = start_in_thread(_work, jobs)
        for job in jobs:
            job.thread = thread
        thread.add_done_callback(lambda done: self._end(jobs, done.result()))

    def _end(self, jobs: list[_Job[T]], seconds: float) -> None:
        self._running -= 1
        self._slow = seconds > SLOW_SECONDS * sum(job.jobs for job in jobs)
        if self._waiting:
            self._start()
        for job in jobs:
            job.settle()


class _Job(Generic[T]):
    __slots__ = ("_error", "_result", "_work", "jobs", "outcome", "thread")

    def __init__(self, work: Callable[[], T], outcome: asyncio.Future[T], jobs: int) -> None:
        self.jobs = jobs
        self.outcome = outcome
        self.thread: asyncio.Future[float] | None = None
        self._work = work
        self._result: T
        self._error: Exception | None = None

    def do(self) -> None:
        """Run the function, on the thread."""
        try:
            self._result = self._work()
        except Exception as error:  # noqa: BLE001  raised where the job is awaited
            self._error = error

    def settle(self) -> None:
        """Pass the result on, on the event loop."""
        if self.outcome.done():
            return
        if self._error is not None:
            self.outcome.set_exception(self._error)
        else:
            self.outcome.set_result(self._result)


def _work(jobs: list[_Job[T]]) -> float:
    began = time.monotonic()
    for job in jobs:
        job.do()
    return time.monotonic() - began
