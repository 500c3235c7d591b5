"""All errors of headrace, as one tree.

    HeadraceError
      ConfigurationError            MissingExtraError  EventLoopError
      FormatError                   UnknownFormatError  ParseError  LossyWriteError  ConservationError
                                    FormatPackageError
        ParseError                  SourceNotFoundError
      TransferError                 ConnectError  TransferTimeoutError  ChecksumError  PartialTransferError
                                    RefusedUrlError
      StorageError                  ObjectNotFoundError  DatabaseError  UniqueViolationError  DiskFullError
                                    CorruptionError  BackupError
        LakeError                   NotALakeError  LakeVersionError  LakeBusyError
                                    ReadOnlyLakeError  LakeHeldError  LakeLostError
      APIError                      one class per HTTP status; see STATUS_CLASSES
        BadRequestError 400  AuthenticationError 401  InsufficientResourcesError 402
        PermissionDeniedError 403  NotFoundError 404  ConflictError 409  RequestTooLargeError 413
        UnprocessableEntityError 422 (a BadRequestError)  LockedError 423  RateLimitError 429
        ServerError 500  BadGatewayError 502  UnavailableError 503
        RemovalNotRecordedError 507
      NoDataError                   JobFailedError  WaitTimeoutError  WorkerProcessError  UnusableFileError
      UnsupportedError              DigestMismatchError

The server maps a class to an HTTP status and the client maps the status back to the class, both by
``STATUS_CLASSES``, so an embedded lake and a server raise the same errors.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, ClassVar, Self
from uuid import UUID

__all__ = [
    "STATUS_CLASSES",
    "APIError",
    "AuthenticationError",
    "BackupError",
    "BadGatewayError",
    "BadRequestError",
    "ChecksumError",
    "ConfigurationError",
    "ConflictError",
    "ConnectError",
    "ConservationError",
    "CorruptionError",
    "DatabaseError",
    "DeleteLimitError",
    "DigestMismatchError",
    "DiskFullError",
    "EventLoopError",
    "FormatError",
    "FormatPackageError",
    "FormatPackageWarning",
    "HeadraceError",
    "HeadraceWarning",
    "InsufficientResourcesError",
    "JobFailedError",
    "LakeBusyError",
    "LakeError",
    "LakeHeldError",
    "LakeLostError",
    "LakeVersionError",
    "LockedError",
    "LossyWriteError",
    "MissingExtraError",
    "NoDataError",
    "NotALakeError",
    "NotFoundError",
    "ObjectNotFoundError",
    "ParseError",
    "PartialTransferError",
    "PermissionDeniedError",
    "RateLimitError",
    "ReadOnlyLakeError",
    "RefusedUrlError",
    "RemovalNotRecordedError",
    "RequestTooLargeError",
    "ServerError",
    "SourceNotFoundError",
    "StorageError",
    "TransferError",
    "TransferTimeoutError",
    "UnavailableError",
    "UniqueViolationError",
    "UnknownFormatError",
    "UnprocessableEntityError",
    "UnsupportedError",
    "UnusableFileError",
    "WaitTimeoutError",
    "WorkerProcessError",
    "error_for_status",
]


class HeadraceError(Exception):
    """Base of all errors of headrace. Catch it to catch them all.

    Neither the message nor the hint ever contains a token or a signed URL.

    Args:
        message: One line that names the object at fault.
        hint: What to do about it. An argument of Python is written with an equals sign, such as ``api_token=``; the
            command line shows the matching option in its place.

    Attributes:
        code: A stable, machine-readable name of the kind of error.
        retryable: Whether the same call may succeed later without a change.
        request_id: The id of the call in the log of the server, if there is one.
        attempts: How often a request was sent before this error was raised.
    """

    code: ClassVar[str] = "error"
    retryable: ClassVar[bool] = False
    request_id: str | None = None
    attempts: int = 1

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return self.message if self.hint is None else f"{self.message} ({self.hint})"


class HeadraceWarning(UserWarning):
    """Something that was asked for has no effect."""


class ConfigurationError(HeadraceError):
    """A setting or argument is missing, invalid or contradicts another one: correct it."""

    code = "configuration"


class MissingExtraError(ConfigurationError):
    """A feature needs an optional package: install what the hint names.

    Args:
        message: The feature and the package that it needs.
        install: What to install, as pip and uv take it: ``headrace[images]``.
    """

    code = "missing-extra"

    def __init__(self, message: str, *, install: str) -> None:
        super().__init__(message, hint=f"pip install '{install}', or: uv pip install '{install}'")


class UnsupportedError(HeadraceError):
    """Only headrace can do this, and the platform is another one: do what the hint says instead."""

    code = "unsupported"


class EventLoopError(ConfigurationError, RuntimeError):
    """No asyncio event loop is running, or the client belongs to another one: open a client in each. Also a ``RuntimeError``."""

    code = "event-loop"


class UnusableFileError(HeadraceError):
    """A file cannot be read as data: it is a pipe, a pointer of git-lfs, empty, or a link out of its folder."""

    code = "unusable-file"


class WorkerProcessError(HeadraceError):
    """A worker process ended before its work was done, for example killed by the system: run the call again."""

    code = "worker"
    retryable = True


# --- formats ---------------------------------------------------------------------------------------------


class FormatError(HeadraceError):
    """An annotation file cannot be read or written as requested. Base of the errors of formats."""

    code = "format"


class UnknownFormatError(FormatError):
    """There is no format of that name, or the format cannot be detected: name it with ``format=``."""

    code = "unknown-format"


class FormatPackageError(FormatError):
    """A format of another package cannot be used: the package is broken, or its name for the format is taken.

    Headrace's own formats are not affected. Update or uninstall the package that the message names.
    """

    code = "format-package"


class FormatPackageWarning(HeadraceWarning):
    """A format of another package was left out of a listing or a detection, because the package is broken."""


class ParseError(FormatError, ValueError):
    """A file violates its format: correct the file, or pass ``on_error="skip"`` to leave bad records out.

    Args:
        message: What is wrong.
        path: The file.
        line: The line, from 1, if known.
        column: The character in the line, from 1, if known.
        offset: The position in bytes, from 0, if known.
        json_path: The value in a JSON file, such as ``$.annotations[12]``, if known.
        finding: The code of the rule that is violated.
        hint: What to do about it.
    """

    code = "parse"

    def __init__(
        self,
        message: str,
        *,
        path: str | Path | None = None,
        line: int | None = None,
        column: int | None = None,
        offset: int | None = None,
        json_path: str | None = None,
        finding: str | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(message, hint=hint)
        self.path = None if path is None else str(path)
        self.line = line
        self.column = column
        self.offset = offset
        self.json_path = json_path
        self.finding = finding

    def __str__(self) -> str:
        where = self.path or ""
        if self.line is not None:
            where += f":{self.line}" if self.column is None else f":{self.line}:{self.column}"
        elif self.offset is not None:
            where += f" at byte {self.offset}"
        if self.json_path is not None:
            where += f" ({self.json_path})"
        text = f"{where}: {self.message}" if where else self.message
        return text if self.hint is None else f"{text} ({self.hint})"


class SourceNotFoundError(ParseError, FileNotFoundError):
    """There is no annotation file or folder at the path: check the path. Also a ``FileNotFoundError``."""

    code = "source-not-found"

    def __str__(self) -> str:
        return ParseError.__str__(self)


class LossyWriteError(FormatError):
    """The target format cannot represent an annotation, and ``strict`` was requested: use another format."""

    code = "lossy-write"


class ConservationError(FormatError):
    """The counts of input, output and findings disagree, so nothing was written. This is a bug: please report it."""

    code = "conservation"


# --- transfer --------------------------------------------------------------------------------------------


class TransferError(HeadraceError):
    """Files could not be transferred. Base of the errors of transfers."""

    code = "transfer"

    def after(self, attempts: int, seconds: float) -> Self:
        """Record how often the request was sent, in the message too, and return the error.

        Args:
            attempts: How often the request was sent.
            seconds: The time from the first attempt to the end of the last.
        """
        if attempts > 1 and self.attempts == 1:
            self.attempts = attempts
            self.message += f", {attempts} tries in {seconds:.1f} s"
        return self


class ConnectError(TransferError, ConnectionError):
    """The host cannot be reached: check address and network. Also a ``ConnectionError``."""

    code = "connect"
    retryable = True


class TransferTimeoutError(TransferError, TimeoutError):
    """The server stopped answering: try again later. Also a ``TimeoutError``."""

    code = "timeout"
    retryable = True


class RefusedUrlError(TransferError):
    """A URL may not be fetched: it leads to an inner address, is no http, or holds a password."""

    code = "refused-url"


class ChecksumError(TransferError):
    """The received bytes do not match the expected size or checksum, even after retries: try again."""

    code = "checksum"
    retryable = True


class PartialTransferError(TransferError):
    """Some files were transferred and some failed. The same call continues.

    Args:
        message: How many files failed.
        report: The report of the transfer; its ``failed`` lists what failed and why.
        hint: What to do about it.
    """

    code = "partial-transfer"

    def __init__(self, message: str, *, report: Any, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.report = report


# --- storage ---------------------------------------------------------------------------------------------


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


# --- the API ---------------------------------------------------------------------------------------------


class APIError(HeadraceError):
    """The platform rejected a call. Base of one class for each HTTP status.

    Args:
        message: What is wrong.
        status: The HTTP status; also set for a lake, without HTTP. Default: that of the class.
        detail: What the platform added.
        request_id: The id of the call in the log of the server, if the server gave one.
        hint: What to do about it.
    """

    code = "api"
    status: int = 0

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        detail: str | list[Any] | None = None,
        request_id: str | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(message, hint=hint)
        if status is not None:
            self.status = status
        self.detail = detail
        self.request_id = request_id


class BadRequestError(APIError):
    """An argument is invalid (400): correct it."""

    code = "bad-request"
    status = 400


class AuthenticationError(APIError, PermissionError):
    """The token is missing, unknown, expired or revoked (401): pass a valid ``api_token``."""

    code = "authentication"
    status = 401

    def __str__(self) -> str:
        return HeadraceError.__str__(self)


class InsufficientResourcesError(APIError):
    """The quota of the organization, or the capacity of the machine, is exceeded (402)."""

    code = "insufficient-resources"
    status = 402


class PermissionDeniedError(APIError, PermissionError):
    """The token is valid but does not permit the call (403). Also a ``PermissionError``."""

    code = "permission-denied"
    status = 403

    def __str__(self) -> str:
        return HeadraceError.__str__(self)


class NotFoundError(APIError, LookupError):
    """The organization has no object of that name or id (404): check it. Also a ``LookupError``."""

    code = "not-found"
    status = 404


class ConflictError(APIError):
    """The name is taken, several objects match where one is required, or the state forbids the call (409)."""

    code = "conflict"
    status = 409


class RequestTooLargeError(APIError):
    """The request is too large for the server (413): send less per call."""

    code = "request-too-large"
    status = 413


class UnprocessableEntityError(BadRequestError):
    """The values of the call are valid on their own but not together (422): correct them.

    It is a BadRequestError, as in the official client.
    """

    code = "unprocessable-entity"
    status = 422


class LockedError(APIError):
    """The version is locked (423): unlock it with ``version.unlock()``, or wait for the fork that fills it."""

    code = "locked"
    status = 423


class RateLimitError(APIError):
    """Too many calls (429): wait, then try again.

    Args:
        message: What is wrong.
        retry_after: Seconds to wait, if the server said so.
        **more: The arguments of ``APIError``.
    """

    code = "rate-limit"
    status = 429
    retryable = True

    def __init__(self, message: str, *, retry_after: float | None = None, **more: Any) -> None:
        super().__init__(message, **more)
        self.retry_after = retry_after


class ServerError(APIError):
    """The server failed (500 and above); ``request_id`` names the call in its log."""

    code = "server-error"
    status = 500


class RemovalNotRecordedError(ServerError):
    """What is to be removed cannot be recorded (507), so nothing is removed: pass ``undo=False`` to remove without recording."""

    code = "removal-not-recorded"
    status = 507
    cure: ClassVar[str] = "nothing was removed; remove it without recording: undo=False"
    limit_cure: ClassVar[str] = f"{cure}, or raise the setting undo_bytes"

    def __init__(self, message: str, *, hint: str | None = None, **more: Any) -> None:
        super().__init__(message, hint=self.cure if hint is None else hint, **more)


class BadGatewayError(ServerError):
    """A proxy between client and server failed (502): try again later."""

    code = "bad-gateway"
    status = 502
    retryable = True


class UnavailableError(ServerError):
    """The server is starting, stopping or overloaded (503): try again later."""

    code = "unavailable"
    status = 503
    retryable = True


STATUS_CLASSES: dict[int, type[APIError]] = {
    cls.status: cls
    for cls in (
        BadRequestError,
        AuthenticationError,
        InsufficientResourcesError,
        PermissionDeniedError,
        NotFoundError,
        ConflictError,
        RequestTooLargeError,
        UnprocessableEntityError,
        LockedError,
        RateLimitError,
        ServerError,
        BadGatewayError,
        UnavailableError,
        RemovalNotRecordedError,
    )
}


def locked_version(name: str, *, what: str = "") -> LockedError:
    """Make the 423 of a version that its users locked.

    Args:
        name: The version, as ``dataset/version``.
        what: Begins the message where the call names something else.
    """
    return LockedError(
        f"{what}version {name} is locked",
        hint=f"unlock it first: version.unlock(), or headrace version unlock TARGET {name}",
    )


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return the beginning of a hint, ``"did you mean 'push'? "``, for an unknown name; empty if none is near.

    Ids have no near one: those made in the same second differ in a few digits, and mean different things.
    """
    # Imported here, since most programs never make this mistake.
    from difflib import get_close_matches

    if _is_id(name):
        return ""
    near = get_close_matches(name, list(known), n=1)
    return f"did you mean {near[0]!r}? " if near else ""


