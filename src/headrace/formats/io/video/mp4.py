"""MP4 and QuickTime (MOV): boxes of a size, a name and a content, some of which are boxes again (ISO 14496-12)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from headrace.formats.io.video.parts import HeaderFile, VideoInfo, ratio

FIRST_BOXES: Final = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot")
"""Names of boxes with which such a file begins. QuickTime's oldest files have no ``ftyp``."""

Box = tuple[bytes, int, int]
"""The name of a box, and where its content begins and ends."""


def read_mp4(file: HeaderFile) -> VideoInfo | None:
    """Return what the first video track says; None without one."""
    for name, start, end in boxes(file, 0, file.size):
        if name == b"moov":
            for inner, from_, to in boxes(file, start, end):
                if inner == b"trak" and (found := _track(file, from_, to)) is not None:
                    return found
            return None
    return None


def boxes(file: HeaderFile, start: int, end: int) -> Iterator[Box]:
    """Yield the boxes between two offsets; a box that is longer than its parent ends with it."""
    while start + 8 <= end:
        file.count_part()
        head = file.read(start, 8)
        size, name = int.from_bytes(head[:4], "big"), head[4:]
        content = start + 8
        if size == 1:
            (size,) = file.unpack(">Q", content)
            content += 8
        elif size == 0:
            size = end - start
        if size < content - start:
            return
        yield name, content, min(start + size, end)
        start += size


def _track(file: HeaderFile, start: int, end: int) -> VideoInfo | None:
    """Return what a track says; None unless it is one of video with a size."""
    turned, shown = False, (0, 0)
    times: tuple[float | None, float | None] = (None, None)
    handler, table = b"", None
    for name, at, to in _below(file, start, end, (b"mdia", b"minf")):
        if name == b"tkhd":
            turned, shown = _track_header(file, at)
        elif name == b"mdhd":
            times = _media_header(file, at)
        elif name == b"hdlr" and not handler:
            handler = file.read(at + 8, 4)
        elif name == b"stbl":
            table = (at, to)
    if handler != b"vide" or table is None:
        return None
    stored, frames = _sample_table(file, *table)
    width, height = stored if all(stored) else shown
    if not (width and height):
        return None
    if turned:
        width, height = height, width
    duration = ratio(*times)
    return VideoInfo(
        width=width, height=height, duration=duration, fps=ratio(frames, duration), frames=frames
    )


def _below(file: HeaderFile, start: int, end: int, open_: tuple[bytes, ...]) -> Iterator[Box]:
    """Yield the boxes of a track, those in ``open_`` replaced by what is in them (each once)."""
    for box in boxes(file, start, end):
        if open_ and box[0] == open_[0]:
            yield from _below(file, box[1], box[2], open_[1:])
        else:
            yield box


def _track_header(file: HeaderFile, at: int) -> tuple[bool, tuple[int, int]]:
    """Return whether frames are shown turned by a quarter, and the size at which they are shown."""
    matrix = at + (52 if file.read(at, 1) == b"\1" else 40)
    a, b, _, c, d = file.unpack(">5i", matrix)
    width, height = file.unpack(">2I", matrix + 36)
    return a == d == 0 and b != 0 and c != 0, (width >> 16, height >> 16)


def _media_header(file: HeaderFile, at: int) -> tuple[float | None, float | None]:
    """Return the duration and the units of a second in which it is given."""
    if file.read(at, 1) == b"\1":
        scale, duration = file.unpack(">IQ", at + 20)
        unknown = duration == (1 << 64) - 1
    else:
        scale, duration = file.unpack(">II", at + 12)
        unknown = duration == (1 << 32) - 1
    return (None if unknown else duration), scale


def _sample_table(file: HeaderFile, start: int, end: int) -> tuple[tuple[int, int], int | None]:
    """Return the size of the frames as stored, and their number; None where they follow in fragments."""
    size, frames = (0, 0), None
    for name, at, to in boxes(file, start, end):
        if name == b"stsd" and at + 44 <= to:
            # The first entry: 8 bytes of the table, 8 of the entry's head, 24 before the size.
            width, height = file.unpack(">2H", at + 40)
            size = (width, height)
        elif name in (b"stsz", b"stz2"):
            frames = file.unpack(">I", at + 8)[0] or None
    return size, frames
