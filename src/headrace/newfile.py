"""Creates new files and folders."""

from __future__ import annotations

import os
from pathlib import Path

_FLAGS = (
    os.O_WRONLY
    | os.O_CREAT
    | os.O_EXCL
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
)


def create_file(path: str, content: bytes, folder: int | None = None) -> None:
    """Create a file, and never replace one.

    Args:
        path: Path of the file.
        content: Its content.
        folder: Descriptor of the folder that ``path`` is relative to. Default: the current folder.

    Raises:
        FileExistsError: The path exists.
        OSError: Any other error, with the path.
    """
    fd = os.open(path, _FLAGS, 0o666, dir_fd=folder)
    try:
        done = os.write(fd, content) if content else 0
        while done < len(content):
            done += os.write(fd, content[done:])
    except OSError as error:
        error.filename = path
        raise
    finally:
        os.close(fd)


def make_private_folder(folder: Path) -> None:
    """Create a folder that only its owner can open, and its missing parents likewise, whatever the umask is.

    ``Path.mkdir`` gives parents the mode of the umask. Raises OSError, with the path.
    """
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
    except FileNotFoundError:
        make_private_folder(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)


def write_private_file(path: Path, text: str) -> None:
    """Write a file that only its owner can read, in place of one of that name; raises OSError, with the path."""
    flags = (_FLAGS & ~os.O_EXCL) | os.O_TRUNC
    with open(os.open(path, flags, 0o600), "w", encoding="utf-8", newline="") as file:
        file.write(text)
