"""Files that somebody else creates, some time later, under names that are known to be free now."""

from __future__ import annotations

from pathlib import Path
from typing import Final, Protocol
from unicodedata import normalize

_PLACES: Final = 1 << 23


class Filing(Protocol):
    """Creates the files of a tree in its place."""

    def start(self, root: Path, lock: int) -> None:
        """Begin below ``root``; whoever may write there holds the handle ``lock``."""

    def put(self, folder: str, name: str, content: bytes) -> bool:
        """Take over a file that is not there yet, in a folder that is; False where it is not taken over.

        Raises what an earlier file could not do.
        """

    def settle(self) -> None:
        """Wait for all files so far, and raise what of them could not be done, unless that was raised before."""

    def end(self) -> None:
        """Settle, and let go of everything."""

    def abandon(self) -> None:
        """Stop at once, and let go of everything."""


class Later:
    """Hands over the files of a tree whose names are new without a look at the file system.

    Which names were given is kept as marks of a byte each in a table that never grows. One new name in some
    thousands, the more the fuller the table is, is taken for a given one, and left to who can look.
    """

    def __init__(self, filing: Filing) -> None:
        self._filing = filing
        self._marks = bytearray(_PLACES)

    def put(self, folder: str, name: str, content: bytes) -> bool:
        """Hand over a file, in a folder that is there; False where the tree itself must create it."""
        return self.give(f"{folder}{name}") and self._filing.put(folder, name, content)

    def settle(self) -> None:
        """Wait for all files so far, and raise what of them could not be done."""
        self._filing.settle()

    def give(self, path: str) -> bool:
        """Whether a name was new until now, to file systems too that do not tell letter cases apart."""
        key = path.lower() if path.isascii() else normalize("NFKD", path.casefold())
        number = hash(key)
        mark = number >> 32 & 0xFF or 1
        marks, at = self._marks, number % _PLACES
        while there := marks[at]:
            if there == mark:
                return False
            at = (at + 1) % _PLACES
        marks[at] = mark
        return True
