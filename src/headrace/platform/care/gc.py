"""Delete what nothing in a lake needs any more, while others use it.

Objects that no row names are uploads that were never registered, what an interruption left of deleted data, and files of
finished exports. An upload is registered after it has arrived, so only objects of a certain age are looked at. They are
deleted in a write transaction that has looked once more, and registering looks for its object in its own transaction
(platform/datalake/registered.py): so an object that is registered at the same time either stays, or the registration is told
that it is gone. In a storage that clients reach themselves, only what is too old to be registered and has had no row for as
long is deleted, without a lock.

Objects of another platform whose files lie inside the place of these are left.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Final

from msgspec import Struct

from headrace.errors import BadRequestError, ReadOnlyLakeError
from headrace.model.enums import JobStatus
from headrace.platform.care.object_names import is_export, unnamed_objects
from headrace.platform.care.opening import opened_place
from headrace.platform.context import Context
from headrace.platform.core.audit import record_command
from headrace.platform.core.listing import json_text
from headrace.platform.core.released import keeps_released
from headrace.platform.datalake.registered import DELETED_AFTER_MS
from headrace.platform.jobs import content_gc
from headrace.platform.jobs.maintenance import purge
from headrace.platform.jobs.runner import JobRunner
from headrace.platform.removals.room import DAY_MS
from headrace.settings import UndoPolicy
from headrace.storage.database.locks import ONE_STATEMENT
from headrace.storage.objects.base import StoredObject
from headrace.storage.objects.nested import NestedStores
from headrace.transfer.progress import OnProgress, Progress

OLDER_THAN_HOURS: Final = 24.0
"""The age from which on unregistered objects and unfinished uploads are deleted."""
LEAST_HOURS: Final = 1.0
"""The least age: what is younger may be about to be registered."""

_TOGETHER = 200
_WAIT_SECONDS = 5.0

log = logging.getLogger("headrace.platform")


class GarbageReport(Struct, frozen=True, kw_only=True):
    """What a collection has deleted, or would delete.

    Attributes:
        objects: Objects that no row named.
        object_bytes: Their size.
        exports: How many of them were files of finished exports.
        younger: Objects that no row names, but that are not old enough.
        uploads: Uploads that never ended, and unfinished files.
        upload_bytes: Their size.
        removals: Removals that were too old to be undone.
        removal_bytes: The size of their files.
        contents: Packed shapes that no annotation used; for a dry run, how many references to shared ones have gone.
        seconds: How long it took.
    """

    objects: int = 0
    object_bytes: int = 0
    exports: int = 0
    younger: int = 0
    uploads: int = 0
    upload_bytes: int = 0
    removals: int = 0
    removal_bytes: int = 0
    contents: int = 0
    seconds: float = 0.0


async def collect_garbage(
    lake: str | Path,
    *,
    objects: str | os.PathLike[str] | None = None,
    older_than_hours: float = OLDER_THAN_HOURS,
    dry_run: bool = False,
    undo: UndoPolicy | None = None,
    progress: OnProgress | None = None,
) -> GarbageReport:
    """Delete what nothing in a lake needs any more; other processes may use the lake meanwhile.

    Args:
        lake: The folder of the lake, or ``postgresql://…``.
        objects: Where a platform in a database keeps its files. Default: what the settings say.
        older_than_hours: The age from which on unregistered objects and unfinished uploads are deleted; at least 1.
        dry_run: Only count.
        undo: How long removals are kept. Default: as without settings.
        progress: Called with progress events.

    Raises:
        BadRequestError: The age is too small.
        LakeError: The folder is not a lake, or cannot be opened.
        ConfigurationError: The files are those of another database, or may be.
        ReadOnlyLakeError: The lake cannot be written.
    """
    if not older_than_hours >= LEAST_HOURS:
        raise BadRequestError(
            f"older_than_hours={older_than_hours:g} is too small: a younger upload may be about to be registered",
            hint=f"at least {LEAST_HOURS:g}",
        )
    async with opened_place(lake, undo, objects=objects, deletes=not dry_run) as context:
        if context.database.read_only and not dry_run:
            raise ReadOnlyLakeError(
                f"the lake {context.name} cannot be written", hint="check who owns it"
            )
        with Progress("gc", "objects", progress, phase="objects") as shown:
            before = context.clock() - int(older_than_hours * 3_600_000)
            found = await collect_objects(context, before, shown, dry_run=dry_run)
            uploads = await context.objects.unfinished(before, delete=not dry_run)
            shown.enter("rows")
            expired = await context.database.fetch_one(
                "care.expired", before=context.clock() - int(context.undo.days * DAY_MS)
            ) or (0, 0)
            contents = await (_garbage(context) if dry_run else _clean_rows(context))
            if not dry_run:
                deleted = {"objects": found.objects, "uploads": uploads.count}
                await record_command(context, context.database, "gc", deleted)
            return GarbageReport(
                objects=found.objects,
                object_bytes=found.bytes,
                exports=found.exports,
                younger=found.younger,
                uploads=uploads.count,
                upload_bytes=uploads.bytes,
                removals=expired[0],
                removal_bytes=expired[1],
                contents=contents,
                seconds=shown.seconds,
            )


async def collect_objects(
    context: Context, before: int, progress: Progress, *, dry_run: bool = False
) -> CollectedObjects:
    """Delete the objects that no row names and that were stored before a time (ms since 1970)."""
    if not context.objects.locked:
        before = min(before, context.clock() - DELETED_AFTER_MS)
    return await CollectedObjects(context, before, progress, dry_run=dry_run).collect()


class CollectedObjects:
    """Deletes the objects that no row names and that are old enough."""

    def __init__(self, context: Context, before: int, progress: Progress, *, dry_run: bool) -> None:
        self._context = context
        self._before = before
        self._progress = progress
        self._dry_run = dry_run
        self._nested = NestedStores(context.objects.heads)
        self._others: set[str] = set()
        self.objects = self.bytes = self.exports = self.younger = 0

    async def collect(self) -> CollectedObjects:
        """Go through all objects."""
        async with aclosing(unnamed_objects(self._context)) as batches:
            async for batch in batches:
                old = await self._without_released(batch)
                self.younger += len(batch) - len(old)
                old = await self._without_others(old)
                for start in range(0, len(old), _TOGETHER):
                    await self._delete(old[start : start + _TOGETHER])
                self._progress.add(len(batch))
        if not self._dry_run and keeps_released(self._context):
            # Whatever was released before has been deleted now, or has a row again.
            async with self._context.database.transaction(ONE_STATEMENT) as tx:
                await tx.execute("released_objects.drop_before", before=self._before)
        return self

    async def _without_released(self, found: Sequence[StoredObject]) -> list[StoredObject]:
        """Leave out what is too young, or what lost its row too short a time ago."""
        old = [each for each in found if each.stored < self._before]
        if not old or not keeps_released(self._context):
            return old
        names = json_text([each.name for each in old])
        rows = await self._context.database.fetch(
            "released_objects.since", names=names, since=self._before
        )
        kept = {name for (name,) in rows}
        return [each for each in old if each.name not in kept]

    async def _without_others(self, found: Sequence[StoredObject]) -> list[StoredObject]:
        """Leave out what belongs to another platform whose files lie inside the place of these."""
        others = await self._nested.around([each.name for each in found])
        for folder in {*others.values()} - self._others:
            self._others.add(folder)
            log.warning(
                "%s holds the files of another platform, in its folder %s: they are left",
                self._context.name
                if (target := self._context.target) is None
                else target.objects_name,
                folder,
            )
        return [each for each in found if each.name not in others]

    async def _delete(self, found: Sequence[StoredObject]) -> None:
        gone = {each.name for each in found}
        if not self._dry_run and not self._context.objects.locked:
            gone = await self._delete_settled([*gone])
        elif not self._dry_run:
            # No row can come to name one of them until the transaction ends.
            async with self._context.database.transaction() as tx:
                names = [each.name for each in found]
                rows = await tx.fetch("check.named", names=json_text(names))
                names = [name for name in names if (name,) not in set(rows)]
                gone = set(await self._context.objects.delete_before(names, self._before))
        for each in found:
            if each.name in gone:
                self.objects += 1
                self.bytes += each.size
                self.exports += is_export(each.name)

    async def _delete_settled(self, names: list[str]) -> set[str]:
        """Delete objects that are too old to be registered; returns their names."""
        rows = set(await self._context.database.fetch("check.named", names=json_text(names)))
        names = [name for name in names if (name,) not in rows]
        return set(await self._context.objects.delete_before(names, self._before))


async def _clean_rows(context: Context) -> int:
    """Purge what can no longer be undone, and collect unused content at once; returns how much of it went."""
    runner = JobRunner(context, {content_gc.KIND: content_gc.ContentGcWork})
    context.jobs = runner
    try:
        await purge(context)
        done = 0
        for no in await content_gc.start_due_gc(context, least=1):
            state = JobStatus.RUNNING
            while state == JobStatus.RUNNING:
                await runner.wait(no, _WAIT_SECONDS)
                row = await context.database.fetch_one("care.job", no=no)
                state, dropped = (JobStatus(row[0]), row[1]) if row else (JobStatus.FAILED, 0)
            done += dropped
        return done
    finally:
        await runner.aclose()


async def _garbage(context: Context) -> int:
    row = await context.database.fetch_one("care.garbage")
    return 0 if row is None else int(row[0])
