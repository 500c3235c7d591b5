"""headrace's transfer engine with very many synthetic files, to measure the engine alone."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Self

import uvloop

from bench.contenders.job import measured_job, run
from headrace.transfer.download.run import run as transfer
from headrace.transfer.progress import Progress
from headrace.transfer.report import TransferReport
from headrace.transfer.source import Item, Stream

PAGE = 1000


class SyntheticFile:
    """A file of zeros that arrives immediately."""

    start = 0
    validator: str | None = None
    digests: Mapping[str, str] = {}
    local_path: Path | None = None
    write_to = None

    def __init__(self, size: int) -> None:
        self.length: int | None = size
        self.total: int | None = size
        self.whole: memoryview | None = memoryview(bytes(size))

    @asynccontextmanager
    async def open(self, offset: int = 0, validator: str | None = None) -> AsyncIterator[Stream]:
        """Open the file."""
        yield self

    async def wait_for_retry(self) -> None:
        """Return immediately."""

    async def chunks(self) -> AsyncIterator[bytes | memoryview]:
        """Yield the bytes."""
        yield bytes(self.length or 0)

    def __enter__(self) -> Self:
        return self


async def pages(files: int, size: int) -> AsyncIterator[list[Item]]:
    """Yield a listing in pages; each item takes as much memory as a real one."""
    for start in range(0, files, PAGE):
        yield [
            Item(name=f"{number:07}.bin", source=SyntheticFile(size), size=size, id=f"{number:036}")
            for number in range(start, min(files, start + PAGE))
        ]


async def transfer_all(target: str, files: int, size: int) -> TransferReport:
    """Transfer all files."""
    with measured_job(), Progress("pull", "files", None) as progress:
        return await transfer(pages(files, size), Path(target), progress=progress)


def work(target: str, files: int, size: int) -> dict[str, int]:
    """Run the job on uvloop, as the command line does."""
    report = asyncio.Runner(loop_factory=uvloop.new_event_loop).run(
        transfer_all(target, files, size)
    )
    return {"files": report.moved + report.skipped, "failed": report.failed}


if __name__ == "__main__":
    run(work)
