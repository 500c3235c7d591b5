"""headrace reads a version from a lake's folder or from a server: loads, iterates, builds, exports."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import anyio
import uvloop

import headrace
from bench.contenders.job import measured_job, run
from bench.contenders.pings import PING_SECONDS, measure_latency
from bench.contenders.sums import counts, sum_loaded

# anyio imports its backend on first use; imports are not part of the job.
asyncio.run(anyio.sleep(0.001))


async def load(version: Any) -> Any:
    """Load all annotations as plain values."""
    return await version.load_annotations()


def sum_all(loaded: Any) -> dict[str, int]:
    """Read every label and sum every coordinate."""
    return sum_loaded(each for found in loaded.values() for each in found)


async def iterate(version: Any) -> dict[str, int]:
    """Iterate over all annotations, and touch no shape."""
    found = shapes = 0
    async for each in version.iter_annotations():
        number = len(each.rectangles) + len(each.polygons)
        found += number > 0
        shapes += number
    return {"annotations": found, "shapes": shapes}


async def iterate_and_sum(version: Any) -> dict[str, int]:
    """Iterate over all annotations, read every label and sum every coordinate."""
    found = shapes = letters = 0
    total = 0.0
    async for each in version.iter_annotations():
        found += bool(each.rectangles or each.polygons)
        for box in each.rectangles:
            shapes += 1
            letters += len(box.label)
            total += box.x + box.y + box.w + box.h
        for polygon in each.polygons:
            shapes += 1
            letters += len(polygon.label)
            for x, y in polygon.polygon:
                total += x + y
    return counts(found, shapes, letters, total)


async def build(version: Any) -> Any:
    """Build a COCO file in memory."""
    return await version.build_coco_file_locally()


def count_built(made: Any) -> dict[str, int]:
    """Count the images and annotations of a COCO file in memory."""
    return {"images": len(made.images), "shapes": len(made.annotations)}


async def export(version: Any, output: str, to: str) -> dict[str, int]:
    """Export the annotations to a file or folder."""
    report = await version.export(output, to)
    return {"images": report.images, "shapes": report.shapes}


async def list_all(version: Any) -> dict[str, int]:
    """List all assets, with their file names and URLs."""
    assets = letters = 0
    async for each in version.iter_assets():
        assets += 1
        letters += len(each.filename)
    return {"assets": assets, "letters": letters}


JOBS: dict[str, Callable[..., Awaitable[Any]]] = {
    "load": load,
    "iter": iterate,
    "iter-sum": iterate_and_sum,
    "build": build,
    "list": list_all,
    "export-coco": partial(export, to="coco"),
    "export-yolo": partial(export, to="yolo"),
    "export-voc": partial(export, to="voc"),
}
# What a user does with the answer, in one piece, while no event loop is needed.
USES: dict[str, Callable[[Any], dict[str, int]]] = {"load": sum_all, "build": count_built}


async def do(
    operation: str, target: str, version: str, token: str | None, **more: Any
) -> dict[str, int]:
    """Do one job as a user of the SDK does, and measure the event loop meanwhile."""
    async with headrace.connect(target, api_token=token) as client:
        found = await client.version(version)
        with measured_job():
            async with measure_latency(PING_SECONDS):
                answer = await JOBS[operation](found, **more)
            return USES.get(operation, dict[str, int])(answer)


def work(
    operation: str, target: str, version: str, token: str | None = None, **more: Any
) -> dict[str, int]:
    """Run the job on uvloop, as the command line does."""
    job = do(operation, target, version, token, **more)
    return asyncio.Runner(loop_factory=uvloop.new_event_loop).run(job)


run(work)
