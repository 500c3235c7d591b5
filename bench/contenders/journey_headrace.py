"""headrace takes a dataset in and out again: push, import, stats, export, pull."""

import asyncio
import itertools
import os
from pathlib import Path

import anyio
import uvloop

import headrace
from bench.contenders.job import add_figures, cpu_seconds, measured_job, run
from bench.contenders.pings import PING_SECONDS, measure_latency

# anyio imports its backend on first use; imports are not part of the job.
asyncio.run(anyio.sleep(0.001))


async def do(
    target: str, version: str, token: str | None, images: str, file: str, output: str
) -> dict[str, int]:
    """Make the journey as a user of the SDK does, and measure the event loop meanwhile."""
    folder = Path(output)
    steps: list[tuple[str, float]] = []

    def step(name: str) -> None:
        steps.append((name, cpu_seconds()))

    async with headrace.connect(target, api_token=token) as client:
        with measured_job():
            async with measure_latency(PING_SECONDS):
                step("")
                await client.push(version, images, type="segmentation")
                step("push")
                made = await client.version(version)
                await made.import_annotations_coco_file(file)
                step("import")
                stats = await made.retrieve_stats()
                step("stats")
                report = await made.export(folder / "out.json", "coco")
                step("export")
                pulled = await made.download(folder / "images")
                step("pull")
    for (_, before), (name, after) in itertools.pairwise(steps):
        add_figures(**{f"{name}_cpu_s": after - before})
    return {"shapes": stats.nb_objects, "exported": report.shapes, "files": pulled.moved}


def work(
    target: str, version: str, images: str, file: str, output: str, token: str | None = None
) -> dict[str, int]:
    """Run the job on uvloop, as the command line does."""
    os.environ["XDG_STATE_HOME"] = output
    job = do(target, version, token, images, file, output)
    return asyncio.Runner(loop_factory=uvloop.new_event_loop).run(job)


run(work)
