"""Which folders are lakes or hold the files of a platform, so that nothing else is ever written there."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from headrace.errors import LakeError

DATABASE = "headrace.db"
"""The file that makes a folder a lake."""
OBJECTS = "objects"
STORE_MARK = "headrace.json"
"""The object that says to which database a store of objects belongs; a file, if the store is a folder."""


def is_lake(folder: Path) -> bool:
    """Return whether a folder is a lake."""
    return (folder / DATABASE).is_file()


def is_store(folder: Path) -> bool:
    """Return whether a folder holds the files of a platform in a database."""
    return (folder / STORE_MARK).is_file()


def is_kept(folder: Path) -> bool:
    """Return whether what a folder holds belongs to headrace: a lake, or the files of a platform."""
    return is_lake(folder) or is_store(folder)


def lake_around(path: Path, is_one: Callable[[Path], bool] = is_lake) -> Path | None:
    """Return the lake that a path is, or lies in; the path need not exist. Links are resolved.

    ``is_one`` says what is searched for, by default lakes.
    """
    real = Path(os.path.realpath(path))
    return next((folder for folder in (real, *real.parents) if is_one(folder)), None)


def lake_below(folder: Path, is_one: Callable[[Path], bool] = is_lake) -> Path | None:
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
            if is_one(Path(each)):
                return Path(each)
        folders += inside
    return None


def check_no_lake(path: Path, *, below: bool = True) -> None:
    """Check that a path that is to be written is no lake, lies in none, and contains none.

    The same holds for folders with the files of a platform in a database.

    Args:
        path: A file or folder, which need not exist.
        below: Whether to search the folders below too.

    Raises:
        LakeError: A lake or a platform would be written into; it is named.
    """
    around = lake_around(path, is_kept)
    if around is not None:
        where = "is" if around == Path(os.path.realpath(path)) else f"lies in {around}, which is"
        raise LakeError(f"{path} {where} {_what(around)}", hint="choose a place outside of it")
    if below and path.is_dir() and (found := lake_below(path, is_kept)) is not None:
        raise LakeError(
            f"{path} contains {_what(found)}, {found}", hint="choose a folder that contains none"
        )


def check_free_for_files(folder: Path) -> None:
    """Check that a folder for the files of a platform is no lake, and lies in none and in no other such folder.

    Raises:
        LakeError: Both would keep files there, and each would take the other's for garbage.
    """
    real = Path(os.path.realpath(folder))
    if is_lake(real):
        raise LakeError(f"{folder} is a lake", hint="choose a place outside of it")
    if (around := lake_around(real.parent, is_kept)) is not None:
        raise LakeError(
            f"{folder} lies in {around}, which is {_what(around)}",
            hint="choose a place outside of it",
        )


def _what(folder: Path) -> str:
    return "a lake" if is_lake(folder) else "the folder of a platform's files"
