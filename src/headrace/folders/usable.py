"""Files that cannot be read as data, each with the cure: pipes and devices, pointers of git-lfs, links that lead away."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import Final

from headrace.errors import SourceNotFoundError, UnusableFileError

_POINTER: Final = b"version https://git-lfs.github.com/"
_POINTER_BYTES: Final = 1024
"""Pointers of git-lfs are never longer, in bytes."""

_KINDS: Final = (
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


def check_source(path: Path) -> None:
    """Check that a path that a person named can be read as a file or a folder, without opening pipes or devices.

    Raises:
        SourceNotFoundError: It does not exist.
        UnusableFileError: It is a pipe, a device or a socket, a link that leads nowhere, or a pointer of git-lfs.
    """
    try:
        about = path.stat()
    except OSError as error:
        if path.is_symlink():
            raise _broken_link(path, error) from None
        if error.errno in (errno.ENOENT, errno.ENOTDIR):
            raise SourceNotFoundError(
                "no such file or folder", path=path, hint="check the path"
            ) from None
        raise
    if not stat.S_ISDIR(about.st_mode):
        _check_file(path, about)


def check_upload(path: Path, root: Path | None) -> int:
    """Check that a file can be uploaded; return its size in bytes.

    Args:
        path: The file.
        root: The folder that it was found in; a link out of it is refused. None if a person named the file, or asked to
            follow links.

    Raises:
        UnusableFileError: There is no file, or it holds no data of its own.
    """
    try:
        about = os.lstat(path)
        if stat.S_ISLNK(about.st_mode):
            if root is not None:
                _check_link(path, root)
            about = os.stat(path)
    except OSError as error:
        if path.is_symlink():
            raise _broken_link(path, error) from None
        raise UnusableFileError(
            f"{path}: {(error.strerror or str(error)).lower()}", hint="check the path"
        ) from None
    if stat.S_ISDIR(about.st_mode):
        raise UnusableFileError(f"{path} is a folder", hint="name its files")
    _check_file(path, about)
    if not about.st_size:
        raise UnusableFileError(f"{path} is empty", hint="fetch or make the file again")
    try:
        path.name.encode()
    except UnicodeEncodeError:
        raise UnusableFileError(
            f"the name of {path} is not UTF-8, as names in a version are", hint="rename the file"
        ) from None
    return about.st_size


def leads_out(path: Path, root: Path) -> bool:
    """Return whether a link leads out of a folder."""
    return not Path(os.path.realpath(path)).is_relative_to(os.path.realpath(root))


def _check_link(path: Path, root: Path) -> None:
    if path.exists() and leads_out(path, root):
        raise UnusableFileError(
            f"{path} is a link that leads out of {root}", hint="pass follow_links=True to read it"
        )


def _check_file(path: Path, about: os.stat_result) -> None:
    for matches, kind in _KINDS:
        if matches(about.st_mode):
            raise UnusableFileError(
                f"{path} is {kind}, not a file",
                hint="copy what it yields into a file, or pipe it in",
            )
    if 0 < about.st_size <= _POINTER_BYTES and is_pointer(path):
        raise UnusableFileError(
            f"{path} is a pointer of git-lfs, not the file itself", hint="run: git lfs pull"
        )


def is_pointer(path: Path) -> bool:
    """Return whether a file is a pointer of git-lfs, which stands for the file until it is fetched."""
    with path.open("rb") as file:
        return file.read(len(_POINTER)) == _POINTER


def _broken_link(path: Path, error: OSError) -> UnusableFileError:
    if error.errno == errno.ELOOP:
        why = "leads in circles"
    elif error.errno in (errno.ENOENT, errno.ENOTDIR):
        why = "leads nowhere"
    else:
        why = f"cannot be followed: {(error.strerror or str(error)).lower()}"
    return UnusableFileError(f"{path} is a link that {why}", hint="mend or remove it")
