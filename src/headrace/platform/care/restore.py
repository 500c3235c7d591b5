"""Make a lake of a snapshot: beside its place, verified, and then put there by a rename.

A restore that was killed leaves a hidden folder beside the place of the lake; the next restore of the same snapshot there
goes on with it, that of another one removes it.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import anyio
from msgspec import Struct

from headrace.errors import BackupError, LakeBusyError, LakeError, LakeVersionError
from headrace.file_system import sync_folder
from headrace.folders.lakes import DATABASE, OBJECTS, check_no_lake, is_lake
from headrace.folders.lock import PathLock
from headrace.platform.care.backup_files import (
    FileRecord,
    SnapshotRecord,
    copy_file,
    digest_of,
    make_folder,
)
from headrace.platform.care.backup_folder import CATALOG, BackupFolder
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


class DraftLake:
    """A lake that is made in a hidden folder beside its place, and appears there when it is complete.

    What was interrupted leaves the folder; the same work continues in it, other work of its kind removes it. ``folder`` is
    the hidden one. All methods but :meth:`held` block.

    Args:
        lake: The place of the lake, an absolute path.
        work: What makes it: ``restore`` or ``migrate``.
        key: What tells this work from other work of its kind.
    """

    def __init__(self, lake: Path, work: str, key: str) -> None:
        self.lake = lake
        self._work = work
        self._prefix = f".{lake.name}.{work}-"
        self.folder = lake.with_name(f"{self._prefix}{key}")

    @property
    def catalog(self) -> Path:
        """The file of the catalog, as long as the draft is not complete."""
        return self.folder / CATALOG

    @asynccontextmanager
    async def held(self) -> AsyncIterator[None]:
        """Keep other work of this kind away from the place for a block.

        Raises:
            LakeBusyError: Another process does it.
        """
        lock = PathLock(self.lake.with_name(f".{self.lake.name}.{self._work}.lock"))

        def take() -> bool:
            with file_errors(self.lake.parent):
                make_folder(self.lake.parent)
                return lock.take()

        if not await in_thread(take):
            raise LakeBusyError(
                f"another process makes the lake {self.lake}",
                hint="run this again when it has finished",
            )
        try:
            yield
        finally:
            await in_thread(lock.free)

    def check_place(self) -> None:
        """Check that a lake can be made in the place.

        Raises:
            LakeError: It is in use, or lies in a lake.
        """
        if is_lake(self.lake):
            raise LakeError(
                f"{self.lake} is a lake already",
                hint="choose a new folder, and exchange the two afterwards",
            )
        check_no_lake(self.lake, below=False)
        if self.lake.exists() and not self.lake.is_dir():
            raise LakeError(f"{self.lake} is a file", hint="choose a new folder")
        if self.lake.is_dir() and any(self.lake.iterdir()):
            raise self._in_use()

    def begin(self) -> None:
        """Make the folder, and remove what other work of this kind has left here."""
        with file_errors(self.lake.parent):
            for name in os.listdir(self.lake.parent):
                if name.startswith(self._prefix) and name != self.folder.name:
                    shutil.rmtree(self.lake.parent / name, ignore_errors=True)
            self.folder.mkdir(mode=0o700, exist_ok=True)

    def publish(self) -> None:
        """Put the lake in its place.

        Raises:
            LakeError: The place is in use by now.
        """
        with file_errors(self.lake.parent):
            if self.catalog.exists():
                os.rename(self.catalog, self.folder / DATABASE)
                sync_folder(self.folder)
            try:
                os.rename(self.folder, self.lake)
            except OSError as error:
                if error.errno in (errno.ENOTEMPTY, errno.EEXIST):
                    raise self._in_use() from None
                raise
            sync_folder(self.lake.parent)

    def _in_use(self) -> LakeError:
        return LakeError(f"{self.lake} is not empty", hint="choose a new or an empty folder")


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
