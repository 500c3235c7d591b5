"""What travels: requests as HTTP sees them, query values as text, and the bodies of errors."""

from __future__ import annotations

from typing import Any, NamedTuple
from urllib.parse import quote
from uuid import UUID

import msgspec
from msgspec import UNSET, Struct, UnsetType

from headrace.errors import APIError, RateLimitError, error_for_status

EXCERPT = 200
"""Characters of a foreign error page that an error message quotes at most."""


class WireRequest(NamedTuple):
    """``path`` is percent-encoded, ``query`` is not; ``body`` is None where the call has none."""

    method: str
    path: str
    query: list[tuple[str, str]]
    body: bytes | None


class ErrorBody(Struct, kw_only=True):
    """A JSON object, always: the platform's client fails on anything else."""

    message: str
    detail: str | list[Any] | None = None
    hint: str | UnsetType = UNSET
    request_id: str | UnsetType = UNSET


_error_body = msgspec.json.Decoder(ErrorBody)


def path_text(value: Any) -> str:
    """A value as one segment of a path."""
    return quote(query_text(value), safe="")


def query_text(value: Any) -> str:
    """A value as the text of a query parameter; booleans as the platform's client spells them."""
    if isinstance(value, bool):
        return "True" if value else "False"
    if isinstance(value, str | int | float | UUID):
        return str(value)
    return msgspec.json.encode(value).decode()


def encode_error(error: APIError, *, request_id: str | None = None) -> bytes:
    """The JSON body of an error."""
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
    """The error behind an answer, also where its body is a page of something in between."""
    try:
        said = _error_body.decode(body)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        said = ErrorBody(message=_excerpt(body) or f"no message (status {status})")
    named = said.request_id if isinstance(said.request_id, str) else request_id
    error = error_for_status(
        status, said.message, detail=said.detail, request_id=named, retry_after=retry_after
    )
    if isinstance(said.hint, str):
        error.hint = said.hint
    return error


def retry_after_of(error: APIError) -> float | None:
    """The seconds that an error asks to wait."""
    return error.retry_after if isinstance(error, RateLimitError) else None


def _excerpt(body: bytes) -> str:
    text = " ".join(body[: 4 * EXCERPT].decode("utf-8", "replace").split())
    return text if len(text) <= EXCERPT else text[: EXCERPT - 1] + "…"
