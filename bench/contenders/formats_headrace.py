"""headrace reads a dataset, or converts it and measures the latency of its event loop."""

import asyncio
from pathlib import Path
from typing import Any

import headrace
from bench.contenders.job import run
from bench.contenders.pings import measure_latency
from headrace import formats
from headrace.formats.options import Geometry
from headrace.model.shapes import AnyShape, Polygon, Rectangle


def read(source: str, geometry: Geometry, *, sums: bool) -> dict[str, int]:
    """Read all samples, batch by batch; with ``sums`` also make all shapes, and sum their coordinates."""
    images = shapes = 0
    total = 0.0
    with formats.read(source, "coco", geometry=geometry) as found:
        for batch in found.batches():
            images += len(batch)
            shapes += sum([len(sample.shapes) for sample in batch])
            if sums:
                for sample in batch:
                    total += sum([_sum_of(shape) for shape in sample.shapes])
    if sums and not total:
        raise ValueError("no coordinates were summed")
    return {"images": images, "shapes": shapes}


def _sum_of(shape: AnyShape) -> float:
    if isinstance(shape, Polygon):
        return sum(map(sum, shape.rings))
    return shape.x + shape.y + shape.w + shape.h if isinstance(shape, Rectangle) else 0


async def convert(source: str, target: str, to: str, **options: Any) -> dict[str, int]:
    """Convert, and measure the event loop meanwhile."""
    async with measure_latency():
        report = await headrace.convert(source, target, to=to, **options)
    return {"images": report.images_out, "shapes": report.shapes_out}


def work(
    operation: str,
    source: str,
    target: str,
    geometry: Geometry = "floats",
    sums: bool = False,
    workers: int = 1,
    task: str = "detect",
) -> dict[str, int]:
    """Run one operation. By default conversions write only boxes, as the peers do."""
    if operation == "read":
        return read(source, geometry, sums=sums)
    to = operation.partition("-")[2]
    options: dict[str, Any] = {"workers": workers}
    if to != "coco":
        options["task"] = task
    if Path(source).is_dir():
        options["from_"] = operation.partition("-")[0]
    return asyncio.run(convert(source, target, to, **options))


run(work)
