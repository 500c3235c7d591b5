"""headrace imports a COCO file into a lake's folder, or into a server."""

import asyncio

import anyio

import headrace
from bench.contenders.job import measured_job, run
from bench.contenders.pings import PING_SECONDS, measure_latency

# anyio imports its backend on first use; imports are not part of the job.
asyncio.run(anyio.sleep(0.001))


async def import_file(
    target: str, token: str | None, version: str, file: str, ids: bool
) -> dict[str, int]:
    """Import a file as a user of the SDK does; with ``ids``, by the method that returns the ids of all annotations."""
    async with headrace.connect(target, api_token=token) as client:
        into = await client.version(version)
        with measured_job():
            async with measure_latency(PING_SECONDS):
                if not ids:
                    report = await into.import_annotations(file)
                    return {"annotations": report.annotations, "shapes": report.shapes_imported}
                answer = await into.import_annotations_coco_file(file)
    return {"annotations": len(answer), "shapes": sum(answer.values())}


def work(
    target: str, version: str, file: str, ids: bool = True, token: str | None = None
) -> dict[str, int]:
    """Import the file."""
    return asyncio.run(import_file(target, token, version, file, ids))


run(work)
