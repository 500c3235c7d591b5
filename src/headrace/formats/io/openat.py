"""Opens many files for reading, each relative to the descriptor of its folder.

Opening by path makes the system resolve every parent folder again, which can take longer than all other work on a small
file.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Final

# Without O_NONBLOCK, opening a named pipe would block forever.
_FILE: Final = (
    os.O_RDONLY
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
    | getattr(os, "O_NONBLOCK", 0)
)
# O_PATH needs no more permissions than a path does. Systems without it open by path.
_FOLDER: Final = (
    getattr(os, "O_PATH", 0) | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_CLOEXEC", 0)
)
_HAS_DIR_FD: Final = hasattr(os, "O_PATH") and os.open in os.supports_dir_fd
_HELD: Final = 16


OpenFile = Callable[[str], int]


def open_file(path: str) -> int:
    """Return a descriptor for reading a file; raises :class:`OSError`."""
    return os.open(path, _FILE)


class Opener:
    """Like :func:`open_file`, but keeps recent folders open. Close it after use."""

    def __init__(self) -> None:
        self._folders: dict[str, int] = {}

    def __call__(self, path: str) -> int:
        """Return a descriptor for reading a file; raises :class:`OSError`."""
        cut = path.rfind("/")
        folder_fd = self._folders.get(path[:cut])
        if folder_fd is None:
            folder_fd = self._enter(path[:cut]) if _HAS_DIR_FD and cut > 0 else -1
        if folder_fd >= 0:
            try:
                return os.open(path[cut + 1 :], _FILE, dir_fd=folder_fd)
            except OSError:  # raised again below with the full path; or the folder was replaced
                pass
        return os.open(path, _FILE)

    def close(self) -> None:
        """Close the folders."""
        while self._folders:
            os.close(self._folders.popitem()[1])

    def _enter(self, folder: str) -> int:
        if len(self._folders) >= _HELD:
            self.close()
        try:
            folder_fd = self._folders[folder] = os.open(folder, _FOLDER)
        except OSError:
            return -1
        return folder_fd
