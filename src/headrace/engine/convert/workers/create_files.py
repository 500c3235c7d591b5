"""The job of creating files with given contents, in existing folders."""

from __future__ import annotations

import os
from typing import Final, NamedTuple

from headrace.newfile import create_file

# Folders, names and contents of files.
Files = tuple[list[str], list[str], list[bytes]]
_MAX_OPEN_FOLDERS: Final = 16
_FOLDER: Final = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_NOFOLLOW", 0)


class CreateFilesJob(NamedTuple):
    """The job to create files below the inherited file descriptor ``handle``; ``root`` is its path, for errors."""

    handle: int
    root: str

    def begin(self) -> _FileCreator:
        """Start the job."""
        return _FileCreator(self)


class _FileCreator:
    """Creates files in folders below one file descriptor."""

    def __init__(self, job: CreateFilesJob) -> None:
        self._job = job
        self._handles: dict[str, int] = {}

    def do(self, message: Files) -> None:
        """Create files, in order.

        Raises :class:`OSError` with the whole path, and :class:`ValueError` for a path that leads out of the root.
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
                error.filename = f"{self._job.root}/{folder}{name}"
                raise

    def noted(self) -> None:
        return None

    def _open(self, folder: str) -> int:
        if len(self._handles) >= _MAX_OPEN_FOLDERS:
            while self._handles:
                os.close(self._handles.popitem()[1])
        handle = os.dup(self._job.handle)
        try:
            # Open part by part, so that neither a link nor ".." leads out of the root.
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
