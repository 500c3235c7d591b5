"""A lock on a path between processes, which ends with the process that holds it."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path

_FLAGS = os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0)


class PathLock:
    """A file that is locked while it is held, and deleted afterwards. All methods block.

    One holder has the lock at a time, also among those of one process. On file systems without locks every
    attempt succeeds.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._fd: int | None = None
        self._locked = False

    @property
    def descriptor(self) -> int:
        """The file descriptor; a process that inherits it holds the lock too."""
        assert self._fd is not None
        return self._fd

    @property
    def is_held(self) -> bool:
        """Whether this object holds the lock."""
        return self._fd is not None

    @property
    def is_locked(self) -> bool:
        """Whether the lock is held and excludes others; False on file systems without locks."""
        return self._locked

    def take(self) -> bool:
        """Take the lock; returns False if another holder has it. Raises OSError."""
        while self._fd is None:
            fd = os.open(self.path, _FLAGS, 0o666)
            try:
                locked = _lock(fd)
            except BlockingIOError:
                os.close(fd)
                return False
            # An earlier holder may have deleted the file that was just locked; such a lock is void.
            if not locked or _is_still(fd, self.path):
                self._fd, self._locked = fd, locked
            else:
                os.close(fd)
        return True

    def free(self) -> None:
        """Release the lock and delete its file. Does nothing if the lock is not held."""
        if self._fd is None:
            return
        fd, self._fd, self._locked = self._fd, None, False
        if sys.platform != "win32":
            with contextlib.suppress(OSError):
                self.path.unlink()
            # Closing is not enough: a forked process may still have the file open.
            _unlock(fd)
        os.close(fd)


def _is_still(fd: int, path: Path) -> bool:
    try:
        there = path.stat()
    except FileNotFoundError:
        return False
    return os.path.samestat(os.fstat(fd), there)


if sys.platform == "win32":
    import msvcrt

    def _lock(fd: int) -> bool:
        try:
            msvcrt.locking(fd, msvcrt.LK_NBLCK, 1)
        except OSError as error:
            raise BlockingIOError from error
        return True

    def _unlock(fd: int) -> None:
        pass

else:
    import fcntl

    def _lock(fd: int) -> bool:
        """Lock a file; returns False where that is not supported. Raises BlockingIOError if it is locked."""
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise
        except OSError:
            return False
        return True

    def _unlock(fd: int) -> None:
        with contextlib.suppress(OSError):
            fcntl.flock(fd, fcntl.LOCK_UN)
