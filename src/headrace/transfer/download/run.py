"""Download many files: compare each page of a listing with the folder, and fetch what is missing with a pool of tasks.

A file of another's in the place of one to fetch is kept and counted. Downloads into one folder by several processes run
one after the other.

The next page is listed and compared while the files of this one are fetched. The pool is an upper bound; the limiter of
each host (``headrace.net.congestion``) decides how many requests it really gets at a time.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterable
from contextlib import suppress
from functools import partial
from pathlib import Path

import anyio

from headrace.errors import (
    AuthenticationError,
    ChecksumError,
    ConfigurationError,
    DiskFullError,
    HeadraceError,
)
from headrace.net.retry import RetryPolicy
from headrace.threads import in_thread
from headrace.transfer.download.batch import BATCH_FILES, ItemBatch, SmallFileBatch
from headrace.transfer.download.by_workers import BATCH_FILES as WORKER_FILES
from headrace.transfer.download.by_workers import BatchWorkers, WorkerBatch
from headrace.transfer.download.fetch import Files, fetch
from headrace.transfer.download.local_batch import BATCH_FILES as LOCAL_FILES
from headrace.transfer.download.local_batch import LocalBatch
from headrace.transfer.download.thread_batches import ThreadBatches
from headrace.transfer.progress import Progress
from headrace.transfer.queue import Queue
from headrace.transfer.report import TransferReport
from headrace.transfer.source import Item
from headrace.transfer.state.copier import LocalMedia
from headrace.transfer.state.folder_lock import wait_for_lock
from headrace.transfer.state.journal import CompletedFile
from headrace.transfer.state.part import InTheWayError
from headrace.transfer.state.workspace import Workspace

DEFAULT_WORKERS = 32

QUEUED_PER_WORKER = 16
"""Files queued for each worker, at least."""

SMALLEST_BATCH = 4
"""Small files in a batch even if that leaves none for other workers."""

COPYING = 4
"""Batches of local files that are copied at a time."""

FILES_PER_WORKER = 4
"""File descriptors of a worker: two connections, the incomplete file, and a file that is read or synced."""

FILES_RESERVED = 16
"""File descriptors left to the rest of the process."""

_UNSYNCED = "after a power cut, fetch them again with force"


async def run(
    batches: AsyncIterable[list[Item]],
    folder: Path,
    *,
    force_replace: bool = False,
    durable: bool = False,
    some_files: bool = False,
    max_workers: int | None = None,
    media: LocalMedia = LocalMedia.COPY,
    policy: RetryPolicy | None = None,
    batch_workers: BatchWorkers | None = None,
    progress: Progress,
) -> TransferReport:
    """Download all items into a folder.

    Args:
        batches: The items, page by page.
        folder: Created if missing.
        force_replace: Whether all files are fetched: complete ones again, and others in place of what has their names.
        durable: Whether each file is synced before it is renamed. Otherwise it is synced before the journal in
            ``folder/.headrace`` lists it.
        some_files: Whether other downloads fetch other files into the folder: their changed names stay listed.
        max_workers: Most files at a time. Default: 32.
        media: Whether files of this machine are copied or linked.
        policy: The retries of a file.
        batch_workers: What fetches small files in place of this process.
        progress: Counts files and bytes.

    Returns:
        The numbers of files that were moved, skipped, kept and failed. A file that fails does not stop the others.

    Raises:
        DiskFullError: There is no space left; it stops the run, inside an exception group.
        AuthenticationError: The token is not accepted; it stops the run, inside an exception group.
        ConfigurationError: ``max_workers`` is less than 1.
    """
    workers = DEFAULT_WORKERS if max_workers is None else max_workers
    if workers < 1:
        raise ConfigurationError(f"max_workers={workers} is too small", hint="give at least 1")
    report = TransferReport()
    workers = _within_fd_limit(workers, report)
    workspace = await in_thread(Workspace, folder, durable=durable, some_files=some_files)
    pool = _Pool(workspace, report, progress, policy, workers, media, batch_workers)
    try:
        await wait_for_lock(workspace.lock, folder, "download")
        await in_thread(workspace.open)
        async with anyio.create_task_group() as group:
            group.start_soon(pool.feed, batches, force_replace)
            for _ in range(workers):
                group.start_soon(pool.work)
    except BaseException:
        # The error that ended the run is raised, not one of closing the journal: the next run notices that.
        with anyio.CancelScope(shield=True), suppress(HeadraceError):
            await in_thread(workspace.close)
        raise
    progress.enter("verify")
    with anyio.CancelScope(shield=True):
        await in_thread(workspace.finish, report)
    if not workspace.journal.synced:
        report.notes.append(f"the file system of {folder} cannot sync: {_UNSYNCED}")
    report.seconds = progress.seconds
    return report


class _Pool:
    """The state that the tasks of one run share."""

    def __init__(
        self,
        workspace: Workspace,
        report: TransferReport,
        progress: Progress,
        policy: RetryPolicy | None,
        workers: int,
        media: LocalMedia,
        batch_workers: BatchWorkers | None,
    ) -> None:
        self._workers = workers
        self._batch_workers = batch_workers
        self._sending = anyio.Semaphore(batch_workers.slots if batch_workers else 1)
        self._media = media
        self._workspace = workspace
        self._report = report
        self._progress = progress
        self._policy = policy
        self._queue: Queue[Item] = Queue(max(64, workers * QUEUED_PER_WORKER))
        self._files: Files = ThreadBatches()
        self._copies: ThreadBatches[None] = ThreadBatches()
        self._copying = anyio.Semaphore(COPYING)
        self._committing = anyio.Lock()

    async def feed(self, batches: AsyncIterable[list[Item]], force_replace: bool) -> None:
        """Queue the files that are missing."""
        async for batch in batches:
            await self._note_names(batch)
            async with self._committing:
                found = await in_thread(self._workspace.sort, batch, force_replace=force_replace)
            self._report.skipped += found.complete
            for item in found.kept:
                self._report.keep(item.name)
            self._progress.add(found.complete + len(found.kept))
            if found.missing:
                self._progress.enter("move")
            await self._queue.put(found.missing)
        self._queue.close()

    async def _note_names(self, batch: list[Item]) -> None:
        renamed = [item for item in batch if item.own_name is not None]
        if renamed:
            for item in renamed:
                self._workspace.names.add(item.id, item.own_name or "", item.name)
                self._report.rename(item.id, item.name)
            await in_thread(self._workspace.names.write)

    async def work(self) -> None:
        """Fetch queued files: small ones in batches, and each file that ends a batch by itself."""
        while (item := await self._queue.take()) is not None:
            if self._batch_workers is not None and self._is_for(WorkerBatch, item):
                await self._send_batch(self._batch_workers, WorkerBatch(item))
                continue
            if self._is_for(LocalBatch, item):
                await self._copy_batch(LocalBatch(item))
                continue
            batch = SmallFileBatch(item)
            in_batch = batch.is_small and not self._workspace.has_resumable
            if in_batch:
                share = max(SMALLEST_BATCH, 2 * len(self._queue) // self._workers)
                self._queue.take_more(min(BATCH_FILES, share) - 1, batch.add)
            items = batch.items
            while items:
                if in_batch:
                    del items[: await self._fetch_batch(batch)]
                if items:
                    await self._fetch_one(items.pop(0))

    def _is_for(self, kind: type[ItemBatch], item: Item) -> bool:
        workspace = self._workspace
        if workspace.has_resumable or workspace.files.must_compare(item):
            return False
        return kind.takes(item)

    async def _send_batch(self, workers: BatchWorkers, batch: WorkerBatch) -> None:
        """Let a worker fetch files; those that it leaves are fetched here one by one, which tells why."""
        async with self._sending:
            share = max(SMALLEST_BATCH, len(self._queue) // workers.slots)
            self._queue.take_more(
                min(WORKER_FILES, share) - 1,
                lambda item: self._is_for(WorkerBatch, item) and batch.add(item),
            )
            place = self._workspace.worker_place(self._media, synced=workers.shared)
            fetched = await workers.fetch(place, batch.files())
        await self._enter(fetched.complete, fetched.moved)
        for index in fetched.left:
            await self._fetch_one(batch.items[index])

    async def _copy_batch(self, batch: LocalBatch) -> None:
        """Put files of this machine in place; those that fail are fetched one by one, which tells why they do."""
        async with self._copying:
            share = max(SMALLEST_BATCH, 2 * len(self._queue) // self._workers)
            self._queue.take_more(
                min(LOCAL_FILES, share) - 1,
                lambda item: self._is_for(LocalBatch, item) and batch.add(item),
            )
            copier = self._workspace.copier(self._media)
            await self._copies.run(partial(batch.copy, copier), len(batch.items))
        await self._enter(batch.complete, batch.moved)
        for item, error in batch.failed:
            await self._fetch_one(item, checksum_failures=isinstance(error, ChecksumError))

    async def _fetch_batch(self, batch: SmallFileBatch) -> int:
        """Fetch a batch; return the number of files, counted from the first, that need no further attempt."""
        await batch.fetch_batch(self._workspace.committer())
        try:
            await self._enter(batch.complete, batch.moved)
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
        except InTheWayError:
            self._report.keep(item.name)
            self._progress.add()
            return
        except (HeadraceError, OSError) as error:
            self._report.fail(item.name, error, id=item.id)
            self._progress.fail()
            return
        self._report.moved += 1
        self._report.bytes += fetched.moved
        self._progress.add(bytes=fetched.moved)
        await self._commit(due=self._workspace.enter([self._workspace.done(item, fetched.stat)]))

    async def _enter(self, complete: list[CompletedFile], moved: int) -> None:
        """Count the files of a batch that are in place, of ``moved`` bytes together, and enter them in the journal."""
        self._report.moved += len(complete)
        self._report.bytes += moved
        self._progress.add(len(complete), bytes=moved)
        await self._commit(due=self._workspace.enter(complete))

    async def _commit(self, *, due: bool) -> None:
        if due:
            async with self._committing:
                await in_thread(self._workspace.commit)


def _within_fd_limit(workers: int, report: TransferReport) -> int:
    """Return ``workers``, or fewer if the limit on open files demands it; the report then has a note."""
    free = _free_files()
    if free is None:
        return workers
    most = max(1, (free - FILES_RESERVED) // FILES_PER_WORKER)
    if workers <= most:
        return workers
    report.notes.append(
        f"{most} files at a time instead of {workers}: this process may open only {free} more files"
        " (ulimit -n raises the limit)"
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
