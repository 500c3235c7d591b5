"""Request bodies that are read from a file while they are sent; they are hashed, and changes of the file detected."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Sequence
from pathlib import Path
from threading import Lock
from typing import Self

from msgspec import Struct

from headrace.errors import HeadraceError, TransferError
from headrace.threads import in_thread

READ_BYTES = 256 * 1024
"""Bytes that are read at once. A body up to this size is sent as one bytes object."""


class Snapshot(Struct, frozen=True):
    """The state of a file when its upload began.

    Attributes:
        path: Path of the file.
        size: Size in bytes.
        changed: Modification time in nanoseconds since 1970.
        inode: Inode number.
    """

    path: Path
    size: int
    changed: int
    inode: int

    @classmethod
    def of(cls, path: Path) -> Self:
        """Take the state of a file. Raises ``OSError`` if there is none. Blocks."""
        return cls._from(path, path.stat())

    @classmethod
    def _from(cls, path: Path, found: os.stat_result) -> Self:
        if not stat.S_ISREG(found.st_mode):
            raise TransferError(f"{path} is not a regular file")
        return cls(path, found.st_size, found.st_mtime_ns, found.st_ino)

    @classmethod
    def each(cls, paths: Sequence[Path]) -> list[Self | HeadraceError | OSError]:
        """Take the states of files; an error takes the place of a file that cannot be read. Blocks."""
        found: list[Self | HeadraceError | OSError] = []
        for path in paths:
            try:
                found.append(cls.of(path))
            except (HeadraceError, OSError) as error:
                found.append(error)
        return found

    def check(self, opened: int | None = None) -> None:
        """Raise TransferError if the file, or the open descriptor ``opened``, has changed. Blocks."""
        found = self.path.stat() if opened is None else os.fstat(opened)
        if self._from(self.path, found) != self:
            raise TransferError(f"{self.path} changed during the upload", hint="run the same again")


class FileBody:
    """An asynchronous iterator over ``length`` bytes of a file from ``start``, between ``head`` and ``tail``.

    It may be closed while another task iterates over it, because a response may arrive before the end of the body; the
    iteration then ends. ``failure`` is an error of the file; the HTTP client may hide it behind its own.
    """

    def __init__(
        self,
        file: Snapshot,
        start: int,
        length: int,
        *,
        head: bytes = b"",
        tail: bytes = b"",
        algorithms: Sequence[str] = ("sha256",),
    ) -> None:
        self.failure: OSError | TransferError | None = None
        self._snapshot = file
        self._at = start
        self._end = start + length
        self._head = head
        self._tail = tail
        self._hashes = {name: hashlib.new(name, usedforsecurity=False) for name in algorithms}
        self._file: int | None = None
        self._closed = False
        self._ended = False
        self._lock = Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._closed = True
            if self._file is not None:
                os.close(self._file)
                self._file = None

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        if self._ended:
            raise StopAsyncIteration
        chunk = await in_thread(self._next)
        if not chunk:
            raise StopAsyncIteration
        return chunk

    async def whole(self) -> bytes | None:
        """Return a short body at once, with one call to a thread; None if it is long."""
        if len(self._head) + self._end - self._at + len(self._tail) > READ_BYTES:
            return None
        return await in_thread(self._next)

    def digests(self) -> dict[str, str]:
        """Return the digests of the bytes read from the file, in hexadecimal, by algorithm."""
        return {name: each.hexdigest() for name, each in self._hashes.items()}

    def _next(self) -> bytes:
        """Return the next bytes; the tail follows the last bytes of the file."""
        with self._lock:
            if self._closed or self._ended:
                return b""
            head, self._head = self._head, b""
            try:
                chunk = self._read() if self._at < self._end else b""
                if self._at == self._end:
                    self._ended = True
                    self._snapshot.check(self._file)
                    return head + chunk + self._tail
            except (OSError, TransferError) as error:
                self.failure = error
                raise
            return head + chunk

    def _read(self) -> bytes:
        if self._file is None:
            self._file = os.open(self._snapshot.path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0))
        chunk = os.pread(self._file, min(READ_BYTES, self._end - self._at), self._at)
        if not chunk:
            raise TransferError(
                f"{self._snapshot.path} became shorter during the upload",
                hint="run the same again",
            )
        for each in self._hashes.values():
            each.update(chunk)
        self._at += len(chunk)
        return chunk
