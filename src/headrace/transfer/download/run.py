"""Many files: each batch is compared with what is there, then what is missing moves through a bounded pool.

The next batch is prepared (its page listed, its files compared) while the files of this one are under way. How many of
them a host really gets at a time is its own affair (``headrace.net.congestion``); the pool is the upper bound.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterable
from contextlib import suppress
from pathlib import Path

import anyio

from headrace.errors import (
    AuthenticationError,
    ChecksumError,
    ConfigurationError,
    DiskFullError,
    HeadraceError,
    TransferError,
)
from headrace.net.retry import RetryPolicy
from headrace.threads import in_thread
from headrace.transfer.download.batch import TOGETHER, SmallFileBatch
from headrace.transfer.download.fetch import Files, fetch
from headrace.transfer.download.thread_batches import ThreadBatches
from headrace.transfer.progress import Progress
from headrace.transfer.queue import Queue
from headrace.transfer.report import TransferReport
from headrace.transfer.source import Item
from headrace.transfer.state.workspace import Workspace

DEFAULT_WORKERS = 32

AHEAD = 16
"""Files that wait for each worker, at the least."""

FEW = 4
"""Small files that one worker takes even where there are not enough of them for all."""

PER_WORKER = 4
"""A connection for small files, one for others, the part, and a file that is read or synced."""

SPARED = 16
"""What the rest of the process may open meanwhile."""

_UNSYNCED = "after a power cut, fetch them again with force"


async def run(
    batches: AsyncIterable[list[Item]],
    folder: Path,
    *,
    force_replace: bool = False,
    durable: bool = False,
    max_workers: int | None = None,
    policy: RetryPolicy | None = None,
    progress: Progress,
) -> TransferReport:
    """Bring all items into ``folder``; the report counts what was moved, what was there and what failed.

    A file that fails does not keep the others from moving; a full disk and a token that is no longer good end
    everything at once. With ``durable`` each file is on the disk before it is seen; without, before the journal in
    ``folder/.headrace`` calls it done.
    """
    workers = DEFAULT_WORKERS if max_workers is None else max_workers
    if workers < 1:
        raise ConfigurationError(f"max_workers is {workers}", hint="give at least 1")
    report = TransferReport()
    workers = _within_fd_limit(workers, report)
    workspace = Workspace(folder, durable=durable)
    pool = _Pool(workspace, report, progress, policy, workers)
    try:
        await in_thread(_open, workspace, folder)
        async with anyio.create_task_group() as group:
            group.start_soon(pool.feed, batches, force_replace)
            for _ in range(workers):
                group.start_soon(pool.work)
    except BaseException:
        # What ended the run is told; that its journal could not be closed well is seen by the next one.
        with anyio.CancelScope(shield=True), suppress(HeadraceError):
            await in_thread(workspace.close)
        raise
    with anyio.CancelScope(shield=True):
        await in_thread(workspace.close)
    if not workspace.journal.synced:
        report.notes.append(f"the file system of {folder} cannot sync: {_UNSYNCED}")
    report.seconds = progress.seconds
    return report


class _Pool:
    """What the tasks of one run share."""

    def __init__(
        self,
        workspace: Workspace,
        report: TransferReport,
        progress: Progress,
        policy: RetryPolicy | None,
        workers: int,
    ) -> None:
        self._workers = workers
        self._workspace = workspace
        self._report = report
        self._progress = progress
        self._policy = policy
        self._queue: Queue[Item] = Queue(max(64, workers * AHEAD))
        self._files: Files = ThreadBatches()
        self._committing = anyio.Lock()

    async def feed(self, batches: AsyncIterable[list[Item]], force_replace: bool) -> None:
        """Hand out what is missing."""
        async for batch in batches:
            if not force_replace:
                async with self._committing:
                    missing = await in_thread(self._workspace.missing, batch)
                self._report.skipped += len(batch) - len(missing)
                self._progress.add(len(batch) - len(missing))
                batch = missing
            await self._queue.put(batch)
        self._queue.close()

    async def work(self) -> None:
        """Fetch what is handed out: small files together as far as that goes, each that it stops at alone."""
        while (item := await self._queue.take()) is not None:
            batch = SmallFileBatch(item)
            together = batch.is_small and not self._workspace.has_resumable
            if together:
                share = max(FEW, 2 * len(self._queue) // self._workers)
                self._queue.take_more(min(TOGETHER, share) - 1, batch.takes)
            items = batch.items
            while items:
                if together:
                    del items[: await self._fetch_batch(batch)]
                if items:
                    await self._fetch_one(items.pop(0))

    async def _fetch_batch(self, batch: SmallFileBatch) -> int:
        """How many of the files, from the first one on, are done with."""
        await batch.fetch_batch(self._workspace.committer())
        try:
            self._report.moved += len(batch.complete)
            self._report.bytes += batch.moved
            self._progress.add(len(batch.complete), bytes=batch.moved)
            await self._commit(due=self._workspace.enter(batch.complete))
            for item, error in batch.failed:
                await self._fetch_one(item, checksum_failures=isinstance(error, ChecksumError))
        except BaseException:
            batch.discard()
            raise
        return batch.done

    async def _fetch_one(self, item: Item, *, checksum_failures: bool = False) -> None:
        try:
            fetched = await fetch(
                item,
                self._workspace,
                self._files,
                self._policy,
                checksum_failures=checksum_failures,
            )
        except (DiskFullError, AuthenticationError):
            raise
        except (HeadraceError, OSError) as error:
            self._report.fail(item.name, error, id=item.id)
            self._progress.add()
            return
        self._report.moved += 1
        self._report.bytes += fetched.moved
        self._progress.add(bytes=fetched.moved)
        await self._commit(due=self._workspace.enter([self._workspace.done(item, fetched.stat)]))

    async def _commit(self, *, due: bool) -> None:
        if due:
            async with self._committing:
                await in_thread(self._workspace.commit)


def _open(workspace: Workspace, folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise TransferError(f"cannot make the folder {folder}: {error.strerror}") from error
    workspace.open()


def _within_fd_limit(workers: int, report: TransferReport) -> int:
    """``workers``, or as many as the limit on open files allows; the report then says so."""
    free = _free_files()
    if free is None:
        return workers
    most = max(1, (free - SPARED) // PER_WORKER)
    if workers <= most:
        return workers
    report.notes.append(
        f"{most} files at a time in place of {workers}: this process may open {free} more files"
        " (ulimit -n raises that)"
    )
    return most


def _free_files() -> int | None:
    try:
        import resource
    except ImportError:
        return None
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if limit == resource.RLIM_INFINITY:
        return None
    return max(0, limit - _open_files())


def _open_files() -> int:
    for folder in ("/proc/self/fd", "/dev/fd"):
        try:
            return len(os.listdir(folder))
        except OSError:
            continue
    return 0
