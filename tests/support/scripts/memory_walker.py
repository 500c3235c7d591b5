"""Walk over a large version in a process of its own: ``memory_walker.py LAKE WHAT`` prints what it cost, as JSON.

``growth`` is how far the resident memory went up above what it was when the version was opened and warm.
"""

from __future__ import annotations

import asyncio
import gc
import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import headrace
from headrace.sdk.version.dataset_version import DatasetVersion


def resident() -> int:
    """Bytes of memory that this process holds."""
    pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
    return int(pages) * 4096


def walk(version: DatasetVersion, what: str, limit: int | None) -> AsyncIterator[Any]:
    match what:
        case "assets":
            return version.iter_assets(limit=limit)
        case "split":
            return version.iter_split([0.8, 0.2], random_seed=1)
        case _:
            return version.iter_annotations()


async def main(lake: str, what: str) -> None:
    async with headrace.connect(lake) as client:
        version = await client.version("many/v1")
        async for _ in walk(version, "assets", 5000):
            pass
        gc.collect()
        before = peak = resident()
        number = -1
        if what == "list":
            listed = await version.list_assets()
            number = len(listed) - 1
            gc.collect()
            peak = resident()
            assert listed[number // 2].filename
        else:
            async for number, _ in counted(walk(version, what, None)):
                if number % 2000 == 0:
                    peak = max(peak, resident())
        print(json.dumps({"count": number + 1, "growth": peak - before}))


async def counted(items: AsyncIterator[Any]) -> AsyncIterator[tuple[int, Any]]:
    number = 0
    async for item in items:
        yield number, item
        number += 1


asyncio.run(main(sys.argv[1], sys.argv[2]))
