"""Sync folders and whole file systems, share blocks between files, and rename without replacing."""

from __future__ import annotations

import ctypes
import errno
import os
import re
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple, cast

MANY: Final = 32
"""Files from which on syncing the whole file system is cheaper than syncing each. It waits for files of others, too."""

_CLONE: Final = 0x40049409  # FICLONE
# ext2 to ext4, XFS, btrfs, F2FS, tmpfs, overlayfs. Others, such as FUSE, may do nothing and report no error.
_SYNCING: Final = (0xEF53, 0x58465342, 0x9123683E, 0xF2F52010, 0x01021994, 0x794C7630)
# The first Linux whose syncfs() reports that something could not be written.
_REPORTING: Final = (5, 8)
_STATFS_BYTES: Final = 256
_AT_FDCWD: Final = -100
_NOREPLACE: Final = 1
_ENCODING: Final = (sys.getfilesystemencoding(), sys.getfilesystemencodeerrors())
_NO_LINKS: Final = (errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK, errno.ENOSYS, errno.EINVAL)


class FileSystem:
    """The file system of a folder. Open it before what is to be synced is written: errors from then on are reported."""

    __slots__ = ("_file",)

    def __init__(self, folder: Path) -> None:
        self._file: int | None = None
        if _calls() is None:
            return
        file = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
        if _type(file) in _SYNCING:
            self._file = file
        else:
            os.close(file)

    def sync(self) -> bool:
        """Sync all files and folders, also those of other programs; return False where that is impossible or has failed.

        After False, sync file by file, which raises the error. On ext4 one call for 256 files costs a thirtieth of the CPU time
        of as many calls of ``fsync``, and a fraction of the waiting: the disk is flushed once.
        """
        calls = _calls()
        return self._file is not None and calls is not None and calls.syncfs(self._file) == 0

    def close(self) -> None:
        """Stop using the file system. Idempotent."""
        file, self._file = self._file, None
        if file is not None:
            os.close(file)


def clone(target: int, source: int) -> bool:
    """Let an open file share the blocks of another one; False if the file system cannot."""
    try:
        import fcntl
    except ImportError:
        return False
    try:
        fcntl.ioctl(target, _CLONE, source)
    except OSError:
        return False
    return True


def rename_new(source: str, target: str) -> bool:
    """Rename a file to a name that is free, in one step that never replaces; return False where the name is taken.

    False too where the file system has no such step, so the caller must be able to find out by other means.
    """
    rename = _renameat2()
    if rename is not None:
        # What os.fsencode does, which takes as long as the rest of this function.
        old, new = source.encode(*_ENCODING), target.encode(*_ENCODING)
        if rename(_AT_FDCWD, old, _AT_FDCWD, new, _NOREPLACE) == 0:
            return True
        number = ctypes.get_errno()
        if number == errno.EEXIST:
            return False
        if number not in (errno.EINVAL, errno.ENOSYS):
            raise OSError(number, os.strerror(number), source, None, target)
    try:
        os.link(source, target)
    except FileExistsError:
        return False
    except OSError as error:
        if error.errno in _NO_LINKS:
            return False
        raise
    os.unlink(source)
    return True


def sync_folder(folder: str | Path) -> None:
    """Flush the renames in a folder to the disk, if the system can open folders."""
    with suppress(PermissionError, IsADirectoryError):
        opened = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)


class _Calls(NamedTuple):
    syncfs: Callable[[int], int]
    fstatfs: Callable[[int, object], int]


@cache
def _calls() -> _Calls | None:
    """Return what the C library of a sufficiently new Linux has, else None."""
    release = re.match(r"(\d+)\.(\d+)", os.uname().release) if hasattr(os, "uname") else None
    if release is None or os.uname().sysname != "Linux":
        return None
    if (int(release[1]), int(release[2])) < _REPORTING:
        return None
    try:
        library = ctypes.CDLL(None)
        syncfs, fstatfs = library.syncfs, library.fstatfs
    except (AttributeError, OSError, TypeError):
        return None
    syncfs.argtypes = (ctypes.c_int,)
    fstatfs.argtypes = (ctypes.c_int, ctypes.c_void_p)
    return _Calls(
        cast("Callable[[int], int]", syncfs), cast("Callable[[int, object], int]", fstatfs)
    )


@cache
def _renameat2() -> Callable[[int, bytes, int, bytes, int], int] | None:
    """Return the call of Linux that renames without replacing, None where the C library has none."""
    if sys.platform != "linux":
        return None
    try:
        rename = ctypes.CDLL(None, use_errno=True).renameat2
    except (AttributeError, OSError, TypeError):
        return None
    rename.argtypes = (ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_uint)
    return cast("Callable[[int, bytes, int, bytes, int], int]", rename)


def _type(file: int) -> int:
    """Return the magic number of an open file's file system."""
    calls = _calls()
    found = ctypes.create_string_buffer(_STATFS_BYTES)
    if calls is None or calls.fstatfs(file, found) != 0:
        return 0
    return ctypes.c_ulong.from_buffer(found).value & 0xFFFFFFFF


# --- which file system a folder is on -----------------------------------------------------------------------

_MOUNTS = Path("/proc/self/mountinfo")
_ESCAPE = re.compile(r"\\([0-7]{3})")
_NETWORK: Final = frozenset(
    {
        *("nfs", "nfs4", "cifs", "smb2", "smb3", "smbfs", "9p", "ceph", "afs", "coda", "ncpfs"),
        *("lustre", "gpfs", "glusterfs", "beegfs", "orangefs", "pvfs2", "ocfs2", "gfs2", "davfs"),
        *("vboxsf", "vmhgfs", "prl_fs", "virtiofs", "wekafs", "panfs"),
    }
)
# All other kinds of FUSE may be files of another machine.
_LOCAL_FUSE: Final = frozenset(
    {
        *("fuseblk", "fuse.ntfs-3g", "fuse.bindfs", "fuse.fuse-overlayfs", "fuse.mergerfs"),
        *("fuse.gocryptfs", "fuse.encfs", "fuse.cryfs", "fuse.lxcfs", "fuse.ext2", "fuse.exfat"),
    }
)


class Mount(NamedTuple):
    """The file system that a folder is on.

    Attributes:
        kind: Its kind, as Linux names it: ``ext4``, ``nfs4``, ``fuse.sshfs``.
        place: Where it is mounted.
    """

    kind: str
    place: str

    @property
    def is_remote(self) -> bool:
        """Whether its files may lie on another machine."""
        return self.kind in _NETWORK or (
            self.kind.startswith("fuse") and self.kind not in _LOCAL_FUSE
        )


def mount_of(folder: Path, table: Path = _MOUNTS) -> Mount | None:
    """Return the file system that a folder is on; None where the system does not tell.

    Args:
        folder: The folder.
        table: The table of what is mounted, in Linux's form.
    """
    real = os.path.realpath(folder)
    try:
        lines = table.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return None
    found: Mount | None = None
    for line in lines:
        before, _, after = line.partition(" - ")
        place = _ESCAPE.sub(lambda match: chr(int(match[1], 8)), before.split(" ")[4])
        inside = real == place or real.startswith(place.rstrip("/") + "/")
        # Of two at one place, the later one hides the other.
        if inside and (found is None or len(place) >= len(found.place)):
            found = Mount(after.split(" ", 1)[0], place)
    return found
