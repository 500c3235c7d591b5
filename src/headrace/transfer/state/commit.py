"""Small files that are in memory as a whole: proven, written beside their place, and given their names. All of it blocks."""

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
"""Proves the bytes of an item that came with such headers, and puts them in their place.

What it returns is for the journal; raises ChecksumError and OSError.
"""


def file_committer(
    parts: Folder, spare: str, target: Folder, *, durable: bool, is_empty: bool = False
) -> CommitFile:
    """One for one thread at a time: each file in its turn is ``spare`` in ``parts`` until it has its own name.

    That one name for all costs the system a third less than one for each.
    """
    path = parts.within(spare)

    def put(item: Item, whole: memoryview, headers: Mapping[str, str]) -> CompletedFile:
        check_whole(item, whole, headers)
        name = target.within(item.name)
        stat = put_whole(whole, path, name, parts, target, durable=durable, is_new=is_empty)
        return CompletedFile(name, mark_of(item.name, item.sha256 or "", stat))

    return put


def put_whole(
    whole: Chunk,
    path: str,
    name: str,
    parts: Folder = NO_FOLDER,
    target: Folder = NO_FOLDER,
    *,
    durable: bool,
    is_new: bool = False,
) -> os.stat_result:
    """Write a file to ``path`` within ``parts``, then let it be ``name`` within ``target``; OSError leaves neither.

    Where it ``is_new`` nobody looks for one that it replaces.
    """
    file = os.open(path, _NEW, 0o666, dir_fd=parts.file)
    try:
        try:
            written = os.write(file, whole)
            while written < len(whole):
                written += os.write(file, memoryview(whole)[written:])
            # Asking costs less than hearing as an error that there is none.
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
    """Give a file its name."""
    try:
        os.replace(path, name, src_dir_fd=parts.file, dst_dir_fd=target.file)
    except FileNotFoundError:
        Path(target.full(name)).parent.mkdir(parents=True, exist_ok=True)
        os.replace(path, name, src_dir_fd=parts.file, dst_dir_fd=target.file)
    if durable:
        sync_folder(os.path.dirname(target.full(name)))
