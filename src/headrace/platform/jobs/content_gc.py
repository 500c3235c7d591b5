"""Garbage collection of shared content: packed shapes that forks share and no annotation uses any more.

Mark and sweep. A snapshot of the annotations marks the content in use, one bit for each number; unmarked content is
then deleted, range by range. An annotation gets its content when the content is written, or from another annotation, so
content that is unused in a snapshot stays unused, if no transaction was open then that writes or copies references: the
snapshot is taken under the lock of the dataset, which all of them share. Numbers that are given out after the mark began
are left for the next run.
"""

from __future__ import annotations

from contextlib import aclosing
from typing import Any

import msgspec
from msgspec import Struct

from headrace.errors import ConflictError
from headrace.model.enums import JobStatus
from headrace.platform.context import Context
from headrace.platform.core.listing import json_text
from headrace.platform.jobs.records import record_job
from headrace.platform.jobs.work import JobTask, Progress
from headrace.storage.database.base import Row, Transaction
from headrace.storage.database.locks import Lock

KIND = "COLLECT"

DUE = 10_000
"""Dropped references after which a dataset's content is collected; deleting a version makes it due at once."""

WINDOW = 1 << 23
"""Content numbers that one read marks: a megabyte of bits."""

_ROWS = 5_000
_ROWS_A_LEASE = 1_000_000


class ContentGcSpec(Struct, frozen=True):
    """The dataset to collect, the number of garbage references counted so far, and the end of its numbers."""

    dataset: int
    garbage: int
    end: int


async def start_due_gc(context: Context, *, least: int | None = None) -> list[int]:
    """Start a collection job for each dataset that is due, with ``least`` references dropped; returns the numbers of the jobs.

    ``least`` is :data:`DUE` by default.
    """
    least = DUE if least is None else least
    rows = await context.database.fetch("content_gc.due", least=least)
    begun = []
    for dataset, organization, _, _ in rows:
        async with context.database.transaction(Lock.dataset(dataset)) as tx:
            # Read again in the transaction: another process may have started it, and the numbers must be current.
            due = {row[0]: row for row in await tx.fetch("content_gc.due", least=least)}
            if dataset in due:
                _, _, garbage, end = due[dataset]
                spec = ContentGcSpec(dataset=dataset, garbage=garbage, end=end)
                begun.append(
                    await record_job(
                        context,
                        tx,
                        organization,
                        kind=KIND,
                        subject=dataset,
                        state=JobStatus.RUNNING,
                        spec=msgspec.json.encode(spec).decode(),
                        total=end - 1,
                    )
                )
    for job in begun:
        context.jobs.start(job.no)
    return [job.no for job in begun]


class ContentGcWork:
    """Marks one window after another and sweeps each in ranges. The cursor is the next number to sweep."""

    def __init__(self, context: Context, task: JobTask) -> None:
        self._context = context
        self._task = task
        self._spec = msgspec.json.decode(task.spec, type=ContentGcSpec)
        self._marks = bytearray()
        self._first = 0

    async def locks(self, cursor: Any) -> tuple[Lock, ...]:
        """The dataset; alone only to end, for what is unmarked stays unused."""
        return (Lock.dataset(self._spec.dataset, shared=int(cursor or 0) < self._spec.end),)

    async def prepare(self, cursor: Any, size: int) -> None:
        """Mark the content in use in the cursor's window, once for each window."""
        first = int(cursor or 0) // WINDOW * WINDOW
        if first >= self._spec.end or (self._marks and first == self._first):
            return
        self._first = first
        self._marks = bytearray(WINDOW >> 3)
        rows = self._context.database.stream(
            "content_gc.named",
            batch=_ROWS,
            dataset=self._spec.dataset,
            first=first,
            end=min(first + WINDOW, self._spec.end),
        )
        seen = 0
        async with aclosing(rows) as batches:
            # The snapshot is taken while no transaction is open that copies references or has taken numbers.
            async with self._context.database.transaction(Lock.dataset(self._spec.dataset)):
                batch: list[Row] = await anext(batches, [])
            while batch:
                for (no,) in batch:
                    self._marks[no - first >> 3] |= 1 << (no & 7)
                seen += len(batch)
                if seen >= _ROWS_A_LEASE:
                    seen = 0
                    if not await self._context.jobs.renew_lease(self._task.no):
                        raise ConflictError("another process has taken the job over")
                batch = await anext(batches, [])

    async def write(self, tx: Transaction, cursor: Any, size: int) -> Progress | None:
        """Delete the unmarked content of the next range."""
        after = int(cursor or 0)
        dataset = await tx.fetch_one("content_gc.dataset", dataset=self._spec.dataset)
        if after >= self._spec.end or dataset is None:
            return None
        end = min(self._first + WINDOW, self._spec.end)
        table = {"bucket": dataset[0], "dataset": self._spec.dataset}
        rows = await tx.fetch("content_gc.page", first=after, end=end, limit=size, **table)
        dead = [no for (no,) in rows if not self._is_marked(no)]
        await tx.execute("content_gc.drop", keys=json_text(dead), **table)
        return Progress(rows[-1][0] + 1 if len(rows) == size else end, len(dead))

    async def finish(self, tx: Transaction) -> None:
        """Subtract the collected garbage; a dataset with a single version stops sharing content."""
        dataset = self._spec.dataset
        await tx.execute("content_gc.settle", dataset=dataset, garbage=self._spec.garbage)
        await tx.execute("content_gc.stop_sharing", dataset=dataset)

    async def abandon(self, tx: Transaction) -> None:
        """Do nothing: the next collection finds the rest."""

    async def after_end(self) -> None:
        """Do nothing."""

    def _is_marked(self, no: int) -> bool:
        return bool(self._marks[no - self._first >> 3] & 1 << (no & 7))
