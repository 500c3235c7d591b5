"""headrace changes a whole version: forks it, splits it, deletes its annotations."""

import asyncio
from collections import Counter
from typing import Any

import anyio
import uvloop

import headrace
from bench.contenders.job import measured_job, run
from bench.contenders.pings import PING_SECONDS, measure_latency

# anyio imports its backend on first use; imports are not part of the job.
asyncio.run(anyio.sleep(0.001))


async def fork(version: Any) -> dict[str, int]:
    """Fork with labels and annotations."""
    made, _ = await version.fork("fork", type=version.type, with_annotations=True)
    stats = await made.retrieve_stats()
    return {"shapes": stats.nb_objects, "annotations": stats.nb_annotations}


async def split(version: Any) -> dict[str, int]:
    """Assign each annotated asset to one of three parts."""
    parts = Counter([part async for part, _ in version.iter_split([0.64, 0.16, 0.2], 1)])
    return {f"part {part}": count for part, count in parts.items()}


async def delete(version: Any, undo: bool = False) -> dict[str, int]:
    """Delete all annotations."""
    await version.delete_all_annotations(undo=undo)
    return {"shapes": (await version.retrieve_stats()).nb_objects}


async def delete_undo(version: Any) -> dict[str, int]:
    """Delete all annotations, and record them so that they can be put back."""
    return await delete(version, undo=True)


JOBS = {"fork": fork, "split": split, "delete": delete, "delete-undo": delete_undo}


async def do(operation: str, target: str, version: str, token: str | None) -> dict[str, int]:
    """Do one job as a user of the SDK does, and measure the event loop meanwhile."""
    async with headrace.connect(target, api_token=token) as client:
        found = await client.version(version)
        with measured_job():
            async with measure_latency(PING_SECONDS):
                return await JOBS[operation](found)


def work(operation: str, target: str, version: str, token: str | None = None) -> dict[str, int]:
    """Run the job on uvloop, as the command line does."""
    job = do(operation, target, version, token)
    return asyncio.Runner(loop_factory=uvloop.new_event_loop).run(job)


run(work)
