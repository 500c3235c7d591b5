"""Read a user's file that becomes an object. All functions block and must run on a thread."""

from __future__ import annotations

import os
from pathlib import Path

from headrace.errors import BadRequestError, StorageError, TransferError

CHUNK = 1 << 20
"""Bytes that are read or written at once."""

_READ = os.O_RDONLY | getattr(os, "O_BINARY", 0)


def open_source(source: Path) -> int:
    """Open a user's file for reading; raises an error for anything but a regular file."""
    try:
        # Without O_NONBLOCK, opening a pipe that has no writer blocks.
        opened = os.open(source, _READ | getattr(os, "O_NONBLOCK", 0))
    except OSError as error:
        raise StorageError(f"cannot read {source}: {error.strerror}") from error
    if not os.path.isfile(opened):
        os.close(opened)
        raise BadRequestError(f"{source} is not a file")
    return opened


def state_of(opened: int) -> tuple[int, int]:
    """Return what shows that an open file has changed: size in bytes, and modification time in nanoseconds."""
    found = os.fstat(opened)
    return found.st_size, found.st_mtime_ns


def changed(source: Path) -> TransferError:
    """The error for a user's file that was written to while it was copied."""
    return TransferError(f"{source} changed during the upload", hint="run the same again")
