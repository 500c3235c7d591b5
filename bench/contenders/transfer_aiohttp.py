"""Plain aiohttp on uvloop, 64 requests at a time, straight into the final file names."""

import asyncio
import json
import os
from pathlib import Path

import aiohttp
import uvloop

from bench.contenders.job import measured_job, run

AT_ONCE = 64
WHOLE = 1 << 20


async def fetch(session: aiohttp.ClientSession, url: str, path: str, size: int) -> None:
    """One file: small ones whole, large ones as they come."""
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
    """The whole job."""
    with measured_job():
        waiting = iter(listed)

        async def worker() -> None:
            for name, size, _ in waiting:
                await fetch(session, f"{address}/{name}", f"{target}/{name}", size)

        connector = aiohttp.TCPConnector(limit=AT_ONCE)
        async with (
            aiohttp.ClientSession(connector=connector, read_bufsize=1 << 20) as session,
            asyncio.TaskGroup() as group,
        ):
            for _ in range(AT_ONCE):
                group.create_task(worker())


def work(address: str, manifest: str, target: str) -> dict[str, int]:
    """On uvloop, as ours."""
    listed = json.loads(Path(manifest).read_text())
    job = fetch_all(address, listed, target)
    asyncio.Runner(loop_factory=uvloop.new_event_loop).run(job)
    return {}


run(work)
