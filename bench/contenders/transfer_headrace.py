"""headrace's transfer engine downloads the files of a manifest, with plan, pool, digest, rename and journal."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import uvloop

from bench.contenders.job import add_figures, measured_job, run
from headrace.backend.remote_file import RemoteFile
from headrace.client_name import PRODUCT
from headrace.net.storage_session import StorageSession
from headrace.transfer.download.run import run as transfer
from headrace.transfer.progress import Progress
from headrace.transfer.report import TransferReport
from headrace.transfer.source import Item

PAGE = 1000
TICK_SECONDS = 0.002


# anyio imports its backend on first use; imports are not part of the job.
asyncio.run(anyio.sleep(0.001))


async def renew() -> str:
    """Fail: no URL of this benchmark expires."""
    raise AssertionError


async def pages(
    listed: list[tuple[str, int, str]], address: str, session: StorageSession, *, digests: bool
) -> AsyncIterator[list[Item]]:
    """Yield the manifest in pages, like a listing."""
    for start in range(0, len(listed), PAGE):
        yield [
            Item(
                name=name,
                source=RemoteFile(session, f"{address}/{name}", renew=renew, what=name),
                size=size,
                sha256=sha256 if digests else None,
            )
            for name, size, sha256 in listed[start : start + PAGE]
        ]


async def fetch_all(
    address: str,
    listed: list[tuple[str, int, str]],
    target: str,
    *,
    fast_path: bool,
    digests: bool,
    stalls: bool,
) -> TransferReport:
    """Download all files; with ``stalls``, measure the latency of the event loop."""
    late: list[float] = []
    watching = asyncio.create_task(record_delays(late)) if stalls else None
    with measured_job():
        session = StorageSession(user_agent=PRODUCT, fast_path=fast_path)
        try:
            with Progress("pull", "files", None) as progress:
                report = await transfer(
                    pages(listed, address, session, digests=digests),
                    Path(target),
                    progress=progress,
                )
        finally:
            await session.aclose()
    if watching is not None:
        watching.cancel()
        late.sort()
        add_figures(stall_p99_ms=late[len(late) * 99 // 100] * 1000, stall_max_ms=late[-1] * 1000)
    return report


async def record_delays(late: list[float]) -> None:
    """Record the delay of each wake-up in seconds."""
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + TICK_SECONDS
        await asyncio.sleep(TICK_SECONDS)
        late.append(loop.time() - due)


def work(
    address: str,
    manifest: str,
    target: str,
    fast_path: bool = True,
    digests: bool = True,
    stalls: bool = False,
) -> dict[str, int]:
    """Run the job on uvloop, as the command line does."""
    listed = json.loads(Path(manifest).read_text())
    job = fetch_all(address, listed, target, fast_path=fast_path, digests=digests, stalls=stalls)
    report = asyncio.Runner(loop_factory=uvloop.new_event_loop).run(job)
    return {"files": report.moved, "bytes": report.bytes}


run(work)
