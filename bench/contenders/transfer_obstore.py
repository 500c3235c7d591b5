"""obstore's HTTP store (Rust): 64 requests at a time, written directly to the final file names."""

import asyncio
import json
import os
from datetime import timedelta
from pathlib import Path

import obstore
from obstore.store import HTTPStore

from bench.contenders.job import measured_job, run

CONCURRENCY = 64
WHOLE = 1 << 20


async def fetch(store: HTTPStore, name: str, path: str, size: int) -> None:
    """Download one file: a small one at once, a large one in chunks."""
    response = await obstore.get_async(store, name)
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
    try:
        if size <= WHOLE:
            os.write(file, await response.bytes_async())
            return
        async for chunk in response.stream(min_chunk_size=WHOLE):
            os.write(file, chunk)
    finally:
        os.close(file)


async def fetch_all(address: str, listed: list[tuple[str, int, str]], target: str) -> None:
    """Download all files."""
    with measured_job():
        store = HTTPStore.from_url(
            address, client_options={"allow_http": True, "timeout": timedelta(seconds=600)}
        )
        waiting = iter(listed)

        async def worker() -> None:
            for name, size, _ in waiting:
                await fetch(store, name, f"{target}/{name}", size)

        async with asyncio.TaskGroup() as group:
            for _ in range(CONCURRENCY):
                group.create_task(worker())


def work(address: str, manifest: str, target: str) -> dict[str, int]:
    """Run the job; obstore's Rust runtime transfers the bytes."""
    listed = json.loads(Path(manifest).read_text())
    asyncio.run(fetch_all(address, listed, target))
    return {}


run(work)
