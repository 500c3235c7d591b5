"""The job of filing: files whose text is done are created, in folders that are there."""

from __future__ import annotations

import os
from typing import Final, NamedTuple

from headrace.newfile import create_file

# Folders, names and contents of some files.
Files = tuple[list[str], list[str], list[bytes]]
_HANDLES: Final = 16
_FOLDER: Final = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_NOFOLLOW", 0)


class Filing(NamedTuple):
    """The job to create files below ``handle``, an inherited one of the folder that errors call ``root``."""

    handle: int
    root: str

    def begin(self) -> _Filer:
        """Begin with no file."""
        return _Filer(self)


class _Filer:
    """Creates files in folders that it reaches from one handle alone."""

    def __init__(self, told: Filing) -> None:
        self._told = told
        self._handles: dict[str, int] = {}

    def do(self, message: Files) -> None:
        """Create some files, in their order.

        Raises :class:`OSError` with the whole path, and :class:`ValueError` for one that would lead elsewhere.
        """
        for folder, name, content in zip(*message, strict=True):
            try:
                handle = self._handles.get(folder)
                if handle is None:
                    handle = self._open(folder)
                if "/" in name:
                    raise ValueError(f"{name!r} is no plain name")
                create_file(name, content, handle)
            except OSError as error:
                error.filename = f"{self._told.root}/{folder}{name}"
                raise

    def noted(self) -> None:
        return None

    def _open(self, folder: str) -> int:
        if len(self._handles) >= _HANDLES:
            while self._handles:
                os.close(self._handles.popitem()[1])
        handle = os.dup(self._told.handle)
        try:
            # Part by part: neither a link nor ".." leads anywhere.
            for part in folder.split("/")[:-1]:
                if part in ("", ".", ".."):
                    raise ValueError(f"{folder!r} is no plain path")
                below = os.open(part, _FOLDER, dir_fd=handle)
                os.close(handle)
                handle = below
        except BaseException:
            os.close(handle)
            raise
        self._handles[folder] = handle
        return handle
