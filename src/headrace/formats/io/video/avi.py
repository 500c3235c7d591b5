"""AVI: chunks of a name, a size and a content, some of which are lists of chunks."""

from __future__ import annotations

from collections.abc import Iterator

from headrace.formats.io.video.parts import HeaderFile, VideoInfo, ratio

Chunk = tuple[bytes, int, int]
"""The name of a chunk (of a list: its type), and where its content begins and ends."""


def read_avi(file: HeaderFile) -> VideoInfo | None:
    """Return what the first video stream says; None without one."""
    for name, start, end in chunks(file, 12, file.size):
        if name == b"hdrl":
            for inner, from_, to in chunks(file, start, end):
                if inner == b"strl" and (found := _stream(file, from_, to)) is not None:
                    return found
            return None
    return None


def chunks(file: HeaderFile, start: int, end: int) -> Iterator[Chunk]:
    """Yield the chunks between two offsets; a chunk that is longer than its parent ends with it."""
    while start + 8 <= end:
        file.count_part()
        head = file.read(start, 8)
        name, size = head[:4], int.from_bytes(head[4:], "little")
        content, to = start + 8, min(start + 8 + size, end)
        if name == b"LIST" and size >= 4:
            name, content = file.read(content, 4), content + 4
        yield name, content, to
        # Chunks begin at even offsets.
        start += 8 + size + size % 2


def _stream(file: HeaderFile, start: int, end: int) -> VideoInfo | None:
    """Return what a stream says; None unless it is one of video with a size."""
    kind, rate, frames, size = b"", None, None, None
    for name, at, to in chunks(file, start, end):
        if name == b"strh" and to - at >= 36:
            kind = file.read(at, 4)
            scale, per_scale, _, length = file.unpack("<4I", at + 20)
            rate, frames = ratio(per_scale, scale), length or None
        elif name == b"strf" and kind == b"vids" and to - at >= 12:
            width, height = file.unpack("<2i", at + 4)
            # The height of pictures that are stored from the top is negative.
            size = (width, abs(height))
    if size is None or min(size) <= 0:
        return None
    return VideoInfo(
        width=size[0], height=size[1], duration=ratio(frames, rate), fps=rate, frames=frames
    )
