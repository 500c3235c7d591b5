"""A request's body that is read from a file while it is sent."""

from __future__ import annotations

import os
from pathlib import Path
from threading import Lock
from typing import Self

from headrace.errors import TransferError
from headrace.storage.threads import in_thread

_READ_BYTES = 256 * 1024


class FileBody:
    """``length`` bytes of a file from ``start``, between ``head`` and ``tail``; read in bounded pieces, once.

    Closing is safe at any moment, also while another task still iterates (an answer may come before the end of the
    body): that iteration just ends. ``failure`` is what went wrong with the file: whoever iterates may hide it.
    """

    def __init__(
        self, path: Path, start: int, length: int, *, head: bytes = b"", tail: bytes = b""
    ) -> None:
        self.failure: OSError | TransferError | None = None
        self._path = path
        self._at = start
        self._end = start + length
        self._head = head
        self._tail = tail
        self._file: int | None = None
        self._closed = False
        self._lock = Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._closed = True
            if self._file is not None:
                os.close(self._file)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        chunk = await in_thread(self._next)
        if not chunk:
            raise StopAsyncIteration
        return chunk

    def _next(self) -> bytes:
        with self._lock:
            if self._closed:
                return b""
            if self._head:
                head, self._head = self._head, b""
                return head
            if self._at < self._end:
                return self._read()
            tail, self._tail = self._tail, b""
            return tail

    def _read(self) -> bytes:
        try:
            if self._file is None:
                self._file = os.open(self._path, os.O_RDONLY)
            chunk = os.pread(self._file, min(_READ_BYTES, self._end - self._at), self._at)
        except OSError as exc:
            self.failure = exc
            raise
        if not chunk:
            self.failure = TransferError(f"{self._path} became shorter while it was uploaded")
            raise self.failure
        self._at += len(chunk)
        return chunk
