"""Small blocking jobs of many tasks, done on a thread by the batch: what gathers while one batch runs is the next one."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

from headrace.threads import wait_done

T = TypeVar("T")

SLOW_SECONDS = 0.001
"""From this much time a job on, batches run side by side: then it is the disk that takes the time, not this process."""

SIDE_BY_SIDE = 4


class ThreadBatches(Generic[T]):
    """Runs jobs; each waits for its own outcome."""

    def __init__(self) -> None:
        self._waiting: deque[_Job[T]] = deque()
        self._running = 0
        self._slow = False

    async def run(self, work: Callable[[], T], jobs: int = 1) -> T:
        """What ``work``, which is so many ``jobs``, returns or raises. A cancellation waits for its end once begun."""
        loop = asyncio.get_running_loop()
        job: _Job[T] = _Job(work, loop.create_future(), jobs)
        self._waiting.append(job)
        if self._running < (SIDE_BY_SIDE if self._slow else 1):
            self._start(loop)
        try:
            return await job.outcome
        except asyncio.CancelledError:
            if job.thread is not None:
                await wait_done(job.thread)
            else:
                self._waiting.remove(job)
            raise

    def _start(self, loop: asyncio.AbstractEventLoop) -> None:
        jobs = list(self._waiting)
        self._waiting.clear()
        self._running += 1
        thread = loop.run_in_executor(None, _work, jobs)
        for job in jobs:
            job.thread = thread
        thread.add_done_callback(lambda done: self._end(loop, jobs, done.result()))

    def _end(self, loop: asyncio.AbstractEventLoop, jobs: list[_Job[T]], seconds: float) -> None:
        self._running -= 1
        self._slow = seconds > SLOW_SECONDS * sum(job.jobs for job in jobs)
        if self._waiting:
            self._start(loop)
        for job in jobs:
            job.tell()


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
        """On the thread."""
        try:
            self._result = self._work()
        except Exception as error:  # noqa: BLE001  it is raised where the job is waited for
            self._error = error

    def tell(self) -> None:
        """On the loop."""
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
