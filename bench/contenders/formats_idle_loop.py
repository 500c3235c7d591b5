"""A limit: an event loop with nothing to do, on the same machine; what it waits, no program can help."""

import asyncio

from bench.contenders.job import run
from bench.contenders.pings import measure_latency

SECONDS = 3.0


async def idle() -> None:
    """Ping and no more."""
    async with measure_latency():
        await asyncio.sleep(SECONDS)


def work(operation: str, source: str, target: str) -> dict[str, int]:
    """Nothing is done."""
    del operation, source, target
    asyncio.run(idle())
    return {}


run(work)
