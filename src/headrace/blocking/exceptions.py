"""The exception names of the official client, as aliases of the classes in ``headrace.errors``.

Several names may stand for one class. The errors of models, experiments and deployments are absent: headrace has none
of these.
"""

from headrace.errors import (
    AuthenticationError,
    BadGatewayError,
    BadRequestError,
    InsufficientResourcesError,
    NoDataError,
    RequestTooLargeError,
)
from headrace.errors import AuthenticationError as UnauthorizedError
from headrace.errors import BadRequestError as IllegalJobTransitionError
from headrace.errors import BadRequestError as NotSupportedJobVersionError
from headrace.errors import BadRequestError as WrongJobVersionError
from headrace.errors import ConflictError as ResourceConflictError
from headrace.errors import FormatError as AnnotationFileIncoherentTypeException
from headrace.errors import HeadraceError as PicselliaError
from headrace.errors import LockedError as ResourceLockedError
from headrace.errors import NoDataError as NothingDoneError
from headrace.errors import NotFoundError as NoConnectorFound
from headrace.errors import NotFoundError as NoUrlAvailable
from headrace.errors import NotFoundError as ResourceNotFoundError
from headrace.errors import NotFoundError as UndefinedObjectError
from headrace.errors import ParseError as UnparsableAnnotationFileException
from headrace.errors import PermissionDeniedError as ForbiddenError
from headrace.errors import RateLimitError as TooManyRequestError
from headrace.errors import ServerError as InternalServerError
from headrace.errors import TransferError as DistantStorageError
from headrace.errors import TransferError as DownloadError
from headrace.errors import TransferError as NetworkError
from headrace.errors import TransferError as UploadError
from headrace.errors import TransferError as UploadFailed
from headrace.errors import UnprocessableEntityError as ContentTypeUnknown
from headrace.errors import UnprocessableEntityError as UnprocessableData
from headrace.errors import WaitTimeoutError as WaitingAttemptsTimeout

FileNotFoundException = FileNotFoundError
"""The errors of headrace for missing files are subclasses of the built-in ``FileNotFoundError``."""

__all__ = [
    "AnnotationFileIncoherentTypeException",
    "AuthenticationError",
    "BadGatewayError",
    "BadRequestError",
    "ContentTypeUnknown",
    "DistantStorageError",
    "DownloadError",
    "FileNotFoundException",
    "ForbiddenError",
    "IllegalJobTransitionError",
    "InsufficientResourcesError",
    "InternalServerError",
    "NetworkError",
    "NoConnectorFound",
    "NoDataError",
    "NoUrlAvailable",
    "NotSupportedJobVersionError",
    "NothingDoneError",
    "PicselliaError",
    "RequestTooLargeError",
    "ResourceConflictError",
    "ResourceLockedError",
    "ResourceNotFoundError",
    "TooManyRequestError",
    "UnauthorizedError",
    "UndefinedObjectError",
    "UnparsableAnnotationFileException",
    "UnprocessableData",
    "UploadError",
    "UploadFailed",
    "WaitingAttemptsTimeout",
    "WrongJobVersionError",
]
