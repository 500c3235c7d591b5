"""Every error headrace raises, as one tree.

    HeadraceError
      ConfigurationError            MissingExtraError
      FormatError                   UnknownFormatError  ParseError  LossyWriteError  ConservationError
        ParseError                  SourceNotFoundError
      TransferError                 ConnectError  TransferTimeoutError  ChecksumError  PartialTransferError
      StorageError                  ObjectNotFoundError  DatabaseError  UniqueViolationError  DiskFullError
        LakeError                   NotALakeError  LakeVersionError  LakeBusyError
      APIError                      one class per HTTP status, joined by the table STATUS_CLASSES
        BadRequestError 400  AuthenticationError 401  InsufficientResourcesError 402
        PermissionDeniedError 403  NotFoundError 404  ConflictError 409  RequestTooLargeError 413
        UnprocessableEntityError 422  LockedError 423  RateLimitError 429
        ServerError 500  BadGatewayError 502  UnavailableError 503
      NoDataError                   JobFailedError  WaitTimeoutError  WorkerProcessError

The server turns a class into a status and the client turns the status back into the class, both by
:data:`STATUS_CLASSES`, so an embedded lake and a server raise alike.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

__all__ = [
    "STATUS_CLASSES",
    "APIError",
    "AuthenticationError",
    "BadGatewayError",
    "BadRequestError",
    "ChecksumError",
    "ConfigurationError",
    "ConflictError",
    "ConnectError",
    "ConservationError",
    "DatabaseError",
    "DiskFullError",
    "FormatError",
    "HeadraceError",
    "InsufficientResourcesError",
    "JobFailedError",
    "LakeBusyError",
    "LakeError",
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
    "WaitTimeoutError",
    "WorkerProcessError",
    "error_for_status",
]


class HeadraceError(Exception):
    """Base of all errors of headrace.

    ``message`` is one line that names the thing at fault, ``hint`` the cure. Neither ever holds a token or a
    signed URL. ``code`` is a stable machine-readable word; ``retryable`` tells whether the same call may
    succeed later without a change.
    """

    code: ClassVar[str] = "error"
    retryable: ClassVar[bool] = False

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return self.message if self.hint is None else f"{self.message} ({self.hint})"


class ConfigurationError(HeadraceError):
    """A setting is missing or contradicts another one."""

    code = "configuration"


class MissingExtraError(ConfigurationError):
    """A feature needs an optional package: install the extra that the message names."""

    code = "missing-extra"


class WorkerProcessError(HeadraceError):
    """A process that did a part of the work ended before it was done, as one that the system killed."""

    code = "worker"
    retryable = True


# --- formats ---------------------------------------------------------------------------------------------


class FormatError(HeadraceError):
    """An annotation file cannot be read or written as asked."""

    code = "format"


class UnknownFormatError(FormatError):
    """No format of that name, or the files look like none of the known ones."""

    code = "unknown-format"


class ParseError(FormatError, ValueError):
    """A file is not what its format demands.

    ``path`` names the file; ``line`` (from 1) or ``offset`` (bytes from 0) the place where known; ``finding``
    is the code of the rule that was broken.
    """

    code = "parse"

    def __init__(
        self,
        message: str,
        *,
        path: str | Path | None = None,
        line: int | None = None,
        offset: int | None = None,
        finding: str | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(message, hint=hint)
        self.path = None if path is None else str(path)
        self.line = line
        self.offset = offset
        self.finding = finding

    def __str__(self) -> str:
        place = self.path or ""
        if self.line is not None:
            place += f":{self.line}"
        elif self.offset is not None:
            place += f" at byte {self.offset}"
        text = f"{place}: {self.message}" if place else self.message
        return text if self.hint is None else f"{text} ({self.hint})"


class SourceNotFoundError(ParseError, FileNotFoundError):
    """There is no annotation file or folder where one was named: check the path."""

    code = "source-not-found"

    def __str__(self) -> str:
        return ParseError.__str__(self)


class LossyWriteError(FormatError):
    """The target format cannot say what the source holds, and the caller asked for no loss."""

    code = "lossy-write"


class ConservationError(FormatError):
    """What came out plus what was reported is not what went in: nothing was published."""

    code = "conservation"


# --- transfer --------------------------------------------------------------------------------------------


class TransferError(HeadraceError):
    """Bytes could not be moved."""

    code = "transfer"


class ConnectError(TransferError, ConnectionError):
    """The host cannot be reached."""

    code = "connect"
    retryable = True


class TransferTimeoutError(TransferError, TimeoutError):
    """The other side went silent."""

    code = "timeout"
    retryable = True


class ChecksumError(TransferError):
    """The bytes that arrived are not the bytes that were promised."""

    code = "checksum"
    retryable = True


class PartialTransferError(TransferError):
    """Some items were moved and some were not; ``report`` holds both lists."""

    code = "partial-transfer"

    def __init__(self, message: str, *, report: Any, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.report = report


# --- storage ---------------------------------------------------------------------------------------------


class StorageError(HeadraceError):
    """A lake's database or its files failed."""

    code = "storage"


