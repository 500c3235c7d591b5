"""Notice that the files of an open database were deleted, moved or replaced.

SQLite goes on reading and writing files that have lost their names. Everything written there is gone when the last
process closes them, so nothing may be written any more.
"""

from __future__ import annotations

import logging
import os
import time
from pathlib import Path

from headrace.errors import LakeLostError

SECONDS = 0.25
"""How long reads go on without looking, since a look costs a system call."""

_log = logging.getLogger("headrace.storage")

_Identity = tuple[int, int]


class OpenFiles:
    """The database file and its write-ahead log, as they were when the database was opened.

    A database that is only read has no log. Methods but :meth:`remember` may be called on any thread.
    """

    def __init__(self, path: Path, *, log: bool) -> None:
        self._folder = path.parent
        self._paths = [str(path), f"{path}-wal"] if log else [str(path)]
        self._known: list[tuple[str, _Identity]] = []
        self._next_look = 0.0
        self._logged = False

    def remember(self) -> None:
        """Remember the files, once the database is open and SQLite has made its log."""
        self._known = [(path, known) for path in self._paths if (known := _identity(path))]

    def check(self) -> None:
        """Raise :class:`LakeLostError` where a file is no longer there, or another one is. Blocks."""
        for path, known in self._known:
            found = _identity(path)
            if found != known:
                raise self._lost("replaced" if found else "deleted or moved")
        self._next_look = time.monotonic() + SECONDS

    def check_seldom(self) -> None:
        """Do the same, unless a look less than :data:`SECONDS` ago found the files. Blocks."""
        if time.monotonic() >= self._next_look:
            self.check()

    def _lost(self, how: str) -> LakeLostError:
        error = LakeLostError(
            f"the lake {self._folder} was {how} while it was open",
            hint="put it back, then open it again",
        )
        if not self._logged:
            self._logged = True
            _log.error("%s", error)
        return error


def _identity(path: str) -> _Identity | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino
