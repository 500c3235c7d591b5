"""headrace imports a COCO file into a lake's folder, or into a server."""

import asyncio

import anyio

import headrace
from bench.contenders.job import measured_job, run
from bench.contenders.pings import PING_SECONDS, measure_latency

# anyio imports its backend on first use; imports are not part of the job.
asyncio.run(anyio.sleep(0.001))


async def import_file(target: str, token: str | None, version: str, file: str) -> dict[str, int]:
    """Import a file as a user of the SDK does."""
    async with headrace.connect(target, api_token=token) as client:
        into = await client.version(version)
        with measured_job():
            async with measure_latency(PING_SECONDS):
                answer = await into.import_annotations_coco_file(file)
    return {"annotations": len(answer), "shapes": sum(answer.values())}


def work(target: str, version: str, file: str, token: str | None = None) -> dict[str, int]:
    """Import the file."""
    return asyncio.run(import_file(target, token, version, file))


run(work)
