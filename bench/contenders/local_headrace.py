"""headrace moves the files of a version between a folder and the folder of a lake: push, pull."""

import asyncio
import os

import anyio
import uvloop

import headrace
from bench.contenders.job import measured_job, run
from bench.contenders.pings import PING_SECONDS, measure_latency

# anyio imports its backend on first use; imports are not part of the job.
asyncio.run(anyio.sleep(0.001))


async def do(operation: str, target: str, version: str, folder: str) -> dict[str, int]:
    """Push a folder into a new version, or pull a version into a new folder."""
    async with headrace.connect(target) as client:
        with measured_job():
            async with measure_latency(PING_SECONDS):
                if operation == "push":
                    await client.push(version, folder, type="object_detection")
                else:
                    await (await client.version(version)).download(folder)
    return {}


def work(
    operation: str, target: str, version: str, folder: str, work_folder: str
) -> dict[str, int]:
    """Run the job on uvloop, as the command line does."""
    os.environ["XDG_STATE_HOME"] = work_folder
    job = do(operation, target, version, folder)
    return asyncio.Runner(loop_factory=uvloop.new_event_loop).run(job)


run(work)
