"""Access to the disk: open folders, syncing (which some file systems do not support), and errors."""

from __future__ import annotations

import ctypes
import errno
import os
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import cast

from headrace.errors import DiskFullError, TransferError

FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS})

_SYNC_FILE_RANGE_WRITE = 2
_CAN_HOLD = {os.open, os.stat, os.access, os.rename, os.unlink} <= os.supports_dir_fd
_HOLD = getattr(os, "O_PATH", 0) | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_CLOEXEC", 0)
_CANNOT_SYNC = frozenset({errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP})


class Folder:
    """A folder that stays open, so that the kernel looks up one name and not a whole path.

    Pass ``file`` as ``dir_fd``, with names from :meth:`within`. On systems without ``dir_fd``, ``file`` is None and the
    names are paths.
    """

    __slots__ = ("file", "path")

    def __init__(self, path: str | Path, *, held: bool = True) -> None:
        self.path = str(path)
        self.file: int | None = os.open(path, _HOLD) if held and _CAN_HOLD else None

    def within(self, name: str) -> str:
        """Return what to pass to the system for a name in the folder."""
        return name if self.file is not None else os.path.join(self.path, name)

    def full(self, name: str) -> str:
        """Return the path of a result of :meth:`within`."""
        return os.path.join(self.path, name)

    def close(self) -> None:
        """Close the folder."""
        file, self.file = self.file, None
        if file is not None:
            os.close(file)


NO_FOLDER = Folder("", held=False)
"""Stands for no folder: names are paths."""


def sync(file: int) -> bool:
    """Sync a file to the disk; False if its file system does not support that. Raises OSError."""
    try:
        os.fsync(file)
    except OSError as error:
        if error.errno not in _CANNOT_SYNC:
            raise
        return False
    return True


def begin_sync(file: int) -> None:
    """Start writing a file to the disk, if the system supports that; :func:`sync` waits for the end."""
    begin = _sync_file_range()
    if begin is not None:
        begin(file, 0, 0, _SYNC_FILE_RANGE_WRITE)


@cache
def _sync_file_range() -> Callable[[int, int, int, int], object] | None:
    # posix_fadvise(DONTNEED) would start it too, but also drop the file from the page cache.
    try:
        function = ctypes.CDLL(None).sync_file_range
    except (AttributeError, OSError, TypeError):
        return None
    function.argtypes = (ctypes.c_int, ctypes.c_int64, ctypes.c_int64, ctypes.c_uint)
    return cast("Callable[[int, int, int, int], object]", function)


def disk_error(what: str, error: OSError) -> TransferError | DiskFullError:
    """Wrap an OSError; ``what`` says what failed, with the path."""
    message = f"{what}: {error.strerror or type(error).__name__}"
    if error.errno in FULL:
        return DiskFullError(message, hint="free space, then run again")
    return TransferError(
        message, hint="check the disk and the folder's permissions, then run again"
    )
