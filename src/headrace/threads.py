"""Run blocking functions on threads, with waits that outlast a cancellation."""

from __future__ import annotations

import asyncio
import os
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor, Future
from functools import partial
from queue import SimpleQueue
from typing import Any, NamedTuple, ParamSpec, TypeVar

import anyio

P = ParamSpec("P")
T = TypeVar("T")

MOST = min(32, (os.cpu_count() or 1) + 4)
"""Threads at most, as many as those of an event loop."""


class _Job(NamedTuple):
    future: Future[Any]
    function: Callable[[], Any]


class RecentThreads(Executor):
    """Threads for blocking functions; the one that became free last runs the next function.

    The C library keeps what a thread has freed for that thread, and the processor what it has just used in its caches.
    A job that runs one function after another therefore holds the memory of one thread. On the threads of an event
    loop, which take turns, it would hold that of each: an export of 860,000 polygons held 177 MiB in place of 107.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._count = 0
        self._idle: list[SimpleQueue[_Job]] = []
        self._waiting: deque[_Job] = deque()

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Run a function on a thread, as soon as one is free."""
        job = _Job(Future(), partial(fn, *args, **kwargs))
        with self._lock:
            if self._idle:
                self._idle.pop().put(job)
            elif self._count < self._most:
                self._start(job)
            else:
                self._waiting.append(job)
        return job.future

    def _start(self, job: _Job) -> None:
        inbox: SimpleQueue[_Job] = SimpleQueue()
        inbox.put(job)
        name = f"headrace-{self._count}"
        threading.Thread(target=self._serve, args=(inbox,), name=name, daemon=True).start()
        self._count += 1

    def _serve(self, inbox: SimpleQueue[_Job]) -> None:
        while True:
            job: _Job | None = inbox.get()
            while job is not None:
                job = self._run(job, inbox)

    def _run(self, job: _Job, inbox: SimpleQueue[_Job]) -> _Job | None:
        """Run a job; return the next one if it waits already."""
        wanted = job.future.set_running_or_notify_cancel()
        result, error = _outcome(job.function) if wanted else (None, None)
        with self._lock:
            following = self._waiting.popleft() if self._waiting else None
            if following is None:
                # Before the outcome is known: who waits for it may have the next job at once.
                self._idle.append(inbox)
        if error is not None:
            job.future.set_exception(error)
        elif wanted:
            job.future.set_result(result)
        return following


def _outcome(function: Callable[[], T]) -> tuple[T | None, BaseException | None]:
    try:
        return function(), None
    except StopIteration as error:
        # A future of asyncio cannot carry it, and who waits for it would wait for ever.
        stopped = RuntimeError("a function on a thread raised StopIteration")
        stopped.__cause__ = error
        return None, stopped
    except BaseException as error:  # noqa: BLE001  raised where the result is awaited
        return None, error


_threads = RecentThreads(MOST)


def _renew() -> None:
    """Forget the threads: a forked process has none of them."""
    global _threads  # noqa: PLW0603  one for the process
    _threads = RecentThreads(MOST)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew)


async def in_thread(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a blocking function on a thread and return its result.

    The function is never left running: a cancellation waits until it has ended. Cancelling an anyio scope is noticed
    at the caller's next ``await`` and does not discard the result; ``Task.cancel`` raises ``CancelledError`` here.
    """
    return await wait_done(start_in_thread(function, *args, **kwargs))


def start_in_thread(
    function: Callable[P, T], *args: P.args, **kwargs: P.kwargs
) -> asyncio.Future[T]:
    """Begin to run a blocking function on a thread; the future, which must be awaited, has its result."""
    loop = asyncio.get_running_loop()
    return loop.run_in_executor(_threads, lambda: function(*args, **kwargs))


async def in_thread_if(
    large: bool, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs
) -> T:
    """Run a function on a thread if its work is ``large``, else here.

    To hand work of less than a millisecond to a thread takes about as long as the work, and makes a busy server slower.
    """
    if large:
        return await in_thread(function, *args, **kwargs)
    return function(*args, **kwargs)


async def wait_done(future: asyncio.Future[T]) -> T:
    """Wait until a future is done, even if the waiting task is cancelled; raise the cancellation afterwards."""
    cancelled: asyncio.CancelledError | None = None
    with anyio.CancelScope(shield=True):
        while not future.done():
            try:
                await asyncio.wait([future])
            except asyncio.CancelledError as error:
                cancelled = error
    if cancelled is not None:
        future.exception()
        raise cancelled
    return future.result()
