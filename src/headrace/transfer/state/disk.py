"""What a disk says, as headrace's errors; and syncing, which some file systems cannot do."""

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
    """A folder that stays open: a name in it costs the system one step, and not one for each folder above it.

    Hand ``file`` to the system as ``dir_fd``, and names by :meth:`within`; where it has no such thing those are paths.
    """

    __slots__ = ("file", "path")

    def __init__(self, path: str | Path, *, held: bool = True) -> None:
        self.path = str(path)
        self.file: int | None = os.open(path, _HOLD) if held and _CAN_HOLD else None

    def within(self, name: str) -> str:
        """What a name in the folder is called for the system."""
        return name if self.file is not None else os.path.join(self.path, name)

    def full(self, name: str) -> str:
        """The path of what :meth:`within` gave."""
        return os.path.join(self.path, name)

    def close(self) -> None:
        """Let go of it."""
        file, self.file = self.file, None
        if file is not None:
            os.close(file)


NO_FOLDER = Folder("", held=False)
"""For names that are paths."""


def sync(file: int) -> bool:
    """Wait until a file is on the disk; False where its file system does not know how. Raises OSError."""
    try:
        os.fsync(file)
    except OSError as error:
        if error.errno not in _CANNOT_SYNC:
            raise
        return False
    return True


def begin_sync(file: int) -> None:
    """Let a file's bytes set out for the disk, where the system can be asked for that; :func:`sync` waits for them."""
    begin = _sync_file_range()
    if begin is not None:
        begin(file, 0, 0, _SYNC_FILE_RANGE_WRITE)


@cache
def _sync_file_range() -> Callable[[int, int, int, int], object] | None:
    # posix_fadvise(DONTNEED) would begin too, but also take the file out of memory.
    try:
        function = ctypes.CDLL(None).sync_file_range
    except (AttributeError, OSError, TypeError):
        return None
    function.argtypes = (ctypes.c_int, ctypes.c_int64, ctypes.c_int64, ctypes.c_uint)
    return cast("Callable[[int, int, int, int], object]", function)


def disk_error(what: str, error: OSError) -> TransferError | DiskFullError:
    """``error`` in a typed error; ``what`` is what could not be done, with the path."""
    said = f"{what}: {error.strerror or type(error).__name__}"
    if error.errno in FULL:
        return DiskFullError(said, hint="free space, then run again")
    return TransferError(said, hint="check the disk and the folder's permissions, then run again")
