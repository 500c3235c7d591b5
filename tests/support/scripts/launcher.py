"""Launch a processing on a lake's version from a process of its own, and stay: ``launcher.py LAKE VERSION NAME``."""

from __future__ import annotations

import asyncio
import sys

import headrace


async def main(lake: str, version: str, name: str) -> None:
    async with headrace.connect(lake) as client:
        found = await client.version(version)
        job = await found.launch_processing(await client.get_processing(name))
        print(job.id, flush=True)
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
