"""headrace lists the assets that have a label: the first page, again and again."""

import asyncio
import os
from typing import Any

import uvloop

import headrace
from bench.contenders.job import add_figures, measured_job, run
from bench.process import cpu_seconds


async def first_page(version: Any, label: str) -> int:
    """Return the number of assets of the first page."""
    listed = version.list_assets(q=f'annotations.label.name = "{label}"')
    async for page in listed.pages():
        return len(page)
    return 0


async def do(
    target: str, version: str, token: str | None, label: str, times: int, server_pid: int
) -> dict[str, int]:
    """Ask for the page, and add the CPU time of a page: of the server, or of this process without one."""
    async with headrace.connect(target, api_token=token) as client:
        found = await client.version(version)
        await first_page(found, label)
        before = cpu_seconds(server_pid)
        with measured_job():
            sizes = [await first_page(found, label) for _ in range(times)]
        add_figures(page_cpu_ms=1000 * (cpu_seconds(server_pid) - before) / times)
    return {"assets": sizes[0]}


def work(
    target: str,
    version: str,
    label: str,
    times: int,
    token: str | None = None,
    server_pid: int | None = None,
) -> dict[str, int]:
    """Run the job on uvloop, as the command line does."""
    job = do(target, version, token, label, times, server_pid or os.getpid())
    return asyncio.Runner(loop_factory=uvloop.new_event_loop).run(job)


run(work)
