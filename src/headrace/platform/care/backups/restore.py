"""Make a lake of a snapshot: beside its place, verified, and then put there by a rename.

A restore that was killed leaves a hidden folder beside the place of the lake; the next restore of the same snapshot there
goes on with it, that of another one removes it.
"""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import anyio
from msgspec import Struct

from headrace.errors import BackupError, LakeError, LakeVersionError
from headrace.folders.lakes import DATABASE, OBJECTS
from headrace.platform.care.backups.draft import DraftLake
from headrace.platform.care.backups.files import (
    FileRecord,
    SnapshotRecord,
    copy_file,
    digest_of,
)
from headrace.platform.care.backups.folder import CATALOG, BackupFolder
from headrace.platform.care.object_copy import NotCopied, ObjectCopier, paged_objects
from headrace.platform.care.object_names import CatalogedObject
from headrace.platform.care.opening import opened
from headrace.platform.core.audit import record_command
from headrace.platform.removals.frames import FOLDER as REMOVALS
from headrace.platform.removals.frames import file_of
from headrace.storage.database.queries import migrations
from headrace.storage.database.sqlite.database import SqliteDatabase
from headrace.storage.objects.file_errors import file_errors
from headrace.storage.objects.local.store import LocalObjectStore
from headrace.threads import in_thread
from headrace.transfer.progress import OnProgress, Progress

EXAMPLES = 100
"""Names of missing files that a report has."""

Page = list[CatalogedObject]
OnError = Literal["raise", "skip"]


class RestoreReport(Struct, frozen=True, kw_only=True):
    """What a restore has done.

    Attributes:
        snapshot: The id of the snapshot.
        created: When it was taken, in seconds since 1970.
        files: How many files the lake has.
        bytes: Their size.
        missing: Files that the snapshot does not have or that are damaged, by object name; the first 100.
        missing_count: How many those are.
        seconds: How long it took.
    """

    snapshot: str
    created: float
    files: int
    bytes: int
    missing: list[str] = []
    missing_count: int = 0
    seconds: float = 0.0


async def list_snapshots(backups: Path) -> list[SnapshotRecord]:
    """Return the snapshots in a folder of backups, the oldest first.

    Raises:
        BackupError: The folder holds no backups.
    """
    return await in_thread(BackupFolder(backups).snapshots)


async def restore_lake(
    backups: Path,
    lake: Path,
    *,
    snapshot: str | None = None,
    on_error: OnError = "raise",
    dry_run: bool = False,
    progress: OnProgress | None = None,
) -> RestoreReport:
    """Make a lake of a snapshot, completely or not at all.

    Args:
        backups: The folder of the backups.
        lake: A folder that does not exist yet or is empty.
        snapshot: The snapshot's id, or how it begins. Default: the newest.
        on_error: What to do if the backup lacks files or has them damaged: raise an error, or skip them.
        dry_run: Check that all files are there, and write nothing.
        progress: Called with progress events.

    Raises:
        BackupError: There is no such snapshot, or it is damaged.
        LakeError: The folder is in use, or lies in a lake.
        LakeVersionError: A newer headrace took the snapshot.
        StorageError: The lake cannot be written.
    """
    lake = await in_thread(lambda: Path(os.path.abspath(lake)))
    folder = BackupFolder(backups)
    record = await in_thread(folder.snapshot, snapshot)
    known = len(migrations("sqlite"))
    if record.schema > known:
        raise LakeVersionError(
            f"snapshot {record.id} has schema version {record.schema}, and this headrace knows up to {known}",
            hint="install the newest version: pip install -U headrace",
        )
    draft = DraftLake(lake, "restore", record.id)
    restore = _Restore(folder, record, draft, skip=on_error == "skip")
    with Progress("restore", "files", progress, total=record.objects, phase="catalog") as shown:
        await in_thread(draft.check_place)
        await in_thread(_check_outside, lake, backups)
        if dry_run:
            await restore.verify(shown)
        else:
            async with draft.held():
                await restore.run(shown)
            async with opened(lake) as context:
                await record_command(context, context.database, "restore", {"name": record.id})
        return restore.report(shown.seconds)


