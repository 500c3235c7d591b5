"""Put local files in place: share their blocks, copy or link them; verify, then rename. All functions block."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
from enum import StrEnum

from headrace.errors import ChecksumError, ConfigurationError, TransferError
from headrace.file_system import clone
from headrace.transfer.source import Item
from headrace.transfer.state.commit import rename_into_place
from headrace.transfer.state.disk import Folder, sync
from headrace.transfer.state.journal import CompletedFile, mark_of
from headrace.transfer.verify import check_size

_BINARY = getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
_READ = os.O_RDONLY | _BINARY | getattr(os, "O_NOFOLLOW", 0)
_NEW = os.O_RDWR | os.O_CREAT | os.O_TRUNC | _BINARY
_BLOCK = 1 << 20
_WRITABLE = 0o222
_CANNOT_LINK = (errno.EXDEV, errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP)


class LocalMedia(StrEnum):
    """How a file of a lake on this machine comes into a folder: as a copy, or as a hard link to the same bytes."""

    COPY = "copy"
    HARDLINK = "hardlink"


def as_media(name: LocalMedia | str) -> LocalMedia:
    """Return the way with this name. Raises ConfigurationError if there is none."""
    try:
        return LocalMedia(name)
    except ValueError:
        known = ", ".join(repr(each.value) for each in LocalMedia)
        raise ConfigurationError(f"no media {name!r}", hint=f"one of {known}") from None


class Copier:
    """Copies or links files, for one thread at a time.

    A copy shares the blocks of the file where the file system can. Else its bytes pass through this process, in blocks:
    they have to be read anyway, since they are verified, and a block that was just read is written from the processor's
    cache.

    Args:
        parts: The folder of incomplete files.
        temporary: A name in it that is not used otherwise.
        target: The folder of complete files.
        media: Whether to copy or to link.
        durable: Whether each file is synced before it is renamed.
        is_empty: Whether the target was empty, so that no file is replaced.
    """

    def __init__(
        self,
        parts: Folder,
        temporary: str,
        target: Folder,
        media: LocalMedia = LocalMedia.COPY,
        *,
        durable: bool,
        is_empty: bool = False,
    ) -> None:
        self._parts = parts
        self._path = parts.within(temporary)
        self._target = target
        self._media = media
        self._durable = durable
        self._is_empty = is_empty
        self._can_clone = True

    def copy(self, item: Item, source: str) -> CompletedFile:
        """Put a file in place; return the entry for the journal.

        Raises ChecksumError if it is not what the item promises, TransferError if nothing can be linked, OSError.
        """
        name = self._target.within(item.name)
        origin = os.open(source, _READ)
        try:
            if self._media is LocalMedia.HARDLINK:
                stat = self._link(item, source, origin, name)
            else:
                stat = self._copy(item, origin, name)
            rename_into_place(self._path, name, self._parts, self._target, durable=self._durable)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(self._path, dir_fd=self._parts.file)
            raise
        finally:
            os.close(origin)
        return CompletedFile(name, mark_of(item.name, item.sha256 or "", stat))

    def _copy(self, item: Item, origin: int, name: str) -> os.stat_result:
        copy = os.open(self._path, _NEW, 0o666, dir_fd=self._parts.file)
        try:
            self._can_clone = self._can_clone and clone(copy, origin)
            if self._can_clone:
                _verify(item, copy)
            else:
                _verify(item, origin, copy)
            # access() is cheaper than a stat() that raises.
            if self._durable or (
                not self._is_empty and os.access(name, os.F_OK, dir_fd=self._target.file)
            ):
                sync(copy)
            return os.fstat(copy)
        finally:
            os.close(copy)

    def _link(self, item: Item, source: str, origin: int, name: str) -> os.stat_result:
        _verify(item, origin)
        stat = os.fstat(origin)
        if stat.st_mode & _WRITABLE and hasattr(os, "fchmod"):
            os.fchmod(origin, stat.st_mode & 0o7777 & ~_WRITABLE)
        with contextlib.suppress(FileNotFoundError):
            # A rename leaves a link where both names are links to one file already.
            os.unlink(self._path, dir_fd=self._parts.file)
        try:
            os.link(source, self._path, dst_dir_fd=self._parts.file)
        except OSError as error:
            if error.errno not in _CANNOT_LINK:
                raise
            raise TransferError(
                f"media='hardlink': {item.name} cannot be linked: {error.strerror}",
                hint="use media='copy'",
            ) from error
        return stat


def _verify(item: Item, origin: int, copy: int | None = None) -> None:
    """Read a file from where it stands, writing it to ``copy`` if given; raise ChecksumError if it is wrong."""
    digest = hashlib.sha256()
    size = 0
    block = _BLOCK if item.size is None else min(_BLOCK, item.size + 1)
    while chunk := os.read(origin, block):
        digest.update(chunk)
        size += len(chunk)
        if copy is not None:
            written = os.write(copy, chunk)
            while written < len(chunk):
                written += os.write(copy, memoryview(chunk)[written:])
    check_size(item.name, size, item.size)
    if item.sha256 is not None and digest.hexdigest() != item.sha256:
        raise ChecksumError(f"{item.name}: the sha256 digest of the file in the lake is wrong")
