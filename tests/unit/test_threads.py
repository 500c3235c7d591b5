"""Blocking functions on threads: which thread takes the next one, and what becomes of results and errors."""

from __future__ import annotations

import threading

import anyio
import pytest

from headrace.threads import MOST, in_thread
from tests.support.processes.waiting import until


async def test_functions_that_follow_each_other_run_on_one_thread() -> None:
    """What the first has freed serves the next; the threads of an event loop would take turns."""
    everyone = threading.Barrier(3)
    async with anyio.create_task_group() as group:
        for _ in range(3):
            group.start_soon(in_thread, everyone.wait)
    threads = {await in_thread(threading.get_ident) for _ in range(100)}
    assert len(threads) == 1
    assert threading.get_ident() not in threads


async def test_functions_wait_where_all_threads_are_busy() -> None:
    started, go_on = threading.Semaphore(0), threading.Event()
    done: list[int] = []

    def work(number: int) -> None:
        started.release()
        go_on.wait()
        done.append(number)

    async with anyio.create_task_group() as group:
        for number in range(3 * MOST):
            group.start_soon(in_thread, work, number)
        for _ in range(MOST):
            await until(lambda: started.acquire(blocking=False))
        await anyio.sleep(0.05)
        assert not started.acquire(blocking=False)
        go_on.set()
    assert sorted(done) == list(range(3 * MOST))


async def test_an_error_is_raised_where_the_function_is_awaited() -> None:
    with pytest.raises(ZeroDivisionError):
        await in_thread(lambda: 1 // 0)
    assert await in_thread(lambda: 1) == 1


async def test_a_function_that_raises_stop_iteration_does_not_hang() -> None:
    with pytest.raises(RuntimeError, match="StopIteration") as caught:
        await in_thread(next, iter(()))
    assert isinstance(caught.value.__cause__, StopIteration)
