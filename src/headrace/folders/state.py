"""What headrace remembers of a path. It is kept in the state folder of the settings, not beside the files of the user.

Each path has its own folder below ``paths/``, named by a digest of the resolved path; the file ``path`` in it holds the
path. The state may be deleted at any time: without it, headrace only knows less about the files that it finds.
"""

from __future__ import annotations

import os
import shutil
import time
from hashlib import blake2b
from pathlib import Path

from headrace.settings import load_settings

_PATHS = "paths"
_PATH = "path"
_CLEANED = "cleaned"
_KEPT = 90 * 24 * 3600.0
_BEING_WRITTEN = 24 * 3600.0
_CLEAN_EVERY = 24 * 3600.0
"""Seconds."""


def state_of(path: Path) -> Path:
    """Return the folder for the state of a file or folder, which need not exist; it is not created.

    All links are resolved, so each way to write a path has the same state.
    """
    digest = blake2b(_key(path), digest_size=16).hexdigest()
    return load_settings().state_folder() / _PATHS / digest


def make_state(path: Path) -> Path:
    """Like :func:`state_of`, but create the folder, readable by its owner alone.

    Raises:
        OSError: The folder cannot be created.
    """
    folder = state_of(path)
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        _clean_once_a_day(folder.parent)
        folder.mkdir(exist_ok=True, mode=0o700)
    (folder / _PATH).write_bytes(_key(path))
    return folder


def _key(path: Path) -> bytes:
    return os.fsencode(os.path.normcase(os.path.realpath(path)))


def _clean_once_a_day(paths: Path) -> None:
    """Delete old state. Not each time, since that looks at the state of every path."""
    stamp = paths.with_name(_CLEANED)
    try:
        if time.time() - stamp.stat().st_mtime < _CLEAN_EVERY:
            return
    except FileNotFoundError:
        pass
    stamp.touch(mode=0o600)
    _forget_deleted(paths)


def _forget_deleted(paths: Path) -> None:
    """Delete the state of paths that are gone.

    State of a path that another process is about to create stays. Where the folder around is gone too, the path may be
    on a disk that is not mounted: then the state stays longer.
    """
    for folder in paths.iterdir():
        try:
            path = Path(os.fsdecode((folder / _PATH).read_bytes()))
            age = time.time() - (folder / _PATH).stat().st_mtime
        except OSError:
            continue
        least = _BEING_WRITTEN if path.parent.is_dir() else _KEPT
        if age > least and not os.path.lexists(path):
            shutil.rmtree(folder, ignore_errors=True)
