"""``.headrace`` in a target folder: the journal of complete files, and the incomplete files.

Each run writes incomplete files to its own folder, which it keeps locked. The next run takes over what a crashed run
left: parts that can be resumed are moved, everything else is deleted. On file systems without locks the folders of
other runs are left alone.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import shutil
from enum import Enum
from functools import partial
from hashlib import blake2b
from pathlib import Path

from headrace.model.names import STATE_FOLDER
from headrace.transfer.source import Item
from headrace.transfer.state.commit import CommitFile, file_committer
from headrace.transfer.state.disk import NO_FOLDER, Folder, disk_error
from headrace.transfer.state.journal import CompletedFile, Journal, mark_of
from headrace.transfer.state.part import Part, part_files

FOLDER = STATE_FOLDER
LOCK = ".lock"
BATCH = 256
"""Files per commit of the journal."""


class Action(Enum):
    """What to do about a file: ``SKIP`` it, ``READ`` the local file to compute its digest, or ``FETCH`` it."""

    SKIP = "skip"
    READ = "read"
    FETCH = "fetch"


class Workspace:
    """The state of one target folder during one run. Its methods block, and are not thread-safe."""

    def __init__(self, target: Path, *, durable: bool = False) -> None:
        self.target = target
        self.durable = durable
        self._folder = target / FOLDER
        self._parts = self._folder / f"parts-{secrets.token_hex(4)}"
        self._prefix = f"{target}{os.sep}"
        self._parts_prefix = f"{self._parts}{os.sep}"
        self._lock: int | None = None
        self._resumable: set[str] = set()
        self._busy: set[str] = set()
        self._committers = 0
        self._target_open = self._parts_open = NO_FOLDER
        self._is_empty = False
        self._pending: list[CompletedFile] = []
        self.journal = Journal(self._folder / "pulled")

    def open(self) -> None:
        """Create the folders, read the journal, and take over what crashed runs left."""
        try:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            # The lock comes first, so that other runs never see an unlocked folder.
            self._lock = _own_lock(_lock_file(self._parts))
            self._parts.mkdir(mode=0o700)
            self._parts_open, self._target_open = Folder(self._parts), Folder(self.target)
            with os.scandir(self.target) as entries:
                self._is_empty = all(entry.name == FOLDER for entry in entries)
            self.journal.load()
            for other in self._folder.glob("parts-*"):
                if other.suffix == LOCK:
                    _delete_stale_lock(other)
                elif other != self._parts and other.is_dir():
                    self._take_over(other)
        except OSError as error:
            self.close()
            raise disk_error(f"cannot use the folder {self.target}", error) from error

    def close(self) -> None:
        """Commit the journal and close the files; parts that can be resumed stay."""
        try:
            self.commit()
        finally:
            self.journal.close()
            self._parts_open.close()
            self._target_open.close()
            with contextlib.suppress(OSError):
                self._parts.rmdir()
            if self._lock is not None:
                with contextlib.suppress(OSError):
                    if not self._parts.exists():
                        _lock_file(self._parts).unlink()
                os.close(self._lock)
                self._lock = None

    @property
    def has_resumable(self) -> bool:
        """Whether an earlier run left parts that can be resumed."""
        return bool(self._resumable)

    def part(self, item: Item) -> Part:
        """Return the incomplete file of an item."""
        key = blake2b(item.name.encode(errors="surrogatepass"), digest_size=16).hexdigest()
        while key in self._busy:
            key = secrets.token_hex(16)
        self._busy.add(key)
        return Part(
            item,
            f"{self._prefix}{item.name}",
            f"{self._parts_prefix}{key}",
            durable=self.durable,
            resumable=key in self._resumable,
            release=partial(self._busy.discard, key),
        )

    def committer(self) -> CommitFile:
        """Return a function that verifies and writes files that are complete in memory, for one thread."""
        self._committers += 1
        temporary = f"{self._committers}.whole"
        return file_committer(
            self._parts_open,
            temporary,
            self._target_open,
            durable=self.durable,
            is_empty=self._is_empty,
        )

    def missing(self, items: list[Item]) -> list[Item]:
        """Return the items whose files are missing or wrong.

        A file that is not in the journal is read to compute its digest, and entered if it is right. If the folder was
        empty when it was opened, all items are missing.
        """
        if self._is_empty:
            return items
        found = [item for item in items if not self._is_done(item)]
        if len(self._pending) >= BATCH:
            self.commit()
        return found

    def _is_done(self, item: Item) -> bool:
        name, sha256 = item.name, item.sha256
        path = self._target_open.within(name)
        try:
            found = os.stat(path, dir_fd=self._target_open.file)
        except OSError:
            return False
        mark = mark_of(name, sha256 or "", found)
        journaled = mark in self.journal.marks
        step = action_for(item, size=found.st_size, journaled=journaled)
        if step is Action.FETCH or (step is Action.READ and _digest(self.target / name) != sha256):
            return False
        if not journaled:
            self._pending.append(CompletedFile(path, mark))
        return True

    def done(self, item: Item, stat: os.stat_result) -> CompletedFile:
        """Return the journal entry of a complete file."""
        name = self._target_open.within(item.name)
        return CompletedFile(name, mark_of(item.name, item.sha256 or "", stat))

    def enter(self, complete: list[CompletedFile]) -> bool:
        """Enter complete files; return whether it is time to commit."""
        self._pending += complete
        return len(self._pending) >= BATCH

    def commit(self) -> None:
        """Sync the files entered since the last commit, and append them to the journal.

        Raises TransferError and DiskFullError. The files are complete even so; the next run verifies them again.
        """
        pending, self._pending = self._pending, []
        if pending:
            try:
                self.journal.commit(pending, self._target_open)
            except OSError as error:
                raise disk_error(f"cannot write the journal of {self.target}", error) from error

    def _take_over(self, other: Path) -> None:
        lock = _locked(_lock_file(other))
        if lock is None:
            return
        try:
            for part, state in part_files(other):
                state.replace(self._parts / state.name)
                part.replace(self._parts / part.name)
                self._resumable.add(part.stem)
            shutil.rmtree(other, ignore_errors=True)
            with contextlib.suppress(OSError):
                _lock_file(other).unlink()
        finally:
            os.close(lock)


def action_for(item: Item, *, size: int | None, journaled: bool) -> Action:
    """Decide what to do about a file.

    The existence of a file proves nothing: if neither size nor digest is known, only the journal counts.

    Args:
        item: The file to fetch.
        size: Size of the local file in bytes; None if there is none.
        journaled: Whether the journal lists the local file.
    """
    if size is None or (item.size is not None and size != item.size):
        return Action.FETCH
    if journaled:
        return Action.SKIP
    if item.sha256 is not None:
        return Action.READ
    return Action.SKIP if item.size is not None else Action.FETCH


def _digest(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None


def _lock_file(parts: Path) -> Path:
    return parts.with_name(parts.name + LOCK)


def _own_lock(path: Path) -> int | None:
    """Lock a new lock file; try again if another run has just deleted it as a leftover."""
    for _ in range(10):
        lock = _locked(path)
        if lock is not None:
            with contextlib.suppress(FileNotFoundError):
                if os.path.samestat(os.stat(path), os.fstat(lock)):
                    return lock
            os.close(lock)
    return None


def _delete_stale_lock(path: Path) -> None:
    """Delete a lock file that a crash left without its folder."""
    if path.with_suffix("").exists():
        return
    lock = _locked(path)
    if lock is not None:
        with contextlib.suppress(OSError):
            path.unlink()
        os.close(lock)


def _locked(path: Path) -> int | None:
    """Lock a file and return its descriptor; None if another process holds the lock, or locks are not supported."""
    try:
        import fcntl
    except ImportError:
        return None
    file = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(file)
        return None
    return file
