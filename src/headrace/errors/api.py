"""Errors of calls: one class for each HTTP status, and the table of both."""

from __future__ import annotations

from typing import Any, ClassVar

from headrace.errors.base import HeadraceError


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
