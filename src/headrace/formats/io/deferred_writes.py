"""Files that somebody else creates, some time later, under names that are known to be free now."""

from __future__ import annotations

from pathlib import Path
from typing import Final, Protocol
from unicodedata import normalize

_TABLE_SIZE: Final = 1 << 23


class FileSink(Protocol):
    """Creates the files of a tree in its place."""

    def start(self, root: Path, lock: int) -> None:
        """Begin below ``root``; whoever may write there holds the handle ``lock``."""

    def put(self, folder: str, name: str, content: bytes) -> bool:
        """Take over a file that is not there yet, in a folder that is; False where it is not taken over.

        Raises what an earlier file could not do.
        """

    def flush(self) -> None:
        """Wait for all files so far, and raise what of them could not be done, unless that was raised before."""

    def end(self) -> None:
        """Settle, and let go of everything."""

    def abandon(self) -> None:
        """Stop at once, and let go of everything."""


class DeferredFiles:
    """Hands over the files of a tree whose names are new without a look at the file system.

    Which names were given is kept as marks of a byte each in a table that never grows. One new name in some
    thousands, the more the fuller the table is, is taken for a given one, and left to who can look.
    """

    def __init__(self, file_sink: FileSink) -> None:
        self._sink = file_sink
        self._marks = bytearray(_TABLE_SIZE)

    def put(self, folder: str, name: str, content: bytes) -> bool:
        """Hand over a file, in a folder that is there; False where the tree itself must create it."""
        return self.claim(f"{folder}{name}") and self._sink.put(folder, name, content)

    def flush(self) -> None:
        """Wait for all files so far, and raise what of them could not be done."""
        self._sink.flush()

    def claim(self, path: str) -> bool:
        """Whether a name was new until now, to file systems too that do not tell letter cases apart."""
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
