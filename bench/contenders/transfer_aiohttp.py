"""Plain aiohttp on uvloop: 64 requests at a time, written directly to the final file names."""

import asyncio
import json
import os
from pathlib import Path

import aiohttp
import uvloop

from bench.contenders.job import measured_job, run

CONCURRENCY = 64
WHOLE = 1 << 20


async def fetch(session: aiohttp.ClientSession, url: str, path: str, size: int) -> None:
    """Download one file: a small one at once, a large one in chunks."""
    async with session.get(url) as response:
        response.raise_for_status()
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
        try:
            if size <= WHOLE:
                os.write(file, await response.read())
                return
            while chunk := await response.content.readany():
                os.write(file, chunk)
        finally:
            os.close(file)


async def fetch_all(address: str, listed: list[tuple[str, int, str]], target: str) -> None:
    """Download all files."""
    with measured_job():
        waiting = iter(listed)

        async def worker() -> None:
            for name, size, _ in waiting:
                await fetch(session, f"{address}/{name}", f"{target}/{name}", size)

        connector = aiohttp.TCPConnector(limit=CONCURRENCY)
        async with (
            aiohttp.ClientSession(connector=connector, read_bufsize=1 << 20) as session,
            asyncio.TaskGroup() as group,
        ):
            for _ in range(CONCURRENCY):
                group.create_task(worker())


def work(address: str, manifest: str, target: str) -> dict[str, int]:
    """Run the job on uvloop, as headrace does."""
    listed = json.loads(Path(manifest).read_text())
    job = fetch_all(address, listed, target)
    asyncio.Runner(loop_factory=uvloop.new_event_loop).run(job)
    return {}


run(work)
