"""The latency of an event loop: how late it wakes a task that sleeps repeatedly."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bench.contenders.job import add_figures

INTERVAL_SECONDS = 0.002


@asynccontextmanager
async def measure_latency() -> AsyncIterator[None]:
    """Measure the latency inside the block in milliseconds: median, 99th percentile, maximum."""
    late: list[float] = []
    task = asyncio.create_task(record_delays(late))
    yield
    task.cancel()
    late.sort()
    add_figures(
        ping_p50_ms=late[len(late) // 2],
        ping_p99_ms=late[len(late) * 99 // 100],
        ping_max_ms=late[-1],
    )


async def record_delays(late: list[float]) -> None:
    """Record the delay of each wake-up in milliseconds."""
    while True:
        due = time.perf_counter() + INTERVAL_SECONDS
        await asyncio.sleep(INTERVAL_SECONDS)
        late.append(1000 * (time.perf_counter() - due))
