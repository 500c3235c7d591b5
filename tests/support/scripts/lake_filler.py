"""Add data to a lake until killed; prints a line for each. ``lake_filler.py LAKE``."""

from __future__ import annotations

import asyncio
import itertools
import sys
from pathlib import Path

from tests.support.lakes.lake import opened_lake


async def main(path: str) -> None:
    async with opened_lake(Path(path)) as lake:
        for number in itertools.count():
            data = await asyncio.gather(*[lake.add(f"{number}-{n}.png") for n in range(4)])
            for item in data:
                print(item.id, flush=True)


asyncio.run(main(sys.argv[1]))
