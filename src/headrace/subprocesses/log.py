"""What a program printed, kept in a bounded folder: the beginning and the end, the middle dropped.

A log is cut into segments of equal size; segment ``n`` holds the bytes from ``n * SEGMENT`` on, in a file of that
number. The first one and the newest ones are kept. So a position in the log stays what it is whatever is dropped, and
several processes may read while one writes.
"""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path

from msgspec import Struct

SEGMENT = 1 << 20
NEWEST = 3
"""Segments kept beside the first one."""

LOGS = 200
"""Logs kept in one folder of logs; the oldest go."""

TAIL = 2_000


class Piece(Struct, frozen=True):
    """Bytes of a log from ``offset`` on, which is later than asked for where those were dropped; ``end`` is its size."""

    offset: int
    content: bytes
    end: int


class LogWriter:
    """Appends to the log in ``folder``; blocking. A disk that takes no more costs the log, never the work.

    ``secret`` is blanked out wherever it is printed in one go. ``tail`` is the end of all that was written.
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
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self._folder / str(number)
        self._file = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
        if number - NEWEST > 0:
            (self._folder / str(number - NEWEST)).unlink(missing_ok=True)


def read_log(folder: Path, offset: int, limit: int) -> Piece:
    """At most ``limit`` bytes from ``offset`` on; empty where there is nothing yet. Blocking."""
    while True:
        numbers = _numbers(folder)
        if not numbers:
            return Piece(offset, b"", 0)
        later = [number for number in numbers if number >= offset // SEGMENT]
        try:
            end = numbers[-1] * SEGMENT + (folder / str(numbers[-1])).stat().st_size
            if not later or offset >= end:
                return Piece(offset, b"", end)
            start = max(offset, later[0] * SEGMENT)
            with (folder / str(later[0])).open("rb") as file:
                file.seek(start - later[0] * SEGMENT)
                content = file.read(limit)
            if len(content) < limit and later[1:2] == [later[0] + 1]:
                with (folder / str(later[1])).open("rb") as file:
                    content += file.read(limit - len(content))
        except FileNotFoundError:
            # The writer has just dropped it.
            continue
        return Piece(start, content, end)


def forget_old_logs(folder: Path) -> None:
    """Keep the newest logs of a folder of logs, each named by its job's number; blocking."""
    for number in _numbers(folder)[:-LOGS]:
        shutil.rmtree(folder / str(number), ignore_errors=True)


def _numbers(folder: Path) -> list[int]:
    try:
        return sorted(int(name) for name in os.listdir(folder) if name.isdigit())
    except FileNotFoundError:
        return []