class _Restore:
    """One restore. ``verify`` reads what it would need, ``run`` does it."""

    def __init__(
        self, folder: BackupFolder, record: SnapshotRecord, draft: DraftLake, *, skip: bool
    ) -> None:
        self._folder = folder
        self._record = record
        self._skip = skip
        self._place = draft
        self._draft = draft.folder
        self._files = self._bytes = self._missing_count = 0
        self._missing: list[str] = []

    def report(self, seconds: float) -> RestoreReport:
        """What was done."""
        return RestoreReport(
            snapshot=self._record.id,
            created=self._record.created / 1000,
            files=self._files,
            bytes=self._bytes,
            missing=self._missing,
            missing_count=self._missing_count,
            seconds=seconds,
        )

    async def verify(self, shown: Progress) -> None:
        """Check the digest of the catalog and of the removal files, and that all objects are there."""
        catalog = self._folder.catalog(self._record.id)
        self._compare(catalog, await in_thread(_digest, catalog), self._record.catalog)
        for saved in self._record.removals:
            path = self._folder.removal(saved.no, saved.bytes)
            expected = FileRecord(saved.bytes, saved.sha256)
            self._compare(path, await in_thread(_digest, path), expected)
        shown.enter("files")
        store = LocalObjectStore(self._folder.objects)
        copier = ObjectCopier(store, store, shown)
        with TemporaryDirectory(prefix="headrace-") as place:
            copied = Path(place, CATALOG)
            await in_thread(copy_file, catalog, copied)
            async for page, lost in self._pages(copied, store, copier.missing):
                shown.add(len(page))
                self._count(page, {each.name for each in lost})
        self._judge()

    async def run(self, shown: Progress) -> None:
        """Write the lake, and put it in its place."""
        await in_thread(self._place.begin)
        catalog = self._place.catalog
        if not (self._draft / DATABASE).exists():
            await in_thread(self._copy_catalog, catalog)
            shown.enter("files")
            await self._copy_objects(catalog, shown)
            await in_thread(self._copy_removals)
        await in_thread(self._place.publish)

    def _copy_catalog(self, catalog: Path) -> None:
        if catalog.exists():
            return  # it was compared before it got its name
        source = self._folder.catalog(self._record.id)
        compared = catalog.with_name(f"{CATALOG}.new")
        with file_errors(self._draft):
            try:
                copied = copy_file(source, compared)
            except FileNotFoundError:
                raise _lost(source) from None
            self._compare(source, copied, self._record.catalog)
            os.rename(compared, catalog)

    async def _copy_objects(self, catalog: Path, shown: Progress) -> None:
        source = LocalObjectStore(self._folder.objects)
        copier = ObjectCopier(source, await LocalObjectStore.open(self._draft / OBJECTS), shown)
        async for page, lost in self._pages(catalog, source, copier.copy):
            self._count(page, {each.name for each in lost})
        self._judge()

    async def _pages(
        self,
        catalog: Path,
        objects: LocalObjectStore,
        look: Callable[[Page], Awaitable[Sequence[CatalogedObject | NotCopied]]],
    ) -> AsyncGenerator[tuple[Page, Sequence[CatalogedObject | NotCopied]], None]:
        """Stream the objects that a catalog names, and what a function finds missing of each page."""
        database = await SqliteDatabase.open(catalog)
        try:
            async for page in paged_objects(database, objects):
                yield page, await look(page)
        finally:
            with anyio.CancelScope(shield=True):
                await database.aclose()

    def _count(self, page: Page, lost: set[str]) -> None:
        self._files += len(page) - len(lost)
        self._bytes += sum(each.size for each in page if each.name not in lost)
        self._missing_count += len(lost)
        self._missing += sorted(lost)[: EXAMPLES - len(self._missing)]

    def _judge(self) -> None:
        """Raise an error if more is missing than the lake itself lacked."""
        known = len(self._record.missing) == self._record.missing_count
        others = set(self._missing) - set(self._record.missing) if known else set()
        count = max(self._missing_count - self._record.missing_count, len(others))
        if count > 0 and not self._skip:
            raise _damaged(self._record, count)

    def _copy_removals(self) -> None:
        with file_errors(self._draft):
            (self._draft / REMOVALS).mkdir(mode=0o700, exist_ok=True)
            for saved in self._record.removals:
                source, target = (
                    self._folder.removal(saved.no, saved.bytes),
                    file_of(self._draft, saved.no),
                )
                try:
                    copied = copy_file(source, target)
                except FileNotFoundError:
                    if self._skip:
                        continue
                    raise _lost(source) from None
                self._compare(source, copied, FileRecord(saved.bytes, saved.sha256))

    def _compare(self, path: Path, found: FileRecord, expected: FileRecord) -> None:
        if found != expected:
            raise BackupError(
                f"{path} is damaged: its content is not what was backed up",
                hint="restore another snapshot: headrace restore BACKUPS --list",
            )


def _check_outside(lake: Path, backups: Path) -> None:
    real, folder = Path(os.path.realpath(lake)), Path(os.path.realpath(backups))
    if folder in (real, *real.parents):
        raise LakeError(
            f"{lake} lies in the folder of the backups", hint="choose a place outside of it"
        )


def _digest(path: Path) -> FileRecord:
    try:
        return digest_of(path)
    except FileNotFoundError:
        raise _lost(path) from None


def _lost(path: Path) -> BackupError:
    return BackupError(
        f"{path} is missing", hint="restore another snapshot: headrace restore BACKUPS --list"
    )


def _damaged(record: SnapshotRecord, count: int) -> BackupError:
    return BackupError(
        f"snapshot {record.id} lacks {count:,} of its files, or has them damaged",
        hint="restore another snapshot, or restore without them: on_error='skip'",
    )
