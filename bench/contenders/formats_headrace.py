"""headrace reads a dataset, or converts it, and tells how long its event loop had to wait."""

import asyncio
import time
from pathlib import Path
from typing import Any

import headrace
from bench.contenders.job import measured, run
from headrace import formats


def read(source: str, geometry: str) -> dict[str, int]:
    """All samples, one batch after another."""
    images = shapes = 0
    with formats.read(source, "coco", geometry=geometry) as found:
        for batch in found.batches():
            images += len(batch)
            shapes += sum([len(sample.shapes) for sample in batch])
    return {"images": images, "shapes": shapes}


async def convert(source: str, target: str, to: str, **options: Any) -> dict[str, int]:
    """One conversion, with a task beside it that asks again and again to be woken."""
    late: list[float] = []
    pinging = asyncio.create_task(ping(late))
    report = await headrace.convert(source, target, to=to, **options)
    pinging.cancel()
    late.sort()
    measured(
        ping_p50_ms=late[len(late) // 2],
        ping_p99_ms=late[len(late) * 99 // 100],
        ping_max_ms=late[-1],
    )
    return {"images": report.images_out, "shapes": report.shapes_out}


async def ping(late: list[float], every: float = 0.002) -> None:
    """Note by how many milliseconds too late each wake-up comes."""
    while True:
        due = time.perf_counter() + every
        await asyncio.sleep(every)
        late.append(1000 * (time.perf_counter() - due))


def work(
    operation: str, source: str, target: str, geometry: str = "floats", workers: int | None = None
) -> dict[str, int]:
    """Do what the scenario names."""
    if operation == "read":
        return read(source, geometry)
    to = operation.partition("-")[2]
    options: dict[str, Any] = {} if workers is None else {"workers": workers}
    if to != "coco":
        # Boxes: the peers write nothing else.
        options["task"] = "detect"
    if Path(source).is_dir():
        options["from_"] = operation.partition("-")[0]
    return asyncio.run(convert(source, target, to, **options))


run(work)
