"""Names of objects and numbers of their parts: what every store refuses."""

from __future__ import annotations

import mimetypes

from headrace.errors import BadRequestError
from headrace.model.names import safe_parts

MAX_PARTS = 10_000
"""Parts that one upload may have: the limit of S3."""

SHOWN_TYPES = frozenset(
    {
        "image/jpeg",
        "image/png",
        "image/gif",
        "image/webp",
        "image/bmp",
        "image/tiff",
        "video/mp4",
        "video/webm",
    }
)
"""Media types that a browser may show. Files are untrusted uploads, so all others are only saved."""


def object_parts(name: str) -> list[str]:
    """Split the name of an object.

    Raises:
        BadRequestError: The name is unsafe on some system, or one that stores keep for themselves.
    """
    parts = safe_parts(name)
    if "\\" in name or parts[0].startswith("."):
        raise BadRequestError(f"{name!r} cannot name an object")
    return parts


def media_type(name: str) -> str:
    """Return the media type to send an object with."""
    kind = mimetypes.guess_type(name)[0]
    return kind if kind in SHOWN_TYPES else "application/octet-stream"


def check_part_number(number: int) -> None:
    """Raise a :class:`~headrace.errors.BadRequestError` for a part number out of range."""
    if not 1 <= number <= MAX_PARTS:
        raise BadRequestError(f"no part {number}", hint=f"parts count from 1 to {MAX_PARTS}")
