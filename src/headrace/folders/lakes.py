"""Which folders are lakes, so that nothing but a lake is ever written there."""

from __future__ import annotations

import os
from pathlib import Path

from headrace.errors import LakeError

DATABASE = "headrace.db"
"""The file that makes a folder a lake."""
OBJECTS = "objects"


def is_lake(folder: Path) -> bool:
    """Return whether a folder is a lake."""
    return (folder / DATABASE).is_file()


def lake_around(path: Path) -> Path | None:
    """Return the lake that a path is, or lies in; the path need not exist. Links are resolved."""
    real = Path(os.path.realpath(path))
    return next((folder for folder in (real, *real.parents) if is_lake(folder)), None)


def lake_below(folder: Path) -> Path | None:
    """Return a lake somewhere below a folder, without following links."""
    folders = [str(folder)]
    while folders:
        parent = folders.pop()
        try:
            with os.scandir(parent) as found:
                inside = [each.path for each in found if each.is_dir(follow_symlinks=False)]
        except PermissionError:
            continue  # nothing can be written there either
        for each in inside:
            if is_lake(Path(each)):
                return Path(each)
        folders += inside
    return None


def check_no_lake(path: Path, *, below: bool = True) -> None:
    """Check that a path that is to be written is no lake, lies in none, and contains none.

    Args:
        path: A file or folder, which need not exist.
        below: Whether to search the folders below too.

    Raises:
        LakeError: A lake would be written into; it is named.
    """
    around = lake_around(path)
    if around is not None:
        where = "is" if around == Path(os.path.realpath(path)) else f"lies in {around}, which is"
        raise LakeError(f"{path} {where} a lake", hint="choose a place outside of it")
    if below and path.is_dir() and (lake := lake_below(path)) is not None:
        raise LakeError(
            f"{path} contains a lake, {lake}", hint="choose a folder that contains none"
        )
