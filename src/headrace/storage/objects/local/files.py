"""File functions of the local store. All of them block and must run on a thread."""

from __future__ import annotations

import errno
import hashlib
import os
import secrets
import shutil
import stat
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from headrace.file_system import clone
from headrace.storage.objects.base import ObjectInfo, Stamp, StoredObject
from headrace.storage.objects.local.clearing import stored_at
from headrace.storage.objects.local.moves import move_into_place, move_to_new_name, unlink
from headrace.storage.objects.source_file import CHUNK

_DIGEST_ATTRIBUTE = "user.headrace.sha256"
_DIGEST_BYTES = 32
_BINARY = getattr(os, "O_BINARY", 0)
_READ = os.O_RDONLY | _BINARY


class ObjectWriter:
    """Writes an object: a hidden file that is hashed while it is written, then published by a rename or removed.

    The file is opened by the first write, so creating a writer does no I/O and leaves nothing when cancelled.
    Paths are texts here and below: a ``Path`` of each costs as much as a system call.
    """

    def __init__(self, folder: Path, name: str | None = None) -> None:
        self.path = f"{folder}{os.sep}{name or secrets.token_hex(16)}"
        self.size = 0
        self._hash = hashlib.sha256()
        self._file = -1
        self._exists = False

    def write(self, chunks: list[bytes]) -> None:
        """Append chunks."""
        opened = self._opened()
        for chunk in chunks:
            self._hash.update(chunk)
            view = memoryview(chunk)
            while view:
                view = view[os.write(opened, view) :]
            self.size += len(chunk)

    def copy(self, source: int) -> None:
        """Append the content of an open file. Its bytes are read anyway, since they are hashed."""
        size = os.fstat(source).st_size
        block, copied = min(CHUNK, size + 1), 0
        while chunk := os.read(source, block):
            self.write([chunk])
            copied += len(chunk)
            if copied == size < block:
                return  # the read has met the end

    def clone(self, source: int) -> bool:
        """Share the blocks of an open file; returns False if the file system cannot."""
        if not clone(self._opened(), source):
            return False
        self._measure(source)
        return True

    def adopt(self, source: Path, opened: int) -> bool:
        """Take over a file by a rename; returns False for a link and for a file of another file system."""
        if source.is_symlink():
            return False
        try:
            os.rename(source, self.path)
        except OSError as error:
            if error.errno == errno.EXDEV:
                return False
            raise
        self._exists = True
        self._file = os.open(self.path, os.O_RDWR | _BINARY)
        self._measure(opened)
        return True

    @property
    def digest(self) -> bytes:
        """SHA-256 of the content so far."""
        return self._hash.digest()

    def publish(self, target: str | Path, *, sync: bool) -> None:
        """Rename the file to ``target``, in place of what is there; with ``sync``, flush it to the disk first."""
        self.seal(sync=sync)
        self.replace(target, sync=sync)

    def publish_new(self, target: str, *, sync: bool) -> bool:
        """Rename the file to ``target`` if no object has this name; False, and the sealed file stays, if one has."""
        self.seal(sync=sync)
        return self.move_new(target, sync=sync)

    def seal(self, *, sync: bool) -> None:
        """End writing: store the digest beside the content, and make the file read-only."""
        opened = self._opened()
        _store_digest(opened, self.digest)
        _make_read_only(opened)
        if sync:
            os.fsync(opened)
        self._close()

    def move_new(self, target: str, *, sync: bool) -> bool:
        """Rename the sealed file to ``target`` if no object has this name; False if one has."""
        moved = move_to_new_name(self.path, target, sync=sync)
        self._exists = not moved
        return moved

    def replace(self, target: str | Path, *, sync: bool) -> None:
        """Rename the sealed file to ``target``, in place of what is there."""
        move_into_place(self.path, target, sync=sync)
        self._exists = False

    def discard(self) -> None:
        """Remove the file, unless it was published or never opened."""
        self._close()
        if self._exists:
            unlink([self.path])

    def _opened(self) -> int:
        if self._file < 0:
            flags = os.O_CREAT | os.O_EXCL | os.O_RDWR | _BINARY
            self._file = os.open(self.path, flags, 0o600)
            self._exists = True
        return self._file

    def _close(self) -> None:
        opened, self._file = self._file, -1
        if opened >= 0:
            os.close(opened)

    def _measure(self, opened: int) -> None:
        while chunk := os.read(opened, CHUNK):
            self._hash.update(chunk)
            self.size += len(chunk)


