"""Atomic publishing: a target appears complete or not at all.

The target is built at ``.NAME.headrace-part`` next to it, under a lock on ``.NAME.headrace-lock``. The system releases
the lock when its process ends, so the next run can safely delete the remains of a killed one.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
from pathlib import Path

from headrace.errors import FormatError


class AtomicTarget:
    """Builds one file or folder and publishes it atomically.

    Args:
        target: The path to create.
        overwrite: Whether an existing target may be replaced.
    """

    def __init__(self, target: Path, *, overwrite: bool) -> None:
        self.target = target
        self.temp = target.with_name(f".{target.name}.headrace-part")
        self._old = target.with_name(f".{target.name}.headrace-old")
        self._lock = target.with_name(f".{target.name}.headrace-lock")
        self._overwrite = overwrite
        self._lock_fd: int | None = None

    @property
    def lock(self) -> int:
        """File descriptor of the lock, valid from :meth:`begin` on; a process that inherits it holds the lock too."""
        assert self._lock_fd is not None
        return self._lock_fd

    def begin(self) -> Path:
        """Lock the target for this process.

        Returns:
            The path to build at, which does not exist yet.

        Raises:
            FormatError: The target exists (an empty folder does not count) and must not be overwritten, its parent
                folder is missing, or another process is writing it.
        """
        if not self.target.parent.is_dir():
            raise FormatError(
                f"the folder {self.target.parent} does not exist", hint="create it first"
            )
        self._take_lock()
        try:
            self._restore()
            if not self._overwrite and _occupied(self.target):
                raise FormatError(
                    f"{self.target} exists", hint="choose another target, or pass overwrite=True"
                )
            _remove(self.temp)
        except BaseException:
            self._free_lock()
            raise
        return self.temp

    def publish(self) -> None:
        """Flush the content to disk and rename it to the target."""
        if self.temp.is_file():
            _sync(self.temp)
        if self.temp.is_dir() or self.target.is_dir():
            # A folder cannot be renamed over another one: the old one is moved away first, and restored if this fails.
            if self.target.exists():
                self.target.rename(self._old)
            self.temp.rename(self.target)
            _remove(self._old)
        else:
            self.temp.replace(self.target)
        _sync(self.target.parent)
        self._free_lock()

    def discard(self) -> None:
        """Delete the unpublished content and release the lock. Does nothing after :meth:`publish`."""
        if self._lock_fd is None:
            return
        try:
            _remove(self.temp)
            self._restore()
        finally:
            self._free_lock()

    def _restore(self) -> None:
        # An earlier run ended between the two renames of publish: the old target is still at its temporary name.
        if self._old.exists():
            if self.target.exists():
                _remove(self._old)
            else:
                self._old.rename(self.target)

    def _take_lock(self) -> None:
        while self._lock_fd is None:
            fd = os.open(self._lock, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o666)
            if not _lock(fd):
                os.close(fd)
                raise FormatError(
                    f"another process is writing {self.target}",
                    hint="wait for it, or choose another target",
                )
            # An earlier holder may have deleted the file that was just locked; such a lock is void.
            if _is_still(fd, self._lock):
                self._lock_fd = fd
            else:
                os.close(fd)

    def _free_lock(self) -> None:
        if self._lock_fd is None:
            return
        if sys.platform != "win32":
            self._lock.unlink(missing_ok=True)
        os.close(self._lock_fd)
        self._lock_fd = None


def _occupied(path: Path) -> bool:
    if path.is_dir():
        return next(path.iterdir(), None) is not None
    return path.exists() or path.is_symlink()


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _is_still(fd: int, path: Path) -> bool:
    try:
        there = path.stat()
    except FileNotFoundError:
        return False
    here = os.fstat(fd)
    return (here.st_dev, here.st_ino) == (there.st_dev, there.st_ino)


def _sync(path: Path) -> None:
    """Flush a file, or the entries of a folder, to the disk."""
    if sys.platform == "win32":
        if path.is_dir():
            return
        fd = os.open(path, os.O_RDWR)
    else:
        fd = os.open(path, os.O_RDONLY)
    try:
        # Some network file systems refuse to flush folders.
        with contextlib.suppress(OSError):
            os.fsync(fd)
    finally:
        os.close(fd)


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
