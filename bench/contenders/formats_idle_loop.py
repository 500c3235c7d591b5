"""A limit: the latency of an idle event loop on the same machine."""

import asyncio

from bench.contenders.job import run
from bench.contenders.pings import measure_latency

SECONDS = 3.0


async def idle() -> None:
    """Measure an idle loop."""
    async with measure_latency():
        await asyncio.sleep(SECONDS)


def work(operation: str, source: str, target: str) -> dict[str, int]:
    """Run the measurement."""
    del operation, source, target
    asyncio.run(idle())
    return {}


run(work)