class DiskFullError(StorageError, TransferError):
    """The disk takes no more bytes, of a lake or of a download: free space on it, or choose another folder."""

    code = "disk-full"


class ObjectNotFoundError(StorageError, FileNotFoundError):
    """No object of that name in the store."""

    code = "object-not-found"

    def __str__(self) -> str:
        return HeadraceError.__str__(self)


class DatabaseError(StorageError):
    """The database refused a statement."""

    code = "database"


class UniqueViolationError(DatabaseError):
    """A row with this key exists; ``constraint`` names the broken rule."""

    code = "unique-violation"

    def __init__(self, message: str, *, constraint: str = "", hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.constraint = constraint


class LakeError(StorageError):
    """A lake's folder cannot be used."""

    code = "lake"


class NotALakeError(LakeError):
    """The folder is no lake: make one with ``headrace init``."""

    code = "not-a-lake"


class LakeVersionError(LakeError):
    """The lake was written by a newer headrace: install that version or a later one."""

    code = "lake-version"


class LakeBusyError(LakeError):
    """Another process kept the lake's writer for too long."""

    code = "lake-busy"
    retryable = True


# --- the API ---------------------------------------------------------------------------------------------


class APIError(HeadraceError):
    """The platform refused a call.

    ``status`` is the HTTP status (also set when no HTTP was involved), ``detail`` what the platform added,
    ``request_id`` the server's name for this very call, where it gave one.
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
    """The call is malformed: correct its arguments."""

    code = "bad-request"
    status = 400


class AuthenticationError(APIError, PermissionError):
    """The token is missing, unknown or revoked."""

    code = "authentication"
    status = 401

    def __str__(self) -> str:
        return HeadraceError.__str__(self)


class InsufficientResourcesError(APIError):
    """The organization's quota is used up."""

    code = "insufficient-resources"
    status = 402


class PermissionDeniedError(APIError, PermissionError):
    """The token is good but may not do this."""

    code = "permission-denied"
    status = 403

    def __str__(self) -> str:
        return HeadraceError.__str__(self)


class NotFoundError(APIError, LookupError):
    """Nothing of that name or id in this organization."""

    code = "not-found"
    status = 404


class ConflictError(APIError):
    """The name is taken, or several things match where one was asked for."""

    code = "conflict"
    status = 409


class RequestTooLargeError(APIError):
    """The body is larger than the server takes: send less at once."""

    code = "request-too-large"
    status = 413


class UnprocessableEntityError(APIError):
    """The call is well formed but its values make no sense together."""

    code = "unprocessable-entity"
    status = 422


class LockedError(APIError):
    """The version is locked, or part of a campaign."""

    code = "locked"
    status = 423


class RateLimitError(APIError):
    """Too many calls: wait ``retry_after`` seconds."""

    code = "rate-limit"
    status = 429
    retryable = True

    def __init__(self, message: str, *, retry_after: float | None = None, **more: Any) -> None:
        super().__init__(message, **more)
        self.retry_after = retry_after


class ServerError(APIError):
    """The server failed; ``request_id`` names the call in its log."""

    code = "server-error"
    status = 500


class BadGatewayError(ServerError):
    """Something between client and server failed."""

    code = "bad-gateway"
    status = 502
    retryable = True


class UnavailableError(ServerError):
    """The server is starting, stopping or overloaded."""

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
    )
}


def error_for_status(
    status: int,
    message: str,
    *,
    detail: str | list[Any] | None = None,
    request_id: str | None = None,
    retry_after: float | None = None,
) -> APIError:
    """The error that an HTTP status stands for (the nearest class for a status without one of its own)."""
    cls = STATUS_CLASSES.get(status)
    if cls is None:
        cls = ServerError if status >= 500 else APIError
    if cls is RateLimitError:
        return RateLimitError(
            message, retry_after=retry_after, status=status, detail=detail, request_id=request_id
        )
    return cls(message, status=status, detail=detail, request_id=request_id)


# --- what people wait for --------------------------------------------------------------------------------


class NoDataError(HeadraceError):
    """A listing that must not be empty is empty."""

    code = "no-data"


class JobFailedError(HeadraceError):
    """A job ended without success; ``job`` is its record."""

    code = "job-failed"

    def __init__(self, message: str, *, job: Any = None, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.job = job


class WaitTimeoutError(HeadraceError, TimeoutError):
    """The job still runs; wait again or look at its status later."""

    code = "wait-timeout"
    retryable = True
