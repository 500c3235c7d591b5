"""What a disk says, as headrace's errors; and syncing, which some file systems cannot do."""

from __future__ import annotations

import errno
import os

from headrace.errors import DiskFullError, TransferError

FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS})

_CANNOT_SYNC = frozenset({errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP})


def sync(file: int) -> bool:
    """Wait until a file is on the disk; False where its file system does not know how. Raises OSError."""
    try:
        os.fsync(file)
    except OSError as error:
        if error.errno not in _CANNOT_SYNC:
            raise
        return False
    return True


def disk_error(what: str, error: OSError) -> TransferError | DiskFullError:
    """``error`` in a typed error; ``what`` is what could not be done, with the path."""
    said = f"{what}: {error.strerror or type(error).__name__}"
    if error.errno in FULL:
        return DiskFullError(said, hint="free space, then run again")
    return TransferError(said, hint="check the disk and the folder's permissions, then run again")
