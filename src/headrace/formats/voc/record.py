"""What one VOC file says, between its bytes and our shapes; and the meaning of its values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from math import isfinite
from typing import Any, Final

from msgspec import Struct, field

from headrace.model.shapes import Attributes

#: Tags of an object that say yes or no.
FLAGS: Final = ("truncated", "difficult", "occluded")
#: What nearly every file says of itself, so that it says nothing.
USUAL: Final[Mapping[str, Any]] = {"segmented": "0", "source": {"database": "Unknown"}}
_WORDS: Final = {"1": True, "0": False, "true": True, "false": False}
_NUMBER = re.compile(r"[ \t\r\n]*[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?[ \t\r\n]*")
# More digits than these say nothing to a float, and cost time.
_MAX_DIGITS: Final = 400

Corners = tuple[float, float, float, float]


class VocPart(Struct, gc=False):
    """A part of an object: a head, a hand."""

    label: str
    corners: Corners | None


class VocObject(Struct, kw_only=True):
    """One ``<object>`` as it stands in the file: corners as written, rings flat."""

    label: str
    corners: Corners | None = None
    broken: bool = False
    rings: list[list[float]] = field(default_factory=list)
    broken_rings: int = 0
    parts: list[VocPart] = field(default_factory=list)
    attributes: Attributes | None = None


class VocAnnotation(Struct, kw_only=True):
    """One file: name and size as written, objects, attributes of the image, and what else it says of itself."""

    filename: str = ""
    width: int | None = None
    height: int | None = None
    objects: list[VocObject] = field(default_factory=list)
    attributes: Attributes | None = None
    own: dict[str, Any] = field(default_factory=dict)


def number(text: str | None) -> float | None:
    """The finite number a text stands for, None where it stands for none."""
    if text is None or len(text) > _MAX_DIGITS or not _NUMBER.fullmatch(text):
        return None
    value = float(text)
    return value if isfinite(value) else None


def pixels(text: str | None) -> int | None:
    """A count of pixels above 0, None where the text says none."""
    value = number(text)
    return int(value) if value is not None and 1 <= value < 2**31 else None


def flag(text: str | None) -> bool | str | None:
    """Yes, no, or None for not said; other words stay as they are."""
    word = (text or "").strip()
    if not word or word.lower() == "unspecified":
        return None
    return _WORDS.get(word.lower(), word)


def flags(
    pose: str | None, truncated: str | None, difficult: str | None, occluded: str | None
) -> Attributes:
    """The attributes that an object's own tags say; what is not said is absent."""
    said: Attributes = {}
    facing = (pose or "").strip()
    if facing and facing.lower() != "unspecified":
        said["pose"] = facing
    for name, text in zip(FLAGS, (truncated, difficult, occluded), strict=True):
        value = flag(text)
        if value is not None:
            said[name] = value
    return said