class ObjectReader:
    """Reads a range of an object in chunks; opens the file at the first read and closes it at the end."""

    def __init__(self, path: str, offset: int, length: int | None) -> None:
        self._path = path
        self._offset = offset
        self._left = length
        self._file = -1

    def read(self) -> tuple[bytes, bool]:
        """Return the next bytes, and whether they are the last ones."""
        if self._file < 0:
            self._file = open_object(self._path)
            os.lseek(self._file, self._offset, os.SEEK_SET)
        wanted = CHUNK if self._left is None else min(CHUNK, self._left)
        chunk = os.read(self._file, wanted)
        if self._left is not None:
            self._left -= len(chunk)
        ended = len(chunk) < wanted or self._left == 0
        if ended:
            self.close()
        return chunk, ended

    def close(self) -> None:
        """Close the file if it is open."""
        opened, self._file = self._file, -1
        if opened >= 0:
            os.close(opened)


def walk(root: Path) -> Iterator[StoredObject]:
    """Yield the objects below a folder; unfinished files, whose folders begin with a dot, are none."""
    pending = [""]
    while pending:
        folder = pending.pop()
        try:
            entries = os.scandir(root / folder)
        except (FileNotFoundError, NotADirectoryError):
            continue
        with entries:
            for entry in entries:
                if not folder and entry.name.startswith("."):
                    continue
                name = f"{folder}{entry.name}"
                if entry.is_dir(follow_symlinks=False):
                    pending.append(f"{name}/")
                    continue
                with suppress(FileNotFoundError):
                    found = entry.stat(follow_symlinks=False)
                    yield StoredObject(name, found.st_size, stored_at(found))


def sync_file(path: str) -> None:
    """Flush an object to the disk; a deleted one is ignored."""
    with suppress(FileNotFoundError):
        opened = open_object(path)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)


def stat_object(path: str) -> tuple[int, bytes, int, Stamp] | None:
    """Return the size of a regular file, its SHA-256 if the file system stores it, when it was stored (ms since 1970), and its stamp.

    None if there is no file.
    """
    try:
        opened = open_object(path)
    except FileNotFoundError:
        return None
    try:
        found = os.fstat(opened)
        if not stat.S_ISREG(found.st_mode):
            return None
        stamp = (found.st_ino, found.st_mtime_ns)
        return found.st_size, _stored_digest(opened), stored_at(found), stamp
    finally:
        os.close(opened)


def unchanged(looked_up: Iterable[tuple[str, ObjectInfo]]) -> list[bool]:
    """Whether each file is still the one that was looked up."""
    kept, look = [], os.lstat
    for path, info in looked_up:
        try:
            found = look(path)
        except FileNotFoundError:
            kept.append(False)
            continue
        inode, written = info.stamp
        kept.append(
            found.st_ino == inode and found.st_mtime_ns == written and found.st_size == info.size
        )
    return kept


def open_object(path: str | Path) -> int:
    """Open an object, without following a link."""
    try:
        return os.open(path, _READ | getattr(os, "O_NOFOLLOW", 0))
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENOTDIR, errno.ENAMETOOLONG):
            raise FileNotFoundError(errno.ENOENT, "no such object", path) from error
        raise


def object_info(name: str, writer: ObjectWriter) -> ObjectInfo:
    """Describe the object that a writer has written."""
    return ObjectInfo(name, writer.size, writer.digest)


def remove_stale(folder: Path, seconds: float) -> None:
    """Remove entries of a folder that are older than ``seconds``; safe in two processes at once."""
    horizon = time.time() - seconds
    with os.scandir(folder) as entries:
        for entry in entries:
            with suppress(FileNotFoundError):
                if entry.stat(follow_symlinks=False).st_mtime < horizon:
                    _remove(Path(entry.path), is_folder=entry.is_dir(follow_symlinks=False))


def _remove(path: Path, *, is_folder: bool) -> None:
    if is_folder:
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _make_read_only(opened: int) -> None:
    # Not on Windows, which refuses to delete what is read-only.
    if hasattr(os, "fchmod"):
        os.fchmod(opened, 0o400)


def _store_digest(opened: int, digest: bytes) -> None:
    if hasattr(os, "setxattr"):
        with suppress(OSError):
            os.setxattr(opened, _DIGEST_ATTRIBUTE, digest)


def _stored_digest(opened: int) -> bytes:
    if hasattr(os, "getxattr"):
        with suppress(OSError):
            digest = os.getxattr(opened, _DIGEST_ATTRIBUTE)
            return digest if len(digest) == _DIGEST_BYTES else b""
    return b""
