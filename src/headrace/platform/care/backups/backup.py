"""Back up a lake while others use it: its catalog at one moment, and the objects that this catalog names.

Objects never change once they are registered, so nearly all are copied first, while the lake goes on. Then the catalog is
copied as it is at one moment, and after it the few objects that came meanwhile. What was deleted between the two is noticed,
and the catalog copied again. So writers wait for nothing, and a killed backup has lost only the copying of its last objects.
"""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
from msgspec import Struct

from headrace._version import __version__
from headrace.errors import BackupError
from headrace.platform.care.backups.files import SavedRemoval, SnapshotRecord, digest_of
from headrace.platform.care.backups.folder import CATALOG, BackupFolder, new_id
from headrace.platform.care.backups.pruning import prune
from headrace.platform.care.object_copy import PAGE, NotCopied, ObjectCopier, paged_objects
from headrace.platform.care.object_names import named_objects
from headrace.platform.care.opening import CareContext, opened
from headrace.platform.core.audit import record_command
from headrace.storage.database.queries import migrations
from headrace.storage.database.sqlite.database import SqliteDatabase
from headrace.storage.objects.local.store import LocalObjectStore
from headrace.threads import in_thread
from headrace.transfer.progress import OnProgress, Progress

TRIES = 10
"""How often the catalog is copied at most, when objects that it names were deleted before they were copied."""
EXAMPLES = 100
"""Names of missing objects that a snapshot records."""


class BackupReport(Struct, frozen=True, kw_only=True):
    """What a backup has done.

    Attributes:
        snapshot: The id of the snapshot; None for a dry run.
        files: How many files of the lake it holds.
        bytes: Their size.
        copied: How many of them were copied, since no earlier snapshot had them.
        copied_bytes: Their size.
        missing: Files that the lake does not have or has damaged, by object name; the first 100.
        missing_count: How many those are.
        removed: The ids of the older snapshots that were deleted.
        seconds: How long it took.
    """

    snapshot: str | None
    files: int
    bytes: int
    copied: int
    copied_bytes: int
    missing: list[str] = []
    missing_count: int = 0
    removed: list[str] = []
    seconds: float = 0.0


async def backup_lake(
    lake: Path,
    target: Path,
    *,
    keep: int | None = None,
    dry_run: bool = False,
    progress: OnProgress | None = None,
) -> BackupReport:
    """Take a snapshot of a lake into a folder of backups; other processes may use the lake meanwhile.

    Args:
        lake: The folder of the lake.
        target: The folder of the backups, which is made if it is missing.
        keep: How many snapshots to keep; older ones are deleted, with what only they hold. Default: all.
        dry_run: Count what would be copied, and write nothing.
        progress: Called with progress events.

    Raises:
        LakeError: The folder is not a lake, or cannot be opened.
        BackupError: The target is in use for something else.
        CorruptionError: The catalog is damaged.
        StorageError: The target cannot be written.
    """
    folder = BackupFolder(target)
    async with opened(lake) as context:
        with Progress("backup", "files", progress, phase="files") as shown:
            if dry_run:
                return await _planned(context, folder, shown)
            if not context.database.read_only:
                # Before the snapshot, so that it is in it.
                await record_command(context, context.database, "backup", {"name": target.name})
            async with _taken(folder, await _origin(context)):
                store = await LocalObjectStore.open(folder.objects)
                copier = ObjectCopier(context.objects, store, shown)
                (shown.total,) = await context.database.fetch_one("care.count") or (0,)
                # Whatever fails here fails again below, where it counts.
                async for page in paged_objects(context.database, context.objects):
                    await copier.copy(page)
                shown.enter("catalog")
                shown.done = shown.failed = 0
                taken = await _Taking(context, folder, copier).snapshot()
                removed = [] if keep is None else await prune(folder, store, keep)
                return BackupReport(
                    snapshot=taken.id,
                    files=taken.objects,
                    bytes=taken.bytes,
                    copied=copier.copied,
                    copied_bytes=copier.bytes,
                    missing=taken.missing,
                    missing_count=taken.missing_count,
                    removed=removed,
                    seconds=shown.seconds,
                )


