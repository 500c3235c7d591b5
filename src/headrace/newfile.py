"""One new file with its content, by plain calls."""

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
    """Create ``path``, below the handle ``folder`` where there is one, and write ``content``.

    Raises :class:`FileExistsError` where something is there already, and any other :class:`OSError` with the path.
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
