"""What refusals of S3 mean, as headrace's own errors. Neither a key nor a signature is ever in one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from headrace.errors import (
    ConfigurationError,
    ConnectError,
    DiskFullError,
    HeadraceError,
    StorageError,
    TransferError,
    UnavailableError,
)

MISSING = frozenset({"NoSuchKey", "NotFound", ""})
"""Codes of an answer 404 that say that there is no object."""

BUSY_STATUSES = frozenset({429, 500, 502, 503, 504})
"""Statuses after which the same request may succeed."""

COMPLETE_S3 = "use an S3 that does it, such as that of AWS, MinIO, Ceph or SeaweedFS"

_STATUS = re.compile(r"status code: (\d{3})")
_CODE = re.compile(r"<Code>\s*([A-Za-z0-9]{1,60})\s*</Code>")
# One of many objects that are deleted by one request.
_CODE_OF_ONE = re.compile(r"\(code: ([A-Za-z0-9]{1,60})\)")
_REGIONS = frozenset({"PermanentRedirect", "AuthorizationHeaderMalformed"})
_KEYS = frozenset({"InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "InvalidToken"})


def code_of(body: str) -> str:
    """Return the code of an error in the body of an answer, empty where there is none."""
    found = _CODE.search(body)
    return found[1] if found else ""


def refused(name: str, status: int, code: str, doing: str) -> HeadraceError:
    """Return the error that an answer means.

    Args:
        name: The folder on S3, as people write it.
        status: The HTTP status.
        code: The code of S3, empty if unknown.
        doing: What was refused, as in ``"list objects"``.
    """
    shown = f"{code or 'no code'}, status {status}"
    if code == "NoSuchBucket":
        return StorageError(
            f"the bucket of {name} does not exist", hint="create it, or correct its name"
        )
    if code == "RequestTimeTooSkewed":
        return StorageError(f"the clock differs from that of S3 ({name})", hint="set the clock")
    if status in (301, 307) or code in _REGIONS:
        return StorageError(
            f"the bucket of {name} is in another region ({shown})",
            hint="name it: ?region=eu-west-3",
        )
    if code in _KEYS:
        return StorageError(
            f"S3 does not accept the key for {name} ({shown})",
            hint="correct AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and check the clock",
        )
    if status in (401, 403):
        return StorageError(
            f"the key for {name} has no right to {doing} ({shown})",
            hint="give its account the rights to list, read, write and delete there",
        )
    if status == 507:
        return DiskFullError(f"the storage of {name} is full", hint="free space there")
    if status in BUSY_STATUSES:
        return UnavailableError(
            f"S3 cannot {doing} in {name} now ({shown})", hint="try again later"
        )
    if status in (405, 501):
        return StorageError(f"the S3 of {name} cannot {doing} ({shown})", hint=COMPLETE_S3)
    return StorageError(f"S3 did not {doing} in {name} ({shown})")


def away(endpoint: str, reason: str) -> UnavailableError:
    """The error for a server that cannot be reached."""
    return UnavailableError(
        f"the object storage {endpoint} cannot be reached: {reason}",
        hint="check that it runs, then try again",
    )


@contextmanager
def obstore_errors(name: str, endpoint: str, doing: str) -> Iterator[None]:
    """Translate the errors of obstore, except that of a missing object (``FileNotFoundError``) and of a taken name.

    Its texts hold the answers of servers, and those may hold more than a log should.
    """
    from obstore.exceptions import AlreadyExistsError, BaseError

    try:
        yield
    except FileNotFoundError as error:
        if code_of(str(error)) in MISSING:
            raise
        raise refused(name, 404, code_of(str(error)), doing) from None
    except AlreadyExistsError:
        raise
    except (BaseError, PermissionError, OSError) as error:
        if isinstance(error, HeadraceError):
            raise
        text = str(error)
        status, one = _STATUS.search(text), _CODE_OF_ONE.search(text)
        if status is not None:
            raise refused(name, int(status[1]), code_of(text), doing) from None
        if one is not None:
            raise refused(name, 403 if one[1] == "AccessDenied" else 400, one[1], doing) from None
        raise away(endpoint, "no answer") from None


@contextmanager
def opening_errors(name: str) -> Iterator[None]:
    """Translate errors while a store is opened: what a setting can cure is a :class:`ConfigurationError`.

    Raises:
        ConnectError: The server cannot be reached, or is not ready.
        ConfigurationError: The bucket, the key or the server is not usable.
    """
    try:
        yield
    except UnavailableError as error:
        raise ConnectError(error.message, hint=error.hint) from None
    except (ConfigurationError, TransferError):
        raise
    except StorageError as error:
        raise ConfigurationError(error.message, hint=error.hint) from None
    except OSError as error:
        raise ConfigurationError(f"{name} cannot be opened: {error}") from None
