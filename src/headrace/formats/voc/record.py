"""The content of one VOC file as parsed, and the conversion of its values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from math import isfinite
from typing import Any, Final

from msgspec import Struct, field

from headrace.model.shapes import Attributes

#: Boolean tags of an object.
FLAGS: Final = ("truncated", "difficult", "occluded")
#: File-level tags of nearly every file, which carry no information.
USUAL: Final[Mapping[str, Any]] = {"segmented": "0", "source": {"database": "Unknown"}}
_WORDS: Final = {"1": True, "0": False, "true": True, "false": False}
_NUMBER = re.compile(r"[ \t\r\n]*[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?[ \t\r\n]*")
# More digits have no effect on a float and cost time.
_MAX_DIGITS: Final = 400

Corners = tuple[float, float, float, float]


class VocPart(Struct, gc=False):
    """A part of an object, such as a head or a hand."""

    label: str
    corners: Corners | None


class VocObject(Struct, kw_only=True):
    """One ``<object>``: corners as written, rings flat."""

    label: str
    corners: Corners | None = None
    broken: bool = False
    rings: list[list[float]] = field(default_factory=list)
    broken_rings: int = 0
    parts: list[VocPart] = field(default_factory=list)
    attributes: Attributes | None = None


class VocAnnotation(Struct, kw_only=True):
    """One file: name and size as written, objects, attributes of the image, and other file-level tags (``extra``)."""

    filename: str = ""
    width: int | None = None
    height: int | None = None
    objects: list[VocObject] = field(default_factory=list)
    attributes: Attributes | None = None
    extra: dict[str, Any] = field(default_factory=dict)


def number(text: str | None) -> float | None:
    """Convert a text to a finite number, or None."""
    if text is None or len(text) > _MAX_DIGITS or not _NUMBER.fullmatch(text):
        return None
    value = float(text)
    return value if isfinite(value) else None


def pixels(text: str | None) -> int | None:
    """Convert a text to a positive number of pixels, or None."""
    value = number(text)
    return int(value) if value is not None and 1 <= value < 2**31 else None


def flag(text: str | None) -> bool | str | None:
    """Convert a text to a boolean; None if unspecified; other words stay text."""
    word = (text or "").strip()
    if not word or word.lower() == "unspecified":
        return None
    return _WORDS.get(word.lower(), word)


def flags(
    pose: str | None, truncated: str | None, difficult: str | None, occluded: str | None
) -> Attributes:
    """Return the attributes given by the tags of an object, without unspecified ones."""
    attributes: Attributes = {}
    facing = (pose or "").strip()
    if facing and facing.lower() != "unspecified":
        attributes["pose"] = facing
    for name, text in zip(FLAGS, (truncated, difficult, occluded), strict=True):
        value = flag(text)
        if value is not None:
            attributes[name] = value
    return attributes
