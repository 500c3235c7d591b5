"""The folder that backups of a lake go into: its objects once, and a small folder for each snapshot.

    headrace-backup.json           what the folder is, and of which lake
    objects/                       the objects of all snapshots
    removals/NUMBER-BYTES.removal  removal files
    snapshots/ID/catalog.db        the catalog at one moment
    snapshots/ID/snapshot.json     what belongs to it, with sizes and digests

A snapshot gets its name by a rename, when all that it needs is on the disk. The catalog holds the digests of tokens and the
keys that sign file URLs, so only the owner of the folder can read it. Functions block and must run on a thread.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from msgspec import Struct

from headrace.errors import BackupError, LakeBusyError, LakeVersionError
from headrace.file_system import sync_folder
from headrace.folders.lakes import check_no_lake
from headrace.folders.lock import PathLock
from headrace.platform.care.backups.files import (
    FORMAT,
    UNFINISHED,
    SavedRemoval,
    SnapshotRecord,
    copy_file,
    digest_of,
    make_folder,
    read_record,
    write_record,
)
from headrace.platform.removals.frames import file_of
from headrace.storage.objects.file_errors import file_errors

MARK: Final = "headrace-backup.json"
"""The file that makes a folder one of backups."""
CATALOG: Final = "catalog.db"

_RECORD = "snapshot.json"
_OBJECTS = "objects"
_REMOVALS = "removals"
_SNAPSHOTS = "snapshots"
_LOCK = ".lock"
_GONE = ".old-"
_ID = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{4}")
_LAST_SHOWN = 5


class _Mark(Struct):
    format: int
    origin: str


class BackupFolder:
    """A folder with the backups of one lake. Before anything is written, :meth:`take` it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.objects = path / _OBJECTS
        self._removals = path / _REMOVALS
        self._snapshots = path / _SNAPSHOTS
        self._lock = PathLock(path / _LOCK)

    @property
    def exists(self) -> bool:
        """Whether the folder holds backups."""
        return (self.path / MARK).is_file()

    def check(self, origin: str | None = None) -> None:
        """Check that the folder holds backups that this headrace can read.

        Args:
            origin: The lake that they must be of. Default: any.

        Raises:
            BackupError: It holds none, or those of another lake.
            LakeVersionError: A newer headrace wrote it.
        """
        if not self.exists:
            raise BackupError(
                f"{self.path} holds no backups (no {MARK})",
                hint=f"make one: headrace backup LAKE {self.path}",
            )
        mark = read_record(self.path / MARK, _Mark)
        if mark.format > FORMAT:
            raise _too_new(f"the backups in {self.path}")
        if origin is not None and mark.origin != origin:
            raise BackupError(
                f"{self.path} holds the backups of another lake", hint="choose another folder"
            )

    def snapshots(self) -> list[SnapshotRecord]:
        """Return all snapshots, the oldest first."""
        self.check()
        found = [self._record(name) for name in os.listdir(self._snapshots) if _ID.fullmatch(name)]
        return sorted(found, key=lambda each: (each.created, each.id))

    def snapshot(self, wanted: str | None = None) -> SnapshotRecord:
        """Return the snapshot whose id begins with a text. Default: the newest.

        Raises:
            BackupError: There is none, or there are several.
        """
        every = self.snapshots()
        chosen = [each for each in every if each.id.startswith(wanted or "")]
        if not every:
            raise BackupError(
                f"no backup into {self.path} was ever completed", hint="run headrace backup again"
            )
        if not chosen:
            names = ", ".join(each.id for each in every[-_LAST_SHOWN:])
            raise BackupError(
                f"there is no snapshot {wanted!r} in {self.path}", hint=f"the newest are {names}"
            )
        if wanted and len(chosen) > 1:
            raise BackupError(
                f"{len(chosen)} snapshots begin with {wanted!r}", hint="give more of the id"
            )
        if chosen[-1].format > FORMAT:
            raise _too_new(f"snapshot {chosen[-1].id}")
        return chosen[-1]

    def catalog(self, id: str) -> Path:
        """Return the path of a snapshot's catalog."""
        return self._snapshots / id / CATALOG

    def removal(self, no: int, size: int) -> Path:
        """Return the path of a removal's file, of which ``size`` bytes count."""
        return self._removals / f"{no:010d}-{size}.removal"

    # --- writing ------------------------------------------------------------------------------------------

    def take(self, origin: str) -> None:
        """Take the folder to write into it; it is made if it is missing, and what a killed run left is removed.

        Args:
            origin: What tells the lake from others.

        Raises:
            BackupError: The folder is in use for something else, or holds the backups of another lake, or
                cannot be made.
            LakeBusyError: Another process writes into it.
            LakeError: It is a lake, or lies in one.
        """
        check_no_lake(self.path, below=False)
        with file_errors(self.path):
            self._make()
            if not self._lock.take():
                raise LakeBusyError(
                    f"another process writes backups into {self.path}",
                    hint="run this again when it has finished",
                )
            try:
                self._fill(origin)
                self.check(origin)
                self._clear()
            except BaseException:
                self.free()
                raise

    def free(self) -> None:
        """Let others write into the folder. Idempotent."""
        self._lock.free()

    def draft(self) -> Path:
        """Make an empty folder for a snapshot that is being taken."""
        draft = self._snapshots / f"{UNFINISHED}{secrets.token_hex(8)}"
        draft.mkdir(mode=0o700)
        return draft

    def publish(self, draft: Path, record: SnapshotRecord) -> None:
        """Give a snapshot its name, once all of it is on the disk."""
        write_record(draft / _RECORD, record)
        sync_folder(draft)
        os.rename(draft, self._snapshots / record.id)
        sync_folder(self._snapshots)

    def save_removal(self, lake: Path, no: int, size: int) -> SavedRemoval | None:
        """Copy what counts of a removal's file; None if it is gone or too short."""
        target = self.removal(no, size)
        if target.is_file() and target.stat().st_size == size:
            return SavedRemoval(no, size, digest_of(target).sha256)
        try:
            copied = copy_file(file_of(lake, no), target, size)
        except FileNotFoundError:
            return None
        if copied.size < size:
            target.unlink()
            return None
        return SavedRemoval(no, size, copied.sha256)

    def forget(self, id: str) -> None:
        """Delete a snapshot: it goes by a rename, its files afterwards."""
        gone = self._snapshots / f"{_GONE}{id}"
        os.rename(self._snapshots / id, gone)
        shutil.rmtree(gone, ignore_errors=True)

    def drop_removals(self) -> None:
        """Delete the removal files that no snapshot has."""
        saved = [each for record in self.snapshots() for each in record.removals]
        kept = {self.removal(each.no, each.bytes).name for each in saved}
        for name in os.listdir(self._removals):
            if name not in kept:
                (self._removals / name).unlink(missing_ok=True)

    def _make(self) -> None:
        make_folder(self.path)
        own = {_LOCK, _OBJECTS, _REMOVALS, _SNAPSHOTS, f"{MARK}.new"}
        if not self.exists and set(os.listdir(self.path)) - own:
            raise BackupError(
                f"{self.path} is not empty, and holds no backups",
                hint="choose a new or an empty folder",
            )
        self.path.chmod(0o700)

    def _fill(self, origin: str) -> None:
        for folder in (self._removals, self._snapshots):
            folder.mkdir(mode=0o700, exist_ok=True)
        if self.exists:
            return
        new = self.path / f"{MARK}.new"
        new.unlink(missing_ok=True)
        write_record(new, _Mark(FORMAT, origin))
        os.rename(new, self.path / MARK)
        sync_folder(self.path)

    def _clear(self) -> None:
        for name in os.listdir(self._snapshots):
            if name.startswith((UNFINISHED, _GONE)):
                shutil.rmtree(self._snapshots / name, ignore_errors=True)
        for name in os.listdir(self._removals):
            if name.startswith(UNFINISHED):
                with suppress(FileNotFoundError):
                    (self._removals / name).unlink()

    def _record(self, id: str) -> SnapshotRecord:
        return read_record(self._snapshots / id / _RECORD, SnapshotRecord)


def new_id(created: int) -> str:
    """Return the id of a snapshot that is taken at a time (milliseconds since 1970)."""
    moment = datetime.fromtimestamp(created / 1000, UTC)
    return f"{moment:%Y%m%dT%H%M%SZ}-{secrets.token_hex(2)}"


def _too_new(what: str) -> LakeVersionError:
    return LakeVersionError(
        f"a newer headrace wrote {what}", hint="install the newest version: pip install -U headrace"
    )
