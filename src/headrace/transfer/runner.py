"""Many files: each batch is compared with what is there, then what is missing moves through a bounded pool.

The next batch is prepared (its page listed, its files compared) while the files of this one are under way.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterable
from pathlib import Path

import anyio
from anyio import to_thread
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

from headrace.errors import (
    ChecksumError,
    ConfigurationError,
    DiskFullError,
    HeadraceError,
    TransferError,
)
from headrace.transfer.fetch import fetch, is_complete
from headrace.transfer.progress import Progress
from headrace.transfer.report import TransferReport
from headrace.transfer.source import Item

DEFAULT_WORKERS = min(16, (os.cpu_count() or 1) + 4)
AHEAD = 64
ATTEMPTS = 2
"""Times that a file is fetched whose bytes arrive wrong; connections are retried below."""


async def run(
    batches: AsyncIterable[list[Item]],
    folder: Path,
    *,
    force_replace: bool = False,
    max_workers: int | None = None,
    progress: Progress,
) -> TransferReport:
    """Bring all items into ``folder``; the report counts what was moved, what was there and what failed.

    A full disk ends everything at once with an error; a file that fails does not keep the others from moving.
    """
    workers = DEFAULT_WORKERS if max_workers is None else max_workers
    if workers < 1:
        raise ConfigurationError(f"max_workers is {workers}", hint="give at least 1")
    report = TransferReport()
    send, receive = anyio.create_memory_object_stream[Item](AHEAD)
    async with anyio.create_task_group() as group:
        group.start_soon(_feed, batches, folder, force_replace, send, report, progress)
        for _ in range(workers):
            group.start_soon(_work, receive.clone(), folder, report, progress)
        receive.close()
    report.seconds = progress.seconds
    return report


async def _feed(
    batches: AsyncIterable[list[Item]],
    folder: Path,
    force_replace: bool,
    send: MemoryObjectSendStream[Item],
    report: TransferReport,
    progress: Progress,
) -> None:
    async with send:
        await to_thread.run_sync(_make_folder, folder)
        async for batch in batches:
            if not force_replace:
                missing = await to_thread.run_sync(_missing, batch, folder)
                report.skipped += len(batch) - len(missing)
                progress.add(len(batch) - len(missing))
                batch = missing
            for item in batch:
                await send.send(item)


async def _work(
    receive: MemoryObjectReceiveStream[Item],
    folder: Path,
    report: TransferReport,
    progress: Progress,
) -> None:
    async with receive:
        async for item in receive:
            try:
                size = await _fetch_again(item, folder / item.name)
            except DiskFullError:
                raise
            except (HeadraceError, OSError) as error:
                report.fail(item.name, error)
                progress.add()
            else:
                report.moved += 1
                report.bytes += size
                progress.add(bytes=size)


async def _fetch_again(item: Item, target: Path) -> int:
    for _ in range(ATTEMPTS - 1):
        try:
            return await fetch(item, target)
        except ChecksumError:
            continue
    return await fetch(item, target)


def _missing(batch: list[Item], folder: Path) -> list[Item]:
    return [item for item in batch if not is_complete(folder / item.name, item)]


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise TransferError(f"cannot make the folder {folder}: {error.strerror}") from error
