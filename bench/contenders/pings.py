"""The latency of an event loop: how late it wakes a task that sleeps repeatedly."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bench.contenders.job import add_figures

INTERVAL_SECONDS = 0.002
# Rare enough to cost nothing beside a job that is measured in CPU time.
PING_SECONDS = 0.02


@asynccontextmanager
async def measure_latency(interval: float = INTERVAL_SECONDS) -> AsyncIterator[None]:
    """Measure the latency inside the block in milliseconds: median, 99th percentile, maximum.

    A task is woken after each `interval`, in seconds.
    """
    late: list[float] = []
    task = asyncio.create_task(record_delays(late, interval))
    # Without a first turn the task would never start in a job that blocks the loop.
    await asyncio.sleep(0)
    yield
    task.cancel()
    await asyncio.wait([task])
    # A job that ends before the first interval has no latency to speak of.
    late = sorted(late) or [0.0]
    add_figures(
        ping_p50_ms=late[len(late) // 2],
        ping_p99_ms=late[len(late) * 99 // 100],
        ping_max_ms=late[-1],
    )


async def record_delays(late: list[float], interval: float) -> None:
    """Record the delay of each wake-up in milliseconds; the last one counts if it is overdue."""
    while True:
        due = time.perf_counter() + interval
        try:
            await asyncio.sleep(interval)
        finally:
            delay = 1000 * (time.perf_counter() - due)
            if delay >= 0:
                late.append(delay)
