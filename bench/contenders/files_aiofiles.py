"""Write small files with aiofiles, 32 at a time."""

import asyncio
import os

import aiofiles

from bench.contenders.job import run

CONCURRENCY = 32


async def write_all(folder: str, files: int, content: bytes) -> None:
    """Write all files concurrently."""
    free = asyncio.Semaphore(CONCURRENCY)

    async def write(number: int) -> None:
        async with free, aiofiles.open(f"{folder}/{number}", "xb") as file:
            await file.write(content)

    async with asyncio.TaskGroup() as group:
        for number in range(files):
            group.create_task(write(number))


def work(folder: str, files: int, size: int) -> dict[str, int]:
    """Run the job."""
    asyncio.run(write_all(folder, files, bytes(size)))
    return {"files": len(os.listdir(folder))}


run(work)
