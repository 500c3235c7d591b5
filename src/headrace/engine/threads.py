"""Run blocking code in worker threads, and stop it when the caller is cancelled."""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

import anyio
import anyio.lowlevel
from anyio import to_thread

T = TypeVar("T")


class StoppedError(Exception):
    """The work was asked to stop. Callers never see it: their own cancellation takes its place."""


class Stop:
    """A flag that asks work in a thread to stop; the work checks it from time to time."""

    def __init__(self) -> None:
        self._asked = threading.Event()

    def ask(self) -> None:
        """Ask the work to stop at its next check."""
        self._asked.set()

    def check(self) -> None:
        """Raise :class:`StoppedError` if the work was asked to stop."""
        if self._asked.is_set():
            raise StoppedError


async def run_stoppable(work: Callable[[Stop], T]) -> T:
    """Run ``work`` in a worker thread and return its result.

    When the caller is cancelled, ``work`` is asked to stop and waited for, so that it releases what it holds before
    the cancellation continues.
    """
    running = _StoppableRun(work)
    async with anyio.create_task_group() as group:
        group.start_soon(running.watch)
        # In a separate task: a cancellation of the caller's task must not leave the thread behind.
        group.start_soon(running.run, group.cancel_scope.cancel)
    return running.result()


async def in_own_task(work: Callable[[], Awaitable[T]]) -> T:
    """Run ``await work()`` in a separate task and return its result.

    asyncio's native cancellation (``Task.cancel``, ``wait_for``, ``timeout``) breaks through anyio's shields in the
    task that it hits, and would leave a thread behind. Here it hits the waiting task, and reaches ``work`` as an anyio
    cancellation, which shields hold off.
    """
    results: list[T] = []
    failures: list[Exception] = []

    async def run() -> None:
        try:
            results.append(await work())
        except Exception as error:  # noqa: BLE001  raised again outside of the task group
            failures.append(error)

    async with anyio.create_task_group() as group:
        group.start_soon(run)
    if failures:
        raise failures[0]
    return results[0]


class _StoppableRun(Generic[T]):
    """Work that runs in a thread, and its outcome."""

    def __init__(self, work: Callable[[Stop], T]) -> None:
        self._work = work
        self._stop = Stop()
        self._results: list[T] = []
        self._error: Exception | None = None

    async def watch(self) -> None:
        try:
            await anyio.sleep_forever()
        finally:
            self._stop.ask()

    async def run(self, ended: Callable[[], None]) -> None:
        try:
            # In anyio's pool: long work must not occupy the few threads that short calls share.
            self._results.append(await to_thread.run_sync(self._work, self._stop))
        except Exception as error:  # noqa: BLE001  raised again outside of the task group
            self._error = error
        ended()

    def result(self) -> T:
        if self._error is not None:
            raise self._error
        return self._results[0]
