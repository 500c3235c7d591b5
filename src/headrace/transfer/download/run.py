"""Many files: each batch is compared with what is there, then what is missing moves through a bounded pool.

The next batch is prepared (its page listed, its files compared) while the files of this one are under way. How many of
them a host really gets at a time is its own affair (``headrace.net.congestion``); the pool is the upper bound.
"""

from __future__ import annotations

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
from headrace.transfer.download.batch import TOGETHER, Company
from headrace.transfer.download.fetch import Files, fetch
from headrace.transfer.download.thread_batches import Batches
from headrace.transfer.fd_limit import bounded_by_handles
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
    workers = bounded_by_handles(workers, report)
    room = Workspace(folder, durable=durable)
    pool = _Pool(room, report, progress, policy, workers)
    try:
        await in_thread(_open, room, folder)
        async with anyio.create_task_group() as group:
            group.start_soon(pool.feed, batches, force_replace)
            for _ in range(workers):
                group.start_soon(pool.work)
    except BaseException:
        # What ended the run is told; that its journal could not be closed well is seen by the next one.
        with anyio.CancelScope(shield=True), suppress(HeadraceError):
            await in_thread(room.close)
        raise
    with anyio.CancelScope(shield=True):
        await in_thread(room.close)
    if not room.journal.synced:
        report.notes.append(f"the file system of {folder} cannot sync: {_UNSYNCED}")
    report.seconds = progress.seconds
    return report


class _Pool:
    """What the tasks of one run share."""

    def __init__(
        self,
        room: Workspace,
        report: TransferReport,
        progress: Progress,
        policy: RetryPolicy | None,
        workers: int,
    ) -> None:
        self._workers = workers
        self._room = room
        self._report = report
        self._progress = progress
        self._policy = policy
        self._queue: Queue[Item] = Queue(max(64, workers * AHEAD))
        self._files: Files = Batches()
        self._committing = anyio.Lock()

    async def feed(self, batches: AsyncIterable[list[Item]], force_replace: bool) -> None:
        """Hand out what is missing."""
        async for batch in batches:
            if not force_replace:
                async with self._committing:
                    missing = await in_thread(self._room.missing, batch)
                self._report.skipped += len(batch) - len(missing)
                self._progress.add(len(batch) - len(missing))
                batch = missing
            await self._queue.put(batch)
        self._queue.close()

    async def work(self) -> None:
        """Fetch what is handed out: small files together as far as that goes, each that it stops at alone."""
        while (item := await self._queue.take()) is not None:
            company = Company(item)
            together = company.is_small and not self._room.has_left
            if together:
                share = max(FEW, 2 * len(self._queue) // self._workers)
                self._queue.take_more(min(TOGETHER, share) - 1, company.takes)
            items = company.items
            while items:
                if together:
                    del items[: await self._together(company)]
                if items:
                    await self._alone(items.pop(0))

    async def _together(self, company: Company) -> int:
        """How many of the files, from the first one on, are done with."""
        await company.bring(self._room.desk())
        try:
            self._report.moved += len(company.complete)
            self._report.bytes += company.moved
            self._progress.add(len(company.complete), bytes=company.moved)
            await self._commit(due=self._room.enter(company.complete))
            for item, error in company.failed:
                await self._alone(item, spoiled=isinstance(error, ChecksumError))
        except BaseException:
            company.forget()
            raise
        return company.done

    async def _alone(self, item: Item, *, spoiled: bool = False) -> None:
        try:
            fetched = await fetch(item, self._room, self._files, self._policy, spoiled=spoiled)
        except (DiskFullError, AuthenticationError):
            raise
        except (HeadraceError, OSError) as error:
            self._report.fail(item.name, error, id=item.id)
            self._progress.add()
            return
        self._report.moved += 1
        self._report.bytes += fetched.moved
        self._progress.add(bytes=fetched.moved)
        await self._commit(due=self._room.enter([self._room.done(item, fetched.stat)]))

    async def _commit(self, *, due: bool) -> None:
        if due:
            async with self._committing:
                await in_thread(self._room.commit)


def _open(room: Workspace, folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise TransferError(f"cannot make the folder {folder}: {error.strerror}") from error
    room.open()
