"""EXIF tags of images as metadata, under the keys of the official client (``fill_metadata=True``)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from headrace.errors import MissingExtraError

_UNITS = {2: "inches", 3: "cm"}
_COMPRESSIONS = {
    1: "Uncompressed",
    2: "CCITT 1D",
    3: "T4/Group 3 Fax",
    4: "T6/Group 4 Fax",
    5: "LZW",
    6: "JPEG (old-style)",
    7: "JPEG",
    8: "Adobe Deflate",
    9: "JBIG B&W",
    10: "JBIG Color",
    99: "JPEG",
}


def _text(value: Any) -> str | None:
    return str(value).strip("\0") or None


def _number(value: Any) -> float | None:
    try:
        return float(value) or None
    except (TypeError, ValueError, ZeroDivisionError):
        return None


def _time(value: Any) -> str | None:
    try:
        return datetime.strptime(str(value).strip("\0 "), "%Y:%m:%d %H:%M:%S").isoformat()  # noqa: DTZ007 - EXIF names no zone
    except ValueError:
        return None


def _named(names: dict[int, str]) -> Callable[[Any], str | None]:
    return lambda value: names.get(value) if isinstance(value, int) else _text(value)


_TAGS: dict[str, tuple[int, Callable[[Any], Any]]] = {
    "acquired_at": (0x0132, _time),
    "acquired_by": (0x013B, _text),
    "resolution_x": (0x011A, _number),
    "resolution_y": (0x011B, _number),
    "resolution_unit": (0x0128, _named(_UNITS)),
    "compression": (0x0103, _named(_COMPRESSIONS)),
    "manufacturer": (0x010F, _text),
    "software": (0x0131, _text),
    "color_space": (0xA001, _text),
}
"""The tag of each key, and what its value becomes; the time has no zone."""


def exif_metadata(path: Path) -> dict[str, Any]:
    """Read the EXIF tags of an image; empty for a file without them, or that is no image.

    Raises:
        MissingExtraError: Pillow is not installed.
    """
    try:
        from PIL import Image
    except ImportError:
        raise MissingExtraError(
            "reading EXIF tags needs Pillow", install="headrace[images]"
        ) from None
    try:
        with Image.open(path) as image:
            tags = image.getexif()
    except (OSError, SyntaxError, ValueError):
        return {}
    found = {key: read(tags[tag]) for key, (tag, read) in _TAGS.items() if tag in tags}
    return {key: value for key, value in found.items() if value is not None}
