"""Width and height of an uploaded file, read from its header."""

from __future__ import annotations

import struct
from io import BytesIO

from PIL import Image, UnidentifiedImageError

_ROTATED = (5, 6, 7, 8)
_ORIENTATION = 0x0112


def size_of(content: bytes) -> dict[str, int] | None:
    """As a viewer shows it, None where neither Pillow nor an MP4's track header says it."""
    try:
        with Image.open(BytesIO(content)) as image:
            width, height = image.size
            if image.getexif().get(_ORIENTATION) in _ROTATED:
                width, height = height, width
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError):
        return _track_size(content)
    return {"width": width, "height": height}


def _track_size(content: bytes) -> dict[str, int] | None:
    """Of the first track header (box ``tkhd``) of an MP4 that has a size; it ends with two numbers of 16.16 bits."""
    at = content.find(b"tkhd")
    while at >= 4:
        (length,) = struct.unpack(">I", content[at - 4 : at])
        end = at - 4 + length
        if length >= 92 and end <= len(content):
            width, height = struct.unpack(">II", content[end - 8 : end])
            if width >> 16 and height >> 16:
                return {"width": width >> 16, "height": height >> 16}
        at = content.find(b"tkhd", at + 4)
    return None
