"""Clear the folder of a local store: delete old objects, and what uploads that never ended left in it.

All functions block and must run on a thread.
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from headrace.storage.objects.base import Unfinished


def stored_at(found: os.stat_result) -> int:
    """Return when a file was stored, in milliseconds since 1970. One that was moved into the store keeps its time of writing."""
    return max(found.st_mtime_ns, found.st_ctime_ns) // 1_000_000


def delete_before(objects: Iterable[tuple[str, str]], before: int, incoming: Path) -> Iterator[str]:
    """Delete objects that were stored before a time, and yield the name of each.

    Args:
        objects: Their names and paths.
        before: The time, in milliseconds since 1970.
        incoming: The folder of unfinished files of the same store.
    """
    for name, path in objects:
        with suppress(FileNotFoundError, NotADirectoryError):
            found = os.lstat(path)
            if stored_at(found) < before and _delete(path, found, incoming):
                yield name


def _delete(path: str, found: os.stat_result, incoming: Path) -> bool:
    """Delete a file, unless another one has taken its place since it was looked at: that one is put back."""
    held = f"{incoming}{os.sep}{secrets.token_hex(16)}"
    os.rename(path, held)
    is_same = os.path.samestat(found, os.lstat(held))
    if not is_same:
        # A still newer one keeps the place.
        with suppress(FileExistsError):
            os.link(held, path)
    os.unlink(held)
    return is_same


def unfinished(folders: Iterable[Path], before: int, *, delete: bool) -> Unfinished:
    """Count the entries of folders that were last written before a time; with ``delete``, remove them.

    Args:
        folders: The folders of unfinished files and uploads.
        before: The time, in milliseconds since 1970.
        delete: Whether to remove them.
    """
    count = size = 0
    for folder in folders:
        try:
            entries = os.scandir(folder)
        except FileNotFoundError:
            continue
        with entries:
            for entry in entries:
                with suppress(FileNotFoundError):
                    if stored_at(entry.stat(follow_symlinks=False)) < before:
                        count += 1
                        size += _size(entry)
                        if delete:
                            _remove(entry)
    return Unfinished(count, size)


def _size(entry: os.DirEntry[str]) -> int:
    if not entry.is_dir(follow_symlinks=False):
        return entry.stat(follow_symlinks=False).st_size
    with os.scandir(entry.path) as inside:
        return sum(each.stat(follow_symlinks=False).st_size for each in inside)


def _remove(entry: os.DirEntry[str]) -> None:
    if entry.is_dir(follow_symlinks=False):
        shutil.rmtree(entry.path, ignore_errors=True)
    else:
        os.unlink(entry.path)