def _is_id(name: str) -> bool:
    try:
        UUID(name)
    except ValueError:
        return False
    return True


def error_for_status(
    status: int,
    message: str,
    *,
    detail: str | list[Any] | None = None,
    request_id: str | None = None,
    retry_after: float | None = None,
) -> APIError:
    """Return the error for an HTTP status.

    Args:
        status: The HTTP status. A status without a class gives a ``ServerError`` from 500 on, else an ``APIError``.
        message: What is wrong.
        detail: What the platform added.
        request_id: The id of the call in the log of the server.
        retry_after: Seconds to wait, for status 429.

    Returns:
        The error, to be raised.
    """
    cls = STATUS_CLASSES.get(status)
    if cls is None:
        cls = ServerError if status >= 500 else APIError
    if cls is RateLimitError:
        return RateLimitError(
            message, retry_after=retry_after, status=status, detail=detail, request_id=request_id
        )
    return cls(message, status=status, detail=detail, request_id=request_id)


# --- listings and jobs -----------------------------------------------------------------------------------


class DeleteLimitError(HeadraceError):
    """More would be deleted than is allowed. Nothing was changed.

    Args:
        message: What would be deleted.
        report: The report of the job as of a dry run.
        hint: How to allow it.
    """

    code = "delete-limit"

    def __init__(self, message: str, *, report: Any = None, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.report = report


class DigestMismatchError(HeadraceError):
    """A version has not the content that ``expected_digest`` names: it was changed, or another one is meant.

    Args:
        message: The version, and both digests.
        expected: The digest that was asked for, in hexadecimal.
        found: The digest of the version; empty if it was not computed again.
        hint: What to do about it.
    """

    code = "digest-mismatch"

    def __init__(self, message: str, *, expected: str, found: str, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.expected = expected
        self.found = found


class NoDataError(HeadraceError):
    """A listing is empty that must not be empty."""

    code = "no-data"


class JobFailedError(HeadraceError):
    """A job ended without success.

    Args:
        message: Why it failed.
        job: The record of the job.
        hint: What to do about it.
    """

    code = "job-failed"

    def __init__(self, message: str, *, job: Any = None, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.job = job


class WaitTimeoutError(HeadraceError, TimeoutError):
    """The job or upload is not done after the last attempt: wait again later. Also a ``TimeoutError``."""

    code = "wait-timeout"
    retryable = True
