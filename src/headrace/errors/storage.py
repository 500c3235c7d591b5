"""Errors of lakes: of their databases, their files and their folders."""

from __future__ import annotations

from typing import ClassVar

from headrace.errors.base import HeadraceError
from headrace.errors.transfer import TransferError


class StorageError(HeadraceError):
    """The database or the files of a lake failed. Base of the errors of lakes."""

    code = "storage"


class DiskFullError(StorageError, TransferError):
    """The disk is full, for a lake or a download: free space, or use another folder."""

    code = "disk-full"


class CorruptionError(StorageError):
    """A part of a lake is damaged, which the message names: a page, a row, shapes, a file. ``headrace check`` finds all.

    It is raised in place of an answer that would be wrong or too short.
    """

    code = "corruption"
    cure: ClassVar[str] = "find out what else is hit: headrace check LAKE"

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message, hint=self.cure if hint is None else hint)


class BackupError(StorageError):
    """A folder of backups cannot be used, or what it holds is damaged."""

    code = "backup"


class ObjectNotFoundError(StorageError, FileNotFoundError):
    """The object store has no object of that name. Also a ``FileNotFoundError``."""

    code = "object-not-found"

    def __str__(self) -> str:
        return HeadraceError.__str__(self)


class DatabaseError(StorageError):
    """The database rejected a statement."""

    code = "database"


class UniqueViolationError(DatabaseError):
    """A row with this key exists already.

    Args:
        message: The statement that was rejected.
        constraint: The name of the violated constraint.
        hint: What to do about it.
    """

    code = "unique-violation"

    def __init__(self, message: str, *, constraint: str = "", hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.constraint = constraint


class LakeError(StorageError):
    """The folder of a lake cannot be used."""

    code = "lake"


class NotALakeError(LakeError, FileNotFoundError):
    """The folder is not a lake: create one with ``headrace.create_lake`` or ``headrace init``. Also a ``FileNotFoundError``."""

    code = "not-a-lake"

    def __str__(self) -> str:
        return HeadraceError.__str__(self)


class LakeVersionError(LakeError):
    """The lake was written by a newer version of headrace: install that version or a later one."""

    code = "lake-version"


class LakeBusyError(LakeError):
    """Another process held the write lock of the lake for too long: try again later."""

    code = "lake-busy"
    retryable = True


class ReadOnlyLakeError(LakeError):
    """The lake cannot be written: its disk is read-only, or its files belong to others. It can be read.

    Args:
        message: The lake or the database.
        passing: Whether it may be written later without a restart, as a standby that is promoted.
        hint: What to do about it.
    """

    code = "read-only-lake"

    def __init__(self, message: str, *, passing: bool = False, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.passing = passing


class LakeHeldError(LakeError):
    """Another machine has the lake open for writing; a lake can be written by the processes of one machine at a time.

    Args:
        message: The lake and the machine.
        host: The name of the machine.
        hint: What to do about it.
    """

    code = "lake-held"
    retryable = True

    def __init__(self, message: str, *, host: str = "", hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.host = host


class LakeLostError(LakeError):
    """The lake was deleted, moved or replaced while it was open: put it back, and open it again. Nothing more is written."""

    code = "lake-lost"
