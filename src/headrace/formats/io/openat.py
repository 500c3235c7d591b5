"""Opening files to read, by the hundred thousand: each by the handle of its folder.

The system walks the whole way to every file that is opened by its path. That can take longer than all else that is
done with a small file.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Final

# Without O_NONBLOCK a pipe that bears the name of a file would be waited on for ever.
_FILE: Final = (
    os.O_RDONLY
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
    | getattr(os, "O_NONBLOCK", 0)
)
# A handle only to find files by: it needs no more rights than a path does. Where the system has none, paths will do.
_FOLDER: Final = (
    getattr(os, "O_PATH", 0) | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_CLOEXEC", 0)
)
_HAS_HANDLES: Final = hasattr(os, "O_PATH") and os.open in os.supports_dir_fd
_HELD: Final = 16


OpenFile = Callable[[str], int]


def open_file(path: str) -> int:
    """A descriptor to read a file. Raises :class:`OSError`."""
    return os.open(path, _FILE)


class Opener:
    """:func:`open_file`, with the handles of the latest folders; close it after use."""

    def __init__(self) -> None:
        self._handles: dict[str, int] = {}

    def __call__(self, path: str) -> int:
        """A descriptor to read a file. Raises :class:`OSError`."""
        cut = path.rfind("/")
        handle = self._handles.get(path[:cut])
        if handle is None:
            handle = self._enter(path[:cut]) if _HAS_HANDLES and cut > 0 else -1
        if handle >= 0:
            try:
                return os.open(path[cut + 1 :], _FILE, dir_fd=handle)
            except OSError:  # said of the whole path, or the folder is another one by now
                pass
        return os.open(path, _FILE)

    def close(self) -> None:
        """Let the handles go."""
        while self._handles:
            os.close(self._handles.popitem()[1])

    def _enter(self, folder: str) -> int:
        if len(self._handles) >= _HELD:
            self.close()
        try:
            handle = self._handles[folder] = os.open(folder, _FOLDER)
        except OSError:
            return -1
        return handle
