"""Notice that a lake was not closed: a file that says that processes have it open for writing."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path

from headrace.folders.lakes import DATABASE

NAME = ".headrace-open"
_BOOT = Path("/proc/sys/kernel/random/boot_id")
_FLAGS = os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0)


class OpenMark:
    """The mark of one process in the folder of a lake. All methods block.

    The file holds the id of the system's start while the lake is open, and nothing once the last process has closed it.
    Each process holds a shared lock on it. On file systems without locks nothing is ever noticed.
    """

    def __init__(self, lake: Path) -> None:
        self._path = lake / NAME
        self._log = lake / f"{DATABASE}-wal"
        self._fd: int | None = None
        self.first = False
        """Whether no other process had the lake open."""
        self.others = False
        """Whether another process had it open."""

    def take(self) -> bool:
        """Mark the lake as open. Returns whether it was not closed, and no other process has it open.

        Until :meth:`share` is called, other processes wait here: the first one may check the lake.
        """
        with contextlib.suppress(OSError):
            self._fd = os.open(self._path, _FLAGS, 0o600)
            self.first = _lock(self._fd, exclusive=True)
            if not self.first:
                self.others = True
                _lock(self._fd, exclusive=False, wait=True)
                return False
            unclean = os.fstat(self._fd).st_size > 0 or _size(self._log) > 0
            os.ftruncate(self._fd, 0)
            os.pwrite(self._fd, _boot_id(), 0)
            return unclean
        return False

    def share(self) -> None:
        """Let other processes open the lake."""
        if self._fd is not None and self.first:
            with contextlib.suppress(OSError):
                _lock(self._fd, exclusive=False, wait=True)

    def free(self) -> None:
        """Note that this process has closed the lake. Idempotent."""
        if self._fd is not None:
            with contextlib.suppress(OSError):
                if _lock(self._fd, exclusive=True):
                    os.ftruncate(self._fd, 0)
        self.leave()

    def leave(self) -> None:
        """Let go of the mark, without noting that the lake was closed. Idempotent."""
        fd, self._fd = self._fd, None
        if fd is not None:
            os.close(fd)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _boot_id() -> bytes:
    try:
        return _BOOT.read_bytes()
    except OSError:
        return b"open\n"


if sys.platform == "win32":

    def _lock(fd: int, *, exclusive: bool, wait: bool = False) -> bool:
        raise OSError("shared locks are not used here")

else:
    import fcntl

    def _lock(fd: int, *, exclusive: bool, wait: bool = False) -> bool:
        """Lock a file; returns False if another process holds it. Raises OSError where that is not supported."""
        kind = (fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH) | (0 if wait else fcntl.LOCK_NB)
        try:
            fcntl.flock(fd, kind)
        except BlockingIOError:
            return False
        return True
