"""Bounded logs of programs: the beginning and the end are kept, the middle is dropped.

A log is a folder of segments of equal size; the file ``n`` holds the bytes from ``n * SEGMENT`` on. The first segment
and the newest ones are kept. Offsets in a log therefore stay valid when segments are dropped, and several processes
may read while one writes.
"""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path

import aiofiles
import aiofiles.os
from msgspec import Struct

from headrace.newfile import make_private_folder
from headrace.threads import in_thread

SEGMENT = 1 << 20
NEWEST = 3
"""Segments kept in addition to the first one."""

LOGS = 200
"""Logs kept in one folder; older ones are deleted."""

TAIL = 2_000
"""Bytes at the end of a log that its writer remembers."""


class LogChunk(Struct, frozen=True):
    """Bytes of a log.

    ``offset`` is greater than the requested one where bytes in between were dropped. ``end`` is the size of the log.
    """

    offset: int
    content: bytes
    end: int


class LogWriter:
    """Appends to the log in ``folder``; blocking. Disk errors lose log bytes and are otherwise ignored.

    ``secret`` is replaced by asterisks wherever one chunk holds it whole. ``tail`` is the end of all that was written.
    """

    def __init__(self, folder: Path, *, secret: bytes = b"") -> None:
        self.tail = b""
        self._folder = folder
        self._secret = secret
        self._at = 0
        self._file = -1

    def write(self, chunk: bytes) -> None:
        """Append."""
        if self._secret:
            chunk = chunk.replace(self._secret, b"***")
        self.tail = (self.tail + chunk)[-TAIL:]
        with suppress(OSError):
            self._append(memoryview(chunk))

    def close(self) -> None:
        """Close the file."""
        opened, self._file = self._file, -1
        if opened >= 0:
            os.close(opened)

    def _append(self, view: memoryview) -> None:
        while view:
            number, inside = divmod(self._at, SEGMENT)
            if self._file < 0 or inside == 0:
                self._open(number)
            written = os.write(self._file, view[: SEGMENT - inside])
            self._at += written
            view = view[written:]

    def _open(self, number: int) -> None:
        self.close()
        make_private_folder(self._folder)
        path = self._folder / str(number)
        self._file = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
        if number - NEWEST > 0:
            (self._folder / str(number - NEWEST)).unlink(missing_ok=True)


async def read_log(folder: Path, offset: int, limit: int) -> LogChunk:
    """Read at most ``limit`` bytes from ``offset`` on; empty where there is nothing yet."""
    while True:
        numbers = await in_thread(_numbers, folder)
        if not numbers:
            return LogChunk(offset, b"", 0)
        later = [number for number in numbers if number >= offset // SEGMENT]
        try:
            newest = await aiofiles.os.stat(folder / str(numbers[-1]))
            end = numbers[-1] * SEGMENT + newest.st_size
            if not later or offset >= end:
                return LogChunk(offset, b"", end)
            start = max(offset, later[0] * SEGMENT)
            content = await _read(folder / str(later[0]), start - later[0] * SEGMENT, limit)
            if len(content) < limit and later[1:2] == [later[0] + 1]:
                content += await _read(folder / str(later[1]), 0, limit - len(content))
        except FileNotFoundError:
            # The writer has just dropped this segment.
            continue
        return LogChunk(start, content, end)


async def _read(path: Path, start: int, limit: int) -> bytes:
    async with aiofiles.open(path, "rb") as file:
        await file.seek(start)
        return await file.read(limit)


def delete_old_logs(folder: Path) -> None:
    """Delete all but the newest logs in a folder, where each log is named by its job's number; blocking."""
    for number in _numbers(folder)[:-LOGS]:
        shutil.rmtree(folder / str(number), ignore_errors=True)


def _numbers(folder: Path) -> list[int]:
    try:
        return sorted(int(name) for name in os.listdir(folder) if name.isdigit())
    except FileNotFoundError:
        return []
