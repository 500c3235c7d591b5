"""Creates new files."""

from __future__ import annotations

import os

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
