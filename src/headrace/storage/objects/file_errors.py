"""Errors of files as headrace's own errors, each with a hint for the user."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from headrace.errors import DiskFullError, HeadraceError, LakeLostError, StorageError

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@contextmanager
def file_errors(path: Path) -> Iterator[None]:
    """Translate :class:`OSError` to :class:`StorageError` with the folder and a hint."""
    try:
        yield
    except OSError as error:
        if isinstance(error, HeadraceError):
            raise
        raise translated(error, path) from error


def translated(error: OSError, path: Path) -> StorageError:
    """Return the error that an :class:`OSError` in a folder means."""
    reason = error.strerror or str(error)
    if error.errno == errno.ENOENT and not path.is_dir():
        return lost(path)
    if error.errno in _FULL:
        return DiskFullError(
            f"no space left in {path}", hint="free space on its disk and run the same command again"
        )
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return StorageError(f"cannot write to {path}: {reason}", hint="check who owns the folder")
    if error.errno in (errno.EMFILE, errno.ENFILE):
        return StorageError("too many open files", hint="raise the limit (ulimit -n)")
    return StorageError(f"{path}: {reason}")


def lost(folder: Path) -> LakeLostError:
    """The error for a store whose folder is no longer the one that was opened."""
    return LakeLostError(
        f"the folder {folder} was deleted, moved or replaced while its lake was open",
        hint="put it back, then open the lake again",
    )
