"""Garbage of shared content: shapes that forks shared until the last annotation that named them went.

What is named is marked in a snapshot, a bit for each number, then what is not marked goes, range by range. That needs
no lock: annotations get content only together with it, or from another annotation, so what nobody names in a snapshot
nobody will ever name again. Numbers that were given after the mark began are left for the next time.
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
from headrace.platform.jobs.runner import JobTask, Progress
from headrace.storage.database.base import Transaction

KIND = "COLLECT"

DUE = 10_000
"""References gone after which a dataset's content is looked through; a version that goes makes it due at once."""

WINDOW = 1 << 23
"""Numbers that are marked in one reading: a megabyte of bits."""

_ROWS = 5_000
_ROWS_A_LEASE = 1_000_000


class ContentGcSpec(Struct, frozen=True):
    """Which content is looked through, and how much garbage was known of."""

    dataset: int
    garbage: int
    end: int


async def start_due_gc(context: Context) -> None:
    """Begin to collect where it is time."""
    rows = await context.database.fetch("content_gc.due", least=DUE)
    begun = []
    for dataset, organization, _, _ in rows:
        async with context.database.transaction() as tx:
            # Again, inside: another process may have begun it, and the numbers must be those of this moment.
            due = {row[0]: row for row in await tx.fetch("content_gc.due", least=DUE)}
            if dataset in due:
                _, _, garbage, end = due[dataset]
                spec = ContentGcSpec(dataset=dataset, garbage=garbage, end=end)
                begun.append(
                    await record_job(
                        tx,
                        organization,
                        context.clock(),
                        kind=KIND,
                        subject=dataset,
                        state=JobStatus.RUNNING,
                        spec=msgspec.json.encode(spec).decode(),
                        total=end - 1,
                    )
                )
    for job in begun:
        context.jobs.start(job.no)


class ContentGcWork:
    """Marks window after window, and sweeps each in ranges. The cursor is the next number to look at."""

    def __init__(self, context: Context, task: JobTask) -> None:
        self._context = context
        self._task = task
        self._spec = msgspec.json.decode(task.spec, type=ContentGcSpec)
        self._marks = bytearray()
        self._first = 0

    async def ahead(self, cursor: Any, size: int) -> None:
        """Mark what is named in the window of the cursor, once for each window."""
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
            async for batch in batches:
                for (no,) in batch:
                    self._marks[no - first >> 3] |= 1 << (no & 7)
                seen += len(batch)
                if seen >= _ROWS_A_LEASE:
                    seen = 0
                    if not await self._context.jobs.keep(self._task.no):
                        raise ConflictError("another process has taken the job over")

    async def write(self, tx: Transaction, cursor: Any, size: int) -> Progress | None:
        """Sweep the next range."""
        after = int(cursor or 0)
        dataset = await tx.fetch_one("content_gc.dataset", dataset=self._spec.dataset)
        if after >= self._spec.end or dataset is None:
            return None
        end = min(self._first + WINDOW, self._spec.end)
        place = {"bucket": dataset[0], "dataset": self._spec.dataset}
        rows = await tx.fetch("content_gc.page", first=after, end=end, limit=size, **place)
        dead = [no for (no,) in rows if not self._is_marked(no)]
        await tx.execute("content_gc.drop", keys=json_text(dead), **place)
        return Progress(rows[-1][0] + 1 if len(rows) == size else end, len(dead))

    async def finish(self, tx: Transaction) -> None:
        """The garbage that was known is gone; a version that is alone shares nothing any more."""
        dataset = self._spec.dataset
        await tx.execute("content_gc.settle", dataset=dataset, garbage=self._spec.garbage)
        await tx.execute("content_gc.stop_sharing", dataset=dataset)

    async def abandon(self, tx: Transaction) -> None:
        """What is still garbage is found the next time."""

    async def afterwards(self) -> None:
        """Nothing follows."""

    def _is_marked(self, no: int) -> bool:
        return bool(self._marks[no - self._first >> 3] & 1 << (no & 7))
