"""Replacing what headrace wrote in a folder, and nothing else.

A whole folder is replaced in three steps. The new content is complete in a separate folder. First, files of the old folder
that are not headrace's own are linked into the new one, so they are at their paths from the first moment on. Second, the two
folders change places. Third, :func:`clear_replaced` deletes the old folder, which has its temporary name by then; if the
process is killed before, the next run does so.
"""

from __future__ import annotations

import filecmp
import os
import shutil
import stat
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path

from headrace.errors import FormatError
from headrace.folders.manifest import Entry, Manifest, entries

_BATCH = 4096
_SHOWN = 10


def in_the_way(folder: Path, new: Path, own: Manifest) -> Iterator[str]:
    """Yield the paths below ``folder`` that are not headrace's own and that ``new`` has too.

    Two folders of the same name are not in each other's way, nor are files of the same content. A mounted folder always
    is, since it cannot be moved.
    """
    device = folder.stat().st_dev
    for entry in _foreign(folder, own):
        path = os.fsdecode(entry.path)
        is_folder = path.endswith("/")
        try:
            other = (new / path).lstat()
        except FileNotFoundError:
            taken = False
        except NotADirectoryError:
            taken = True
        else:
            both = is_folder and stat.S_ISDIR(other.st_mode)
            taken = not both and not _are_equal(folder / path, new / path)
        if taken or (is_folder and (folder / path).lstat().st_dev != device):
            yield path


def taken_in(folder: Path, new: Path, own: Manifest) -> Iterator[str]:
    """Yield the paths below ``new`` at which ``folder`` has something that is not headrace's own."""
    for entry in entries(new):
        path = os.fsdecode(entry.path)
        try:
            there = (folder / path).lstat()
        except FileNotFoundError:
            continue
        except NotADirectoryError:
            yield path
            continue
        if path.endswith("/"):
            is_own = stat.S_ISDIR(there.st_mode)
        else:
            is_own = Entry(entry.path, there.st_size, there.st_mtime_ns) in own
        if not is_own and not _are_equal(folder / path, new / path):
            yield path


def merge_into(folder: Path, new: Path) -> None:
    """Move everything below ``new`` into ``folder``, in place of files of the same paths."""
    for parent, folders, files in os.walk(new):
        there = folder / Path(parent).relative_to(new)
        for name in folders:
            (there / name).mkdir(exist_ok=True)
        for name in files:
            Path(parent, name).replace(there / name)


def keep_foreign(folder: Path, new: Path, own: Manifest) -> None:
    """Link everything below ``folder`` that is not headrace's own into ``new``.

    On file systems without hard links, files are left for :func:`clear_replaced`.
    """
    for entry in _foreign(folder, own):
        path = os.fsdecode(entry.path)
        there = new / path
        if path.endswith("/"):
            there.mkdir(parents=True, exist_ok=True)
        else:
            there.parent.mkdir(parents=True, exist_ok=True)
            with suppress(OSError):
                os.link(folder / path, there, follow_symlinks=False)
    # Last, since nothing can be linked into a folder that is read-only.
    for entry in _foreign(folder, own):
        if entry.path.endswith(b"/"):
            shutil.copymode(folder / os.fsdecode(entry.path), new / os.fsdecode(entry.path))


def clear_replaced(old: Path, folder: Path, own: Manifest) -> Path | None:
    """Delete the old folder: what is headrace's own, and what is linked into the new one; the rest moves there.

    Returns:
        None. If a file came into the way in the meantime, the path to which the old folder with this file was moved.
    """
    if _clear(os.fsencode(old), os.fsencode(folder), b"", own):
        return None
    return move_aside(old, name=folder.name)


def move_aside(path: Path, *, name: str | None = None) -> Path:
    """Rename a file or folder to ``NAME.replaced-TIME``, and return the new path."""
    base = f"{name or path.name}.replaced-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}"
    aside, number = path.with_name(base), 1
    while os.path.lexists(aside):
        number += 1
        aside = path.with_name(f"{base}-{number}")
    return path.rename(aside)


def first_of(paths: Iterable[str]) -> str:
    """Return the first ten paths and the number of the others, for a message; empty if there is none."""
    rest = iter(paths)
    shown = sorted(islice(rest, _SHOWN))
    more = sum(1 for _ in rest)
    return ", ".join(shown) + (f" and {more:,} more" if more else "")


def in_the_way_error(folder: Path, paths: str, hint: str) -> FormatError:
    """Return the error for a folder with files that are in the way; ``paths`` names some of them."""
    return FormatError(
        f"in {folder}, files are in the way that headrace did not write, or that were changed since: {paths}",
        hint=hint,
    )


def _are_equal(path: Path, other: Path) -> bool:
    """Return whether two paths are files with the same content."""
    states = path.lstat(), other.lstat()
    if not all(stat.S_ISREG(state.st_mode) for state in states):
        return False
    return states[0].st_size == states[1].st_size and filecmp.cmp(path, other, shallow=False)


def _foreign(folder: Path, own: Manifest) -> Iterator[Entry]:
    return (entry for entry in entries(folder) if entry not in own)


def _clear(old: bytes, new: bytes, below: bytes, own: Manifest) -> bool:
    """Clear one folder; returns whether it is gone."""
    folder = os.path.join(old, below)
    progress = True
    # A folder from which files are deleted while it is read may withhold some of them, so it is read again.
    while progress:
        progress = False
        with os.scandir(folder) as found:
            while batch := list(islice(found, _BATCH)):
                for each in batch:
                    path = below + each.name
                    if each.is_dir(follow_symlinks=False):
                        progress |= _clear(old, new, path + b"/", own)
                    else:
                        progress |= _clear_file(each, os.path.join(new, path), path, own)
        try:
            if below and Entry(below, 0, 0) not in own:
                os.makedirs(os.path.join(new, below), exist_ok=True)
            os.rmdir(folder)
        except OSError:
            continue
        return True
    return False


def _clear_file(each: os.DirEntry[bytes], there: bytes, path: bytes, own: Manifest) -> bool:
    """Delete or move one file; returns False if it must stay."""
    state = each.stat(follow_symlinks=False)
    try:
        other = os.lstat(there)
    except (FileNotFoundError, NotADirectoryError):
        other = None
    is_own = Entry(path, state.st_size, state.st_mtime_ns) in own
    is_double = other is not None and (
        os.path.samestat(state, other)
        or _are_equal(Path(os.fsdecode(each.path)), Path(os.fsdecode(there)))
    )
    if other is not None and not is_own and not is_double:
        return False
    try:
        if is_own or is_double:
            os.unlink(each.path)
        else:
            os.makedirs(os.path.dirname(there), exist_ok=True)
            os.rename(each.path, there)
    except OSError:
        return False
    return True
