"""Reads width, height and orientation of an image from its header, without decoding it.

In this project an image's size is the size **stored** in the file. The orientation from EXIF is returned in addition
and never applied here; a format whose coordinates refer to the rotated image swaps width and height itself.

Plain JPEG and PNG files, nearly all of them, take a few microseconds here; ``imagesize`` reads the others.
"""

from __future__ import annotations

import io
import os
import re
import struct
from pathlib import Path
from typing import Final, NamedTuple

import imagesize

from headrace.formats.io.openat import OpenFile, open_file

#: Suffixes of images: the list of Ultralytics, and GIF.
IMAGE_SUFFIXES: Final = frozenset(
    {"bmp", "dng", "gif", "heic", "heif", "jfif", "jpeg", "jpg", "mpo", "pfm", "png", "tif", "tiff", "webp"}
)  # fmt: skip

_USUAL_SUFFIXES = ("jpg", "png", "jpeg")
#: The same, the usual ones first.
SUFFIXES_BY_USE: Final = (*_USUAL_SUFFIXES, *sorted(IMAGE_SUFFIXES.difference(_USUAL_SUFFIXES)))

_HEAD = 4096
_TURNED = (5, 6, 7, 8)
_PREFIX = 4 * 1024 * 1024
_SEGMENTS = 200
# Beginnings of JPEG files up to their size, and their lengths.
_beginnings: Final[set[bytes]] = set()
_lengths: Final[list[int]] = []
_MAX_BEGINNINGS: Final = 1000
_MAX_LENGTHS: Final = 4
_PFM = re.compile(rb"P[Ff]\s+(\d{1,9})\s+(\d{1,9})\s")
# Errors that imagesize raises on damaged files.
_DAMAGED = (ValueError, ArithmeticError, LookupError, TypeError, RecursionError, struct.error)


class ImageSize(NamedTuple):
    """Width and height in pixels as stored, and the EXIF orientation (1 to 8; 1 by default)."""

    width: int
    height: int
    orientation: int = 1

    @property
    def upright(self) -> tuple[int, int]:
        """Width and height in pixels after the rotation of EXIF."""
        if self.orientation in _TURNED:
            return self.height, self.width
        return self.width, self.height


def read_size(path: str | Path, opener: OpenFile = open_file) -> ImageSize | None:
    """Return the size of an image file, or None where its header is unreadable; raises :class:`OSError`."""
    fd = opener(str(path))
    try:
        head = os.read(fd, _HEAD)
        found = _known(head) or _png(head) or _jpeg(fd, head) or _pfm(head) or _other(fd, head)
    finally:
        os.close(fd)
    return found if found is not None and found.width > 0 and found.height > 0 else None


def _png(head: bytes) -> ImageSize | None:
    if head[:8] != b"\x89PNG\r\n\x1a\n" or head[12:16] != b"IHDR" or len(head) < 24:
        return None
    return ImageSize(int.from_bytes(head[16:20], "big"), int.from_bytes(head[20:24], "big"))


def _known(head: bytes) -> ImageSize | None:
    """Return the size of a JPEG with the same bytes before its size as an earlier one (from one camera, say)."""
    for at in _lengths:
        if head[:at] in _beginnings and len(head) >= at + 4:
            return ImageSize(head[at + 2] << 8 | head[at + 3], head[at] << 8 | head[at + 1])
    return None


def _remember(beginning: bytes) -> None:
    if len(_beginnings) >= _MAX_BEGINNINGS:
        _beginnings.clear()
        _lengths.clear()
    _beginnings.add(beginning)
    if len(beginning) not in _lengths and len(_lengths) < _MAX_LENGTHS:
        _lengths.append(len(beginning))


def _jpeg(fd: int, head: bytes) -> ImageSize | None:
    """Walk the segments up to the frame header; None for other files and for JPEGs with EXIF."""
    if head[:3] != b"\xff\xd8\xff":
        return None
    base, at = 0, 2
    for _ in range(_SEGMENTS):
        if at + 10 > len(head):
            base, at = os.lseek(fd, base + at, os.SEEK_SET), 0
            head = os.read(fd, _HEAD)
            if len(head) < 10:
                return None
        marker = head[at + 1]
        if head[at] != 0xFF or marker < 0xC0 or 0xD0 <= marker <= 0xDA or marker == 0xFF:
            return None
        if marker == 0xE1 and head[at + 4 : at + 8] == b"Exif":
            return None
        if marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            if not base:
                _remember(head[: at + 5])
            return ImageSize(head[at + 7] << 8 | head[at + 8], head[at + 5] << 8 | head[at + 6])
        at += 2 + (head[at + 2] << 8 | head[at + 3])
    return None


def _pfm(head: bytes) -> ImageSize | None:
    match = _PFM.match(head)
    return ImageSize(int(match[1]), int(match[2])) if match else None


def _other(fd: int, head: bytes) -> ImageSize | None:
    if head.lstrip().startswith(b"<") or not head:
        return None  # SVG has no pixel size, and imagesize would parse its XML unsafely
    os.lseek(fd, 0, os.SEEK_SET)
    # TIFF may store its directory anywhere; all others have the size near the start.
    if head[:4] in (b"II*\0", b"MM\0*", b"II+\0"):
        with os.fdopen(fd, "rb", closefd=False) as file:
            return _imagesize(file)
    return _imagesize(io.BytesIO(os.read(fd, _PREFIX)))


def _imagesize(file: io.BufferedIOBase) -> ImageSize | None:
    try:
        info = imagesize.get_info(
            file, dpi=False, colors=False, channels=False, exif_rotation=False
        )
    except _DAMAGED:
        return None
    return ImageSize(info.width, info.height, info.rotation if 1 <= info.rotation <= 8 else 1)
