"""Files of a backup: records of them, and how they are written. All functions block and must run on a thread."""

from __future__ import annotations

import hashlib
import os
import secrets
from pathlib import Path
from typing import Final, TypeVar

import msgspec
from msgspec import Struct

from headrace.errors import BackupError
from headrace.file_system import sync_folder

FORMAT: Final = 1
"""The form of backup folders that this headrace writes."""
UNFINISHED: Final = ".new-"
"""How the names of unfinished files and folders begin."""

_CHUNK = 1 << 20
_Kind = TypeVar("_Kind")


class FileRecord(Struct, frozen=True):
    """A file of a snapshot: its size in bytes and its SHA-256 in hexadecimal digits."""

    size: int
    sha256: str


class SavedRemoval(Struct, frozen=True):
    """The file of a removal: the removal's number, how many bytes count, and their SHA-256."""

    no: int
    bytes: int
    sha256: str


class SnapshotRecord(Struct, frozen=True, kw_only=True):
    """A snapshot: one lake at one moment.

    Attributes:
        id: Its name, which begins with the time.
        created: When it was taken, in milliseconds since 1970.
        headrace: The version of headrace that took it.
        schema: The version of the catalog's schema.
        objects: How many objects it has.
        bytes: Their size.
        catalog: The file of the catalog.
        removals: The removal files.
        missing: Names of objects that the lake did not have, or had damaged; the first of them.
        missing_count: How many those are.
        format: The form of the backup folder.
    """

    id: str
    created: int
    headrace: str
    schema: int
    objects: int
    bytes: int
    catalog: FileRecord
    removals: list[SavedRemoval] = []
    missing: list[str] = []
    missing_count: int = 0
    format: int = FORMAT


def make_folder(folder: Path) -> None:
    """Make a folder that only its owner can read, and those above it that are missing.

    Raises:
        BackupError: A file is in its place or in that of one above it, or it cannot be made there.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise BackupError(
            f"{folder} is a file, or lies in one", hint="choose a new or an empty folder"
        ) from None
    except FileNotFoundError:
        raise BackupError(
            f"the folder {folder} cannot be made", hint="choose a folder on another file system"
        ) from None


def write_record(path: Path, record: Struct) -> None:
    """Write a record as a new JSON file that only its owner can read, and flush it to the disk."""
    descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with open(descriptor, "wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(record)) + b"\n")
        file.flush()
        os.fsync(file.fileno())


def read_record(path: Path, kind: type[_Kind]) -> _Kind:
    """Read a record.

    Raises:
        BackupError: The file is missing or damaged.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except FileNotFoundError:
        raise BackupError(f"{path} is missing", hint="use another snapshot") from None
    except msgspec.MsgspecError as error:
        raise BackupError(f"{path} is damaged: {error}", hint="use another snapshot") from None


def copy_file(source: Path, target: Path, size: int | None = None) -> FileRecord:
    """Copy a file, or its first bytes: flushed to the disk, named by a rename, readable by its owner only.

    Args:
        source: The file.
        target: Its new path; a file there is replaced.
        size: How many bytes at most. Default: all.

    Returns:
        What was copied.
    """
    new = target.with_name(f"{UNFINISHED}{secrets.token_hex(8)}")
    digest, copied = hashlib.sha256(), 0
    with open(source, "rb") as read:
        try:
            descriptor = os.open(new, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
            with open(descriptor, "wb") as written:
                while chunk := read.read(_CHUNK if size is None else min(_CHUNK, size - copied)):
                    written.write(chunk)
                    digest.update(chunk)
                    copied += len(chunk)
                written.flush()
                os.fsync(written.fileno())
            os.replace(new, target)
        finally:
            new.unlink(missing_ok=True)
    sync_folder(target.parent)
    return FileRecord(copied, digest.hexdigest())


def digest_of(path: Path) -> FileRecord:
    """Return the size and the digest of a file."""
    with open(path, "rb") as file:
        digest = hashlib.file_digest(file, "sha256")
        return FileRecord(os.fstat(file.fileno()).st_size, digest.hexdigest())
