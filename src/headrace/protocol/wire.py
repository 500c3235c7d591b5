"""HTTP requests, values of path and query as text, and the JSON bodies of errors."""

from __future__ import annotations

from typing import Any, NamedTuple
from urllib.parse import quote
from uuid import UUID

import msgspec
from msgspec import UNSET, Struct, UnsetType

from headrace.errors import APIError, LockedError, RateLimitError, error_for_status

EXCERPT = 200
"""Maximum number of characters that an error message quotes from a foreign error page."""


class WireRequest(NamedTuple):
    """An HTTP request. ``path`` is percent-encoded, ``query`` is not; ``body`` is None where there is none."""

    method: str
    path: str
    query: list[tuple[str, str]]
    body: bytes | None


class ErrorBody(Struct, kw_only=True):
    """The body of an error. Always a JSON object: the platform's client fails on anything else.

    Of ``detail`` another platform may send any JSON, and it may leave out the message.
    """

    message: str | None = None
    detail: Any = None
    hint: str | UnsetType = UNSET
    request_id: str | UnsetType = UNSET


_error_body = msgspec.json.Decoder(ErrorBody)


def path_text(value: Any) -> str:
    """Encode a value as one segment of a path."""
    return quote(query_text(value), safe="")


def query_text(value: Any) -> str:
    """Encode a value as the text of a query parameter; booleans as ``True`` and ``False``, as the platform's client does."""
    if isinstance(value, bool):
        return "True" if value else "False"
    if isinstance(value, str | int | float | UUID):
        return str(value)
    return msgspec.json.encode(value).decode()


def encode_error(error: APIError, *, request_id: str | None = None) -> bytes:
    """Encode an error as a JSON body."""
    return msgspec.json.encode(
        ErrorBody(
            message=error.message,
            detail=error.detail,
            hint=error.hint or UNSET,
            request_id=error.request_id or request_id or UNSET,
        )
    )


def decode_error(
    status: int,
    body: bytes,
    *,
    request_id: str | None = None,
    retry_after: float | None = None,
) -> APIError:
    """Decode the error of a response, also where the body is a page of a proxy."""
    try:
        decoded = _error_body.decode(body)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        decoded = ErrorBody(message=_excerpt(body))
    decoded_id = decoded.request_id if isinstance(decoded.request_id, str) else request_id
    details = _details(decoded.detail)
    error = error_for_status(
        status,
        decoded.message or details or f"no message (status {status})",
        detail=decoded.detail if isinstance(decoded.detail, str | list) else None,
        request_id=decoded_id,
        retry_after=retry_after,
    )
    if isinstance(decoded.hint, str):
        error.hint = decoded.hint
    elif decoded.message and details:
        # Other platforms say there which value is wrong.
        error.hint = details
    elif isinstance(error, LockedError):
        error.hint = "unlock the version first: version.unlock(), or headrace version unlock"
    return error


def retry_after_of(error: APIError) -> float | None:
    """Return the seconds that an error asks the client to wait, or None."""
    return error.retry_after if isinstance(error, RateLimitError) else None


def _details(detail: Any) -> str:
    """Write the details of an error in one line; those of FastAPI as ``place: what is wrong``."""
    if not detail:
        return ""
    parts = []
    for each in detail if isinstance(detail, list) else [detail]:
        if isinstance(each, dict) and "msg" in each:
            place = ".".join(map(str, each.get("loc") or ()))
            parts.append(f"{place}: {each['msg']}" if place else str(each["msg"]))
        else:
            parts.append(each if isinstance(each, str) else msgspec.json.encode(each).decode())
    return _excerpt("; ".join(parts).encode())


def _excerpt(body: bytes) -> str:
    text = " ".join(body[: 4 * EXCERPT].decode("utf-8", "replace").split())
    return text if len(text) <= EXCERPT else text[: EXCERPT - 1] + "…"
