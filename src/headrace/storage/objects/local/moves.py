"""Give files of the store their names, take names away, and flush that to the disk. All functions block."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from headrace.file_system import rename_new, sync_folder
from headrace.newfile import make_private_folder

_NEW_FOLDERS = 3  # above the last one: a name is prefix/organization/lake/object


def move_to_new_name(source: str, target: str, *, sync: bool) -> bool:
    """Rename a file unless the name is taken, which returns False; creates the folders of the target."""
    try:
        moved = rename_new(source, target)
    except FileNotFoundError:
        created = Path(target).parent
        make_private_folder(created)
        moved = rename_new(source, target)
        if sync and moved:
            sync_new_folders([created])
        return moved
    if sync and moved:
        sync_folder(os.path.dirname(target))
    return moved


def move_into_place(source: str | Path, target: str | Path, *, sync: bool) -> None:
    """Rename a file, in place of what has the name; creates the folders of the target."""
    try:
        os.replace(source, target)
    except FileNotFoundError:
        created = Path(target).parent
        make_private_folder(created)
        os.replace(source, target)
        if sync:
            sync_new_folders([created])
            return
    if sync:
        sync_folder(os.path.dirname(target))


def unlink(paths: Iterable[str | Path]) -> None:
    """Delete objects; missing ones are ignored."""
    for path in paths:
        with suppress(FileNotFoundError, NotADirectoryError):
            os.unlink(path)


def sync_new_folders(folders: Iterable[Path]) -> None:
    """Flush folders of objects, and those above them that may be as new."""
    for folder in {each for one in folders for each in (one, *list(one.parents)[:_NEW_FOLDERS])}:
        sync_folder(folder)
