"""Write small files that are complete in memory: verify, write under a temporary name, rename. All functions block."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Mapping
from pathlib import Path

from headrace.transfer.source import Item
from headrace.transfer.state.disk import NO_FOLDER, Folder, sync
from headrace.transfer.state.journal import CompletedFile, mark_of, sync_folder
from headrace.transfer.verify import Chunk, check_whole

_NEW = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0)

CommitFile = Callable[[Item, memoryview, Mapping[str, str]], CompletedFile]
"""Verifies the bytes of an item, received with the given headers, and writes them to the target folder.

Returns the entry for the journal. Raises ChecksumError and OSError.
"""


def file_committer(
    parts: Folder, temporary: str, target: Folder, *, durable: bool, is_empty: bool = False
) -> CommitFile:
    """Return a function that commits files, for one thread at a time.

    Each file is written as ``temporary`` in the folder ``parts``, then renamed. Using one temporary name for all files costs
    the kernel a third less than one name for each.

    Args:
        parts: The folder of incomplete files.
        temporary: A name in it that is not used otherwise.
        target: The folder of complete files.
        durable: Whether each file is synced before it is renamed.
        is_empty: Whether the target was empty, so that no file is replaced.
    """
    path = parts.within(temporary)

    def commit(item: Item, whole: memoryview, headers: Mapping[str, str]) -> CompletedFile:
        check_whole(item, whole, headers)
        name = target.within(item.name)
        stat = write_file(whole, path, name, parts, target, durable=durable, is_new=is_empty)
        return CompletedFile(name, mark_of(item.name, item.sha256 or "", stat))

    return commit


def write_file(
    whole: Chunk,
    path: str,
    name: str,
    parts: Folder = NO_FOLDER,
    target: Folder = NO_FOLDER,
    *,
    durable: bool,
    is_new: bool = False,
) -> os.stat_result:
    """Write a file to ``path`` in ``parts``, then rename it to ``name`` in ``target``; an OSError leaves neither.

    With ``is_new`` the caller knows that no file is replaced.
    """
    file = os.open(path, _NEW, 0o666, dir_fd=parts.file)
    try:
        try:
            written = os.write(file, whole)
            while written < len(whole):
                written += os.write(file, memoryview(whole)[written:])
            # access() is cheaper than a stat() that raises.
            if durable or (not is_new and os.access(name, os.F_OK, dir_fd=target.file)):
                sync(file)
            found = os.fstat(file)
        finally:
            os.close(file)
        rename_into_place(path, name, parts, target, durable=durable)
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(path, dir_fd=parts.file)
        raise
    return found


def rename_into_place(
    path: str, name: str, parts: Folder = NO_FOLDER, target: Folder = NO_FOLDER, *, durable: bool
) -> None:
    """Rename a complete file to its final name; create its folder if needed."""
    try:
        os.replace(path, name, src_dir_fd=parts.file, dst_dir_fd=target.file)
    except FileNotFoundError:
        Path(target.full(name)).parent.mkdir(parents=True, exist_ok=True)
        os.replace(path, name, src_dir_fd=parts.file, dst_dir_fd=target.file)
    if durable:
        sync_folder(os.path.dirname(target.full(name)))
