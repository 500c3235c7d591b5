"""Matroska and WebM: elements of an id, a size and a content, some of which are elements again (RFC 8794, 9559)."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final

from headrace.formats.io.video.parts import HeaderError, HeaderFile, VideoInfo, ratio

MAGIC: Final = b"\x1a\x45\xdf\xa3"

_SEGMENT: Final = 0x18538067
_CLUSTER: Final = 0x1F43B675
_INFO: Final = 0x1549A966
_TICK: Final = 0x2AD7B1
_DURATION: Final = 0x4489
_TRACKS: Final = 0x1654AE6B
_TRACK: Final = 0xAE
_TRACK_TYPE: Final = 0x83
_FRAME_TIME: Final = 0x23E383
_VIDEO: Final = 0xE0
_WIDTH: Final = 0xB0
_HEIGHT: Final = 0xBA
_CROPS: Final = {0x54AA: 1, 0x54BB: 1, 0x54CC: 0, 0x54DD: 0}
_PROJECTION: Final = 0x7670
_ROLL: Final = 0x7675
_IS_VIDEO: Final = 1
_NANOSECONDS: Final = 1e9

Element = tuple[int, int, int]
"""The id of an element, and where its content begins and ends."""


def read_matroska(file: HeaderFile) -> VideoInfo | None:
    """Return what the first video track says; None without one."""
    duration, found = None, None
    for id_, start, end in elements(file, 0, file.size):
        if id_ != _SEGMENT:
            continue
        for inner, from_, to in elements(file, start, end):
            if inner == _INFO:
                duration = _duration(file, from_, to)
            elif inner == _TRACKS:
                found = _tracks(file, from_, to)
            # A cluster of unknown size cannot be passed over; files that are streamed have all headers before.
            if found is not None and (duration is not None or inner == _CLUSTER):
                break
        break
    if found is None:
        return None
    width, height, fps = found
    return VideoInfo(width=width, height=height, duration=duration, fps=fps)


def elements(file: HeaderFile, start: int, end: int) -> Iterator[Element]:
    """Yield the elements between two offsets; one of unknown size ends with its parent."""
    while start < end:
        file.count_part()
        id_, start = _number(file, start, keep_marker=True)
        size, start = _number(file, start, keep_marker=False)
        to = end if size is None else min(start + size, end)
        assert id_ is not None
        yield id_, start, to
        start = to


def _number(file: HeaderFile, at: int, *, keep_marker: bool) -> tuple[int | None, int]:
    """Read a number of variable length; returns it (None for "unknown") and the offset after it."""
    first = file.read(at, 1)[0]
    length = 9 - first.bit_length()
    if length > (4 if keep_marker else 8):
        raise HeaderError
    value = int.from_bytes(file.read(at, length), "big")
    if keep_marker:
        return value, at + length
    mask = (1 << 7 * length) - 1
    value &= mask
    return (None if value == mask else value), at + length


def _duration(file: HeaderFile, start: int, end: int) -> float | None:
    """Return the seconds that the segment lasts."""
    tick, ticks = 1_000_000, None
    for id_, from_, to in elements(file, start, end):
        if id_ == _TICK:
            tick = _unsigned(file, from_, to)
        elif id_ == _DURATION:
            ticks = _float(file, from_, to)
    return None if ticks is None else ratio(ticks * tick, _NANOSECONDS)


def _tracks(file: HeaderFile, start: int, end: int) -> tuple[int, int, float | None] | None:
    """Return width, height and rate of the first video track with a size."""
    for id_, from_, to in elements(file, start, end):
        if id_ == _TRACK and (found := _track(file, from_, to)) is not None:
            return found
    return None


def _track(file: HeaderFile, start: int, end: int) -> tuple[int, int, float | None] | None:
    kind, size, frame_time = 0, None, None
    for id_, from_, to in elements(file, start, end):
        if id_ == _TRACK_TYPE:
            kind = _unsigned(file, from_, to)
        elif id_ == _FRAME_TIME:
            frame_time = _unsigned(file, from_, to)
        elif id_ == _VIDEO:
            size = _size(file, from_, to)
    if kind != _IS_VIDEO or size is None:
        return None
    return (*size, ratio(_NANOSECONDS, frame_time))


def _size(file: HeaderFile, start: int, end: int) -> tuple[int, int] | None:
    """Return width and height of the frames, without what is cropped, as they are shown."""
    sides, turned = [0, 0], False
    for id_, from_, to in elements(file, start, end):
        if id_ in (_WIDTH, _HEIGHT):
            sides[id_ == _HEIGHT] += _unsigned(file, from_, to)
        elif id_ in _CROPS:
            sides[_CROPS[id_]] -= _unsigned(file, from_, to)
        elif id_ == _PROJECTION:
            for inner, at, until in elements(file, from_, to):
                if inner == _ROLL:
                    turned = abs(_float(file, at, until) or 0) == 90
    width, height = reversed(sides) if turned else sides
    return (width, height) if width > 0 and height > 0 else None


def _unsigned(file: HeaderFile, start: int, end: int) -> int:
    if end - start > 8:
        raise HeaderError
    return int.from_bytes(file.read(start, end - start), "big")


def _float(file: HeaderFile, start: int, end: int) -> float | None:
    """Read a number with a fraction; None where it is no finite number."""
    if end - start not in (4, 8):
        return None
    (value,) = struct.unpack(">f" if end - start == 4 else ">d", file.read(start, end - start))
    return float(value) if abs(value) < 1e300 else None
