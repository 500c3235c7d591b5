"""Lakes that moved into a database: a small file in the folder says where to, and that nothing more is written here.

The file is written before the first row is copied, so that what is copied cannot change. All functions block.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from headrace.errors import LakeError, StorageError

NAME: Final = "headrace-moved.json"
_UNFINISHED: Final = ".headrace-moved.new"


class MovedLake(Struct, frozen=True, kw_only=True):
    """Where a lake has moved to, or is about to.

    Attributes:
        id: The id of the migration, by which the target knows it.
        target: The address of the database, without a password.
        objects: Where its files are.
        since: When the migration began, in milliseconds since 1970.
        complete: Whether everything has arrived.
        rows: How many rows have arrived.
        digest: The SHA-256 of these rows.
    """

    id: str
    target: str
    objects: str
    since: int
    complete: bool = False
    rows: int = 0
    digest: str | None = None

    def sentence(self, lake: Path) -> str:
        """Say where the lake is now."""
        if self.complete:
            return f"the lake {lake} has moved to {self.target}"
        return f"the lake {lake} is being moved to {self.target}"

    def cure(self, lake: Path) -> str:
        """Say what to do in order to write."""
        reopen = f"make it writable again: headrace migrate {lake} --reopen"
        if self.complete:
            return f"use {self.target}, with its files in {self.objects}; or {reopen}"
        return f"complete it: headrace migrate {lake} {self.target} --objects {self.objects}; or {reopen}"


def moved_to(lake: Path) -> MovedLake | None:
    """Return where a lake has moved to; None for a lake that has not.

    Raises:
        LakeError: The file that says so cannot be read.
    """
    path = lake / NAME
    try:
        return msgspec.json.decode(path.read_bytes(), type=MovedLake)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.DecodeError) as error:
        raise LakeError(
            f"{path} cannot be read, so it is not known where the lake has moved to",
            hint=f"restore that file, or make the lake writable again: headrace migrate {lake} --reopen",
        ) from error


def is_moved(lake: Path) -> bool:
    """Return whether a lake has moved, or is about to."""
    return os.path.lexists(lake / NAME)


def write_moved(lake: Path, moved: MovedLake) -> None:
    """Record where a lake moves to; it is on the disk when this returns.

    Raises:
        StorageError: The folder cannot be written.
    """
    draft = lake / _UNFINISHED
    try:
        descriptor = os.open(draft, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(msgspec.json.format(msgspec.json.encode(moved)) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, lake / NAME)
        _sync(lake)
    except OSError as error:
        raise StorageError(f"cannot write {lake / NAME}: {error.strerror}") from error


def forget_moved(lake: Path) -> bool:
    """Make a lake writable again; returns whether it had moved.

    Raises:
        StorageError: The folder cannot be written.
    """
    try:
        (lake / NAME).unlink()
        _sync(lake)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise StorageError(f"cannot remove {lake / NAME}: {error.strerror}") from error
    return True


def _sync(folder: Path) -> None:
    with suppress(OSError):  # some file systems cannot
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
