"""Deferred file creation: names are reserved now, and a file sink writes the files later."""

from __future__ import annotations

from pathlib import Path
from typing import Final, Protocol
from unicodedata import normalize

_TABLE_SIZE: Final = 1 << 23


class FileSink(Protocol):
    """Creates the files of a tree, possibly later and in another process."""

    def start(self, root: Path, lock: int) -> None:
        """Start below ``root``. A process that writes there must hold the file descriptor ``lock``."""

    def put(self, folder: str, name: str, content: bytes) -> bool:
        """Accept a new file in an existing folder; returns False where it is not accepted.

        Raises:
            OSError: An earlier file could not be written.
        """

    def flush(self) -> None:
        """Wait for all pending files; raises an error of theirs that was not raised before."""

    def end(self) -> None:
        """Flush and release all resources."""

    def abandon(self) -> None:
        """Stop immediately and release all resources."""


class DeferredFiles:
    """Passes files with new names to a sink, without asking the file system which names exist.

    Used names are recorded as one-byte marks in a hash table of fixed size. A few new names in ten thousand, more as
    the table fills, are mistaken for used ones; the tree then creates these files itself.
    """

    def __init__(self, file_sink: FileSink) -> None:
        self._sink = file_sink
        self._marks = bytearray(_TABLE_SIZE)

    def put(self, folder: str, name: str, content: bytes) -> bool:
        """Pass on a file in an existing folder; returns False where the tree must create it."""
        return self.claim(f"{folder}{name}") and self._sink.put(folder, name, content)

    def flush(self) -> None:
        """Wait for all pending files; raises their errors."""
        self._sink.flush()

    def claim(self, path: str) -> bool:
        """Record a name; returns whether it was new, also on case-insensitive file systems."""
        key = path.lower() if path.isascii() else normalize("NFKD", path.casefold())
        number = hash(key)
        mark = number >> 32 & 0xFF or 1
        marks, at = self._marks, number % _TABLE_SIZE
        while there := marks[at]:
            if there == mark:
                return False
            at = (at + 1) % _TABLE_SIZE
        marks[at] = mark
        return True
