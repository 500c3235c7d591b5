"""One file: from an open stream to a complete, verified file under its name.

The bytes go to a temporary file beside the target; only when their number (and digest, where known) is right is it
flushed and renamed. Nobody takes a temporary file for the file itself, and what an earlier run left is overwritten.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import shutil
from pathlib import Path
from typing import BinaryIO

from anyio import CancelScope, to_thread

from headrace.errors import ChecksumError, DiskFullError
from headrace.transfer.source import Item

BUFFER = 4 << 20
"""Bytes that are gathered before a thread writes them; smaller files cost one hop to a thread."""

PART_SUFFIX = ".headrace-part"
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS}


async def fetch(item: Item, target: Path) -> int:
    """Bring one file to ``target``; the number of bytes moved.

    Raises ChecksumError where size or digest are not as promised, and whatever opening the stream raises.
    """
    part = _Part(target, want_digest=item.sha256 is not None)
    try:
        async with item.open() as stream:
            size = stream.length if item.size is None else item.size
            if stream.local_path is not None:
                await to_thread.run_sync(part.copy, stream.local_path)
            else:
                buffer: list[bytes] = []
                held = 0
                async for chunk in stream.chunks():
                    buffer.append(chunk)
                    held += len(chunk)
                    if held >= BUFFER:
                        await to_thread.run_sync(part.write, buffer)
                        buffer, held = [], 0
                await to_thread.run_sync(part.write, buffer)
        await to_thread.run_sync(part.publish, item, size)
    except OSError as error:
        if error.errno in FULL:
            raise DiskFullError(
                f"cannot write {target.name}: {error.strerror}", hint="free space, then run again"
            ) from error
        raise
    finally:
        if part.open:
            with CancelScope(shield=True):
                await to_thread.run_sync(part.discard)
    return part.size


def is_complete(target: Path, item: Item) -> bool:
    """Whether the file is there and what it must be, as far as its size and digest are known."""
    try:
        found = target.stat()
    except OSError:
        return False
    if item.size is not None and found.st_size != item.size:
        return False
    if item.sha256 is None:
        # Nobody knows what it must be: a non-empty file that was once renamed into place is taken for complete.
        return item.size is not None or found.st_size > 0
    with target.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == item.sha256


class _Part:
    """The temporary file; all methods run in worker threads, one after another."""

    def __init__(self, target: Path, *, want_digest: bool) -> None:
        self.target = target
        self.path = target.with_name(f".{target.name}{PART_SUFFIX}")
        self.size = 0
        self._file: BinaryIO | None = None
        self._digest = hashlib.sha256() if want_digest else None

    @property
    def open(self) -> bool:
        return self._file is not None

    def write(self, chunks: list[bytes]) -> None:
        file = self._begin()
        for chunk in chunks:
            file.write(chunk)
            self.size += len(chunk)
            if self._digest is not None:
                self._digest.update(chunk)

    def copy(self, source: Path) -> None:
        with source.open("rb") as origin:
            if self._digest is None:
                shutil.copyfileobj(origin, self._begin(), BUFFER)
                self.size = self._begin().tell()
                return
            while chunk := origin.read(BUFFER):
                self.write([chunk])
            self._begin()

    def publish(self, item: Item, size: int | None) -> None:
        """Check, flush and rename."""
        file = self._begin()
        if size is not None and self.size != size:
            raise ChecksumError(f"{item.name}: {self.size:,} bytes came, not {size:,}")
        if self._digest is not None and self._digest.hexdigest() != item.sha256:
            raise ChecksumError(
                f"{item.name}: the bytes that came are not those that were promised"
            )
        file.flush()
        os.fsync(file.fileno())
        file.close()
        self._file = None
        self.path.replace(self.target)

    def discard(self) -> None:
        """Leave nothing."""
        file, self._file = self._file, None
        if file is None:
            return
        # Closing writes what is left in the buffer, which fails once more on a full disk.
        with contextlib.suppress(OSError):
            file.close()
        with contextlib.suppress(OSError):
            self.path.unlink()

    def _begin(self) -> BinaryIO:
        if self._file is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self.path.open("wb")
        return self._file