class _Taking:
    """Takes one snapshot, once most objects are copied."""

    def __init__(self, context: CareContext, folder: BackupFolder, copier: ObjectCopier) -> None:
        self._context = context
        self._folder = folder
        self._copier = copier
        self._objects = self._bytes = 0
        self._missing: list[str] = []
        self._missing_count = 0

    async def snapshot(self) -> SnapshotRecord:
        """Copy the catalog and what it names, until nothing of it was deleted meanwhile; publish the snapshot."""
        for _ in range(TRIES):
            draft = await in_thread(self._folder.draft)
            try:
                created = self._context.clock()
                await self._context.database.copy_to(draft / CATALOG)
                removals = await self._copy_named(draft / CATALOG)
                if removals is None:
                    continue
                record = SnapshotRecord(
                    id=new_id(created),
                    created=created,
                    headrace=__version__,
                    schema=len(migrations("sqlite")),
                    objects=self._objects,
                    bytes=self._bytes,
                    catalog=await in_thread(digest_of, draft / CATALOG),
                    removals=removals,
                    missing=self._missing,
                    missing_count=self._missing_count,
                )
                await in_thread(self._folder.publish, draft, record)
                return record
            finally:
                await in_thread(shutil.rmtree, draft, ignore_errors=True)
        raise BackupError(
            "files were deleted faster than they could be copied",
            hint="run it again when less is deleted; what was copied is kept",
        )

    async def _copy_named(self, catalog: Path) -> list[SavedRemoval] | None:
        """Copy what the copied catalog names and is not copied yet; None if something of it was deleted meanwhile."""
        self._objects = self._bytes = self._missing_count = 0
        self._missing = []
        database = await SqliteDatabase.open(catalog)
        try:
            async for page in paged_objects(database, self._context.objects):
                failed = await self._copier.copy(page)
                if failed and not await self._are_missing(failed):
                    return None
                self._objects += len(page) - len(failed)
                lost = {each.name for each in failed}
                self._bytes += sum(each.size for each in page if each.name not in lost)
            removals: list[SavedRemoval] = []
            after = 0
            while rows := await database.fetch("care.removals", after=after, limit=PAGE):
                after = rows[-1][0]
                for no, size in rows:
                    saved = await in_thread(self._folder.save_removal, self._context.path, no, size)
                    if saved is not None:
                        removals.append(saved)
                    elif await self._context.database.fetch_one("care.removal", no=no):
                        self._note([f"removals/{no}"])
                    else:
                        return None
            return removals
        finally:
            with anyio.CancelScope(shield=True):
                await database.aclose()

    async def _are_missing(self, failed: Sequence[NotCopied]) -> bool:
        """Note objects that the lake still names and does not have; False if one is not named any more."""
        names = [each.name for each in failed]
        named = await named_objects(self._context, names)
        if any(each.gone and each.name not in named for each in failed):
            return False
        self._note(names)
        return True

    def _note(self, names: list[str]) -> None:
        self._missing_count += len(names)
        self._missing += names[: max(0, EXAMPLES - len(self._missing))]


@asynccontextmanager
async def _taken(folder: BackupFolder, origin: str) -> AsyncIterator[None]:
    await in_thread(folder.take, origin)
    try:
        yield
    finally:
        await in_thread(folder.free)


async def _origin(context: CareContext) -> str:
    """Return what tells a lake, and what is restored from it, from other lakes."""
    row = await context.database.fetch_one("care.origin")
    return "-".join(map(str, row or ("unknown",)))


async def _planned(context: CareContext, folder: BackupFolder, shown: Progress) -> BackupReport:
    if await in_thread(lambda: folder.exists):
        await in_thread(folder.check, await _origin(context))
    store = LocalObjectStore(folder.objects)
    copier = ObjectCopier(context.objects, store, shown)
    files = size = copied = copied_bytes = 0
    async for page in paged_objects(context.database, context.objects):
        missing = await copier.missing(page)
        files, size = files + len(page), size + sum(each.size for each in page)
        copied += len(missing)
        copied_bytes += sum(each.size for each in missing)
        shown.add(len(page))
    return BackupReport(
        snapshot=None,
        files=files,
        bytes=size,
        copied=copied,
        copied_bytes=copied_bytes,
        seconds=shown.seconds,
    )
