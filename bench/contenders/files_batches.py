"""Write small files in a thread, 32 per call."""

import asyncio
import os
from collections.abc import Iterable

from bench.contenders.job import run

BATCH = 32


def write(folder: str, numbers: Iterable[int], content: bytes) -> None:
    """Write some files; blocks."""
    for number in numbers:
        descriptor = os.open(f"{folder}/{number}", os.O_WRONLY | os.O_CREAT | os.O_EXCL)
        try:
            os.write(descriptor, content)
        finally:
            os.close(descriptor)


async def write_all(folder: str, files: int, content: bytes) -> None:
    """Write all files, batch by batch."""
    for start in range(0, files, BATCH):
        numbers = range(start, min(files, start + BATCH))
        await asyncio.to_thread(write, folder, numbers, content)


def work(folder: str, files: int, size: int) -> dict[str, int]:
    """Run the job."""
    asyncio.run(write_all(folder, files, bytes(size)))
    return {"files": len(os.listdir(folder))}


run(work)
