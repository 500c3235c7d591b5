"""What the readers of the containers share: a file of which only a bounded part is read, and what was found."""

from __future__ import annotations

import os
import struct
from typing import Final

from msgspec import Struct

MAX_READ: Final = 1 << 20
"""Bytes that are read of one file at most."""

MAX_PARTS: Final = 20_000
"""Boxes, elements or chunks that are looked at in one file at most."""


_LARGEST: Final = 1e9
# Seconds of a video, or frames of a second, that no encoder means.


class HeaderError(Exception):
    """The header ends too early, or it takes more to read than a header should."""


class VideoInfo(Struct, frozen=True, kw_only=True):
    """What a container says about its first video track; None where it does not say it.

    ``width`` and ``height`` are those of the decoded frames in pixels, after the rotation that the container demands.
    ``duration`` is in seconds, ``fps`` in frames per second, ``frames`` the number of frames.
    """

    width: int
    height: int
    duration: float | None = None
    fps: float | None = None
    frames: int | None = None


class HeaderFile:
    """An open file that is read at any place, up to :data:`MAX_READ` bytes and :data:`MAX_PARTS` parts in all.

    Args:
        fd: The descriptor of the file.
    """

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._bytes = MAX_READ
        self._parts = MAX_PARTS
        self.size = os.fstat(fd).st_size

    def read(self, at: int, length: int) -> bytes:
        """Return exactly ``length`` bytes from the offset ``at``; HeaderError if they are not there."""
        if at < 0 or at + length > self.size or length > self._bytes:
            raise HeaderError
        self._bytes -= length
        found = os.pread(self._fd, length, at)
        if len(found) != length:
            raise HeaderError
        return found

    def unpack(self, form: str, at: int) -> tuple[int, ...]:
        """Return the numbers at an offset, by the format of :mod:`struct`."""
        return struct.unpack(form, self.read(at, struct.calcsize(form)))

    def count_part(self) -> None:
        """Count a part of the container; HeaderError after too many."""
        self._parts -= 1
        if self._parts < 0:
            raise HeaderError


def ratio(dividend: float | None, divisor: float | None) -> float | None:
    """Return the quotient, rounded to six digits; None where a part is unknown or the quotient makes no sense."""
    if not dividend or not divisor or dividend < 0 or divisor < 0:
        return None
    quotient = dividend / divisor
    return round(quotient, 6) if 0 < quotient < _LARGEST else None
