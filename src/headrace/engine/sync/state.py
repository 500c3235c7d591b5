"""The state of a synchronized folder: what the last synchronization left, and its files now.

During a synchronization the state is in ``.headrace/synced.json`` in the folder, so that one that was interrupted is
continued by the next, also on another machine. After a complete one it is in the state of the folder
(``headrace.folders.state``), one file for each version, and the folder holds nothing but its files.

All functions except :func:`read_state` block.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from uuid import UUID

import aiofiles
import msgspec
from msgspec import Struct, field

from headrace.engine.sync.plan import SyncBase
from headrace.engine.upload.file import walk
from headrace.folders.state import make_state, state_of
from headrace.model.names import STATE_FOLDER
from headrace.threads import in_thread


class SyncedFile(Struct, frozen=True):
    """A file that was the same on both sides: its asset, its content as in ``SyncBase``, its size and time of change.

    ``size`` is in bytes, ``changed`` in nanoseconds since the epoch.
    """

    asset: UUID
    local: str
    remote: str
    size: int
    changed: int

    @property
    def base(self) -> SyncBase:
        """The part that the plan needs."""
        return SyncBase(self.local, self.remote)


class SyncState(Struct):
    """The synchronized files by name, and ``retired`` assets, which were replaced but not yet deleted."""

    version: UUID
    files: dict[str, SyncedFile] = field(default_factory=dict)
    retired: list[UUID] = field(default_factory=list)


class LocalFile(Struct, frozen=True):
    """A file in the folder. ``sha256`` is empty if the file was not read, because its size or name is enough."""

    size: int
    changed: int
    sha256: str


async def read_state(folder: Path, version: UUID) -> SyncState:
    """Read the state of the last synchronization; empty if it is missing, invalid, or of another version."""
    kept = await in_thread(_in_state_folder, folder, version)
    for path in (_in_folder(folder), kept):
        found = None if path is None else await _read(path)
        if found is not None and found.version == version:
            return found
    return SyncState(version)


def write_state(folder: Path, state: SyncState) -> None:
    """Write the state into the folder, atomically. Raises OSError."""
    _write(_in_folder(folder), state)


def settle_state(folder: Path) -> bool:
    """Move the state from the folder to the state folder; return False if it must stay, since that cannot be written."""
    path = _in_folder(folder)
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return True
    try:
        state = msgspec.json.decode(content, type=SyncState)
    except msgspec.MsgspecError:
        path.unlink()
        return True
    try:
        _write(make_state(folder) / _name(state.version), state)
    except (OSError, RuntimeError):
        return False
    path.unlink()
    return True


async def _read(path: Path) -> SyncState | None:
    try:
        async with aiofiles.open(path, "rb") as file:
            return msgspec.json.decode(await file.read(), type=SyncState)
    except (OSError, msgspec.MsgspecError):
        return None


def _write(path: Path, state: SyncState) -> None:
    path.parent.mkdir(mode=0o700, exist_ok=True)
    temp = path.with_suffix(f".{os.getpid()}.tmp")
    with temp.open("wb") as file:
        file.write(msgspec.json.encode(state))
        file.flush()
        os.fsync(file.fileno())
    temp.replace(path)


def scan(folder: Path, state: SyncState, sizes: Mapping[str, int | None]) -> dict[str, LocalFile]:
    """Return the files of a folder by name, hidden ones left out; ``sizes`` are those of the version's files.

    A file is read only if its time of change is new and its size is that of the version's file or of the last state.
    """
    found = {}
    for name, about in walk_files(folder):
        known = state.files.get(name)
        if known and (known.size, known.changed) == (about.st_size, about.st_mtime_ns):
            sha256 = known.local
        elif about.st_size in (known and known.size, sizes.get(name)) or (
            name in sizes and sizes[name] is None
        ):
            sha256 = digest(folder / name)
        else:
            sha256 = ""
        found[name] = LocalFile(about.st_size, about.st_mtime_ns, sha256)
    return found


def stat_file(path: Path, sha256: str | None) -> LocalFile:
    """Return the state of one file, hashing it unless ``sha256`` is given. Raises OSError if it does not exist."""
    about = path.stat()
    return LocalFile(about.st_size, about.st_mtime_ns, sha256 or digest(path))


def delete_unchanged(folder: Path, name: str, known: LocalFile) -> bool:
    """Delete a file unless it has changed since ``known``; return whether it is gone."""
    if not is_unchanged(folder, name, known):
        return False
    (folder / name).unlink(missing_ok=True)
    return True


def is_unchanged(folder: Path, name: str, known: LocalFile) -> bool:
    """Whether a file has not changed since ``known``, or is gone."""
    try:
        about = (folder / name).stat()
    except FileNotFoundError:
        return True
    return (about.st_size, about.st_mtime_ns) == (known.size, known.changed)


def digest(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def walk_files(folder: Path) -> Iterator[tuple[str, os.stat_result]]:
    """Yield the files below a folder, hidden ones left out, by their paths inside it, in a stable order."""
    if not folder.is_dir():
        raise NotADirectoryError(20, "not a folder", str(folder))
    for path in walk(folder):
        if path.is_file():
            yield path.relative_to(folder).as_posix(), path.stat()


def _in_folder(folder: Path) -> Path:
    return folder / STATE_FOLDER / "synced.json"


def _in_state_folder(folder: Path, version: UUID) -> Path | None:
    try:
        return state_of(folder) / _name(version)
    except (OSError, RuntimeError):
        # A user without a home folder has no state folder.
        return None


def _name(version: UUID) -> str:
    return f"synced-{version}.json"
