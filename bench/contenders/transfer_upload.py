"""headrace uploads files to a lake's folder, or to a server."""

import asyncio

import anyio
import uvloop

import headrace
from bench.contenders.job import measured_job, run

# anyio imports its backend on first use; imports are not part of the job.
asyncio.run(anyio.sleep(0.001))


async def upload(target: str, token: str | None, paths: list[str]) -> dict[str, int]:
    """Upload files as a user of the SDK does."""
    async with headrace.connect(target, api_token=token) as client:
        lake = await client.get_datalake()
        with measured_job():
            sent = await lake.upload_data(paths)
    return {"files": len(sent)}


def work(target: str, paths: str, token: str | None = None) -> dict[str, int]:
    """Run the job on uvloop, as the command line does."""
    with open(paths) as file:
        listed = file.read().splitlines()
    return asyncio.Runner(loop_factory=uvloop.new_event_loop).run(upload(target, token, listed))


run(work)
