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

# In the order of the tree, which the reference page shows.
# isort: off
from headrace.errors.base import (
    HeadraceError,
    HeadraceWarning,
    ConfigurationError,
    MissingExtraError,
    UnsupportedError,
    EventLoopError,
    UnusableFileError,
    WorkerProcessError,
    did_you_mean as did_you_mean,
    error_classes as error_classes,
)
from headrace.errors.formats import (
    FormatError,
    UnknownFormatError,
    FormatPackageError,
    FormatPackageWarning,
    ParseError,
    SourceNotFoundError,
    LossyWriteError,
    ConservationError,
)
from headrace.errors.transfer import (
    TransferError,
    ConnectError,
    TransferTimeoutError,
    RefusedUrlError,
    ChecksumError,
    PartialTransferError,
)
from headrace.errors.storage import (
    StorageError,
    DiskFullError,
    CorruptionError,
    BackupError,
    ObjectNotFoundError,
    DatabaseError,
    UniqueViolationError,
    LakeError,
    NotALakeError,
    LakeVersionError,
    LakeBusyError,
    ReadOnlyLakeError,
    LakeHeldError,
    LakeLostError,
)
from headrace.errors.api import (
    APIError,
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
    RemovalNotRecordedError,
    BadGatewayError,
    UnavailableError,
    STATUS_CLASSES,
    error_for_status,
    locked_version as locked_version,
)
from headrace.errors.results import (
    DeleteLimitError,
    DigestMismatchError,
    NoDataError,
    JobFailedError,
    WaitTimeoutError,
)
# isort: on

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

# Tracebacks, pickles and ``headrace explain`` name the one module that errors are imported from.
for _name in __all__:
    if isinstance(_class := globals()[_name], type):
        _class.__module__ = __name__
del _name, _class
