"""A lock on a path between processes, which ends with the process that holds it."""

from __future__ import annotations

import os
import sys
from pathlib import Path


class PathLock:
    """A file that is locked while it is held, and deleted afterwards."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._fd: int | None = None

    @property
    def descriptor(self) -> int:
        """The file descriptor; a process that inherits it holds the lock too."""
        assert self._fd is not None
        return self._fd

    @property
    def is_held(self) -> bool:
        """Whether this object holds the lock."""
        return self._fd is not None

    def take(self) -> bool:
        """Take the lock; returns False if another process has it."""
        while self._fd is None:
            fd = os.open(self.path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o666)
            if not _lock(fd):
                os.close(fd)
                return False
            # An earlier holder may have deleted the file that was just locked; such a lock is void.
            if _is_still(fd, self.path):
                self._fd = fd
            else:
                os.close(fd)
        return True

    def free(self) -> None:
        """Release the lock. Does nothing if it is not held."""
        if self._fd is None:
            return
        if sys.platform != "win32":
            self.path.unlink(missing_ok=True)
        os.close(self._fd)
        self._fd = None


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
        except OSError:
            return False
        return True

else:
    import fcntl

    def _lock(fd: int) -> bool:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
