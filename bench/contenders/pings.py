"""How long an event loop keeps a task waiting that asks to be woken now and then."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bench.contenders.job import add_figures

EVERY = 0.002


@asynccontextmanager
async def measure_latency() -> AsyncIterator[None]:
    """Measure within the block: milliseconds too late, half of the times, 99 of 100, the worst."""
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
    """Note by how many milliseconds too late each wake-up comes."""
    while True:
        due = time.perf_counter() + EVERY
        await asyncio.sleep(EVERY)
        late.append(1000 * (time.perf_counter() - due))
