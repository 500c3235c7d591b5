"""headrace downloads a version from a headrace server, with listing, plan, pool, digest, rename and journal."""

import asyncio

import anyio
import uvloop

import headrace
from bench.contenders.job import measured_job, run

# anyio imports its backend on first use; imports are not part of the job.
asyncio.run(anyio.sleep(0.001))


async def download(address: str, token: str, version: str, target: str) -> dict[str, int]:
    """Download a version as a user of the SDK does."""
    async with headrace.connect(address, api_token=token) as client:
        found = await client.version(version)
        with measured_job():
            report = await found.download(target)
    return {"files": report.moved, "bytes": report.bytes}


def work(address: str, token: str, version: str, target: str) -> dict[str, int]:
    """Run the job on uvloop, as the command line does."""
    job = download(address, token, version, target)
    return asyncio.Runner(loop_factory=uvloop.new_event_loop).run(job)


run(work)
