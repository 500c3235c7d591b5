"""Locks in the folder ``.headrace`` of a target: two processes never change one target at a time.

A lock file exists only while it is held, or after a crash. The system releases the lock when its process ends, so the
next process takes over at once. On file systems without locks every attempt succeeds.
"""

from __future__ import annotations

import contextlib
import logging
import os
import threading
from collections.abc import Callable
from pathlib import Path

import anyio

from headrace.folders.lock import PathLock
from headrace.model.names import STATE_FOLDER
from headrace.threads import in_thread

WAIT_SECONDS = 0.1
"""Seconds between two attempts to take a lock that another process has."""

_log = logging.getLogger("headrace.transfer")
_ATTEMPTS = 100


class FileLock:
    """A lock file in a folder that exists for it. All methods block."""

    def __init__(self, path: Path) -> None:
        self._lock = PathLock(path)

    @property
    def is_locked(self) -> bool:
        """Whether the system really locked the file; False on file systems without locks."""
        return self._lock.is_locked

    def acquire(self) -> bool:
        """Take the lock, and create its folder; return False if another holder has it. Raises OSError."""
        for _ in range(_ATTEMPTS):
            self._lock.path.parent.mkdir(mode=0o700, exist_ok=True)
            try:
                return self._lock.take()
            except FileNotFoundError:
                continue  # the last holder has just deleted the folder
        return False

    def release(self) -> None:
        """Delete the lock file, release it, and delete its folder if that is empty. Errors are ignored."""
        self._lock.free()
        with contextlib.suppress(OSError):
            self._lock.path.parent.rmdir()


class SharedLock:
    """The lock of a target folder, shared by all downloads of this process.

    Attributes:
        users: Number of downloads that hold it.
        incomplete: Whether one of them has ended without being complete.
    """

    def __init__(self, file: FileLock) -> None:
        self.users = 1
        self.incomplete = False
        self._file = file

    @property
    def is_exclusive(self) -> bool:
        """Whether no other process, and no other download of this one, uses the folder."""
        return self.users == 1 and self.is_locked

    @property
    def is_locked(self) -> bool:
        """Whether other processes are excluded; False on file systems without locks."""
        return self._file.is_locked

    def release(self) -> None:
        """Release the lock of the last download."""
        self._file.release()


_held: dict[tuple[int, int, int], SharedLock] = {}
_guard = threading.Lock()


def share_lock(target: Path) -> SharedLock | None:
    """Return the lock of an existing target folder; None if another process has it. Raises OSError."""
    with _guard:
        key = _key(target)
        found = _held.get(key)
        if found is not None:
            found.users += 1
            return found
        file = FileLock(target / STATE_FOLDER / "lock")
        if not file.acquire():
            return None
        lock = _held[key] = SharedLock(file)
        return lock


def release_share(lock: SharedLock, *, complete: bool, clean: Callable[[], None]) -> None:
    """Leave a shared lock; the last download calls ``clean`` if all were complete, and releases it."""
    with _guard:
        lock.users -= 1
        lock.incomplete |= not complete
        if lock.users:
            return
        for key in [key for key, held in _held.items() if held is lock]:
            del _held[key]
        try:
            if not lock.incomplete:
                clean()
        finally:
            lock.release()


async def wait_for_lock(acquire: Callable[[], bool], target: Path, what: str) -> None:
    """Call ``acquire`` until it succeeds. If another process has the lock, say so; ``what`` is it doing."""
    if await in_thread(acquire):
        return
    _log.warning("another %s of %s is running: waiting for its end", what, target)
    while not await in_thread(acquire):  # noqa: ASYNC110  another process sets no event
        await anyio.sleep(WAIT_SECONDS)


def remove_unheld(path: Path) -> None:
    """Delete a lock file that a crash left, unless its lock is held. Errors are ignored."""
    if path.exists():
        lock = FileLock(path)
        with contextlib.suppress(OSError):
            if lock.acquire():
                lock.release()


def _key(target: Path) -> tuple[int, int, int]:
    found = target.stat()
    # The process is part of it: the locks of a process do not count as those of its forks.
    return os.getpid(), found.st_dev, found.st_ino
