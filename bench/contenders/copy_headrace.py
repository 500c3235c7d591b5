"""headrace copies a version from each place to the next."""

import asyncio
import os
from contextlib import AsyncExitStack
from itertools import pairwise

import anyio
import uvloop

import headrace
from bench.contenders.job import measured_job, run

# anyio imports its backend on first use; imports are not part of the job.
asyncio.run(anyio.sleep(0.001))


async def copy(places: list[list[str]], version: str) -> dict[str, int]:
    """Copy a version as a user of the SDK does."""
    async with AsyncExitStack() as opened:
        clients = [
            await opened.enter_async_context(headrace.connect(target, api_token=token))
            for target, token in places
        ]
        with measured_job():
            for source, target in pairwise(clients):
                report = await headrace.copy_version(source, version, target)
                assert report.source_digest == report.target_digest
    return {"assets": report.copied, "annotations": report.annotations}


def work(places: list[list[str]], version: str, work_folder: str) -> dict[str, int]:
    """Run the job on uvloop, as the command line does."""
    os.environ["XDG_STATE_HOME"] = work_folder
    return asyncio.Runner(loop_factory=uvloop.new_event_loop).run(copy(places, version))


run(work)
