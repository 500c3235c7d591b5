"""Finds the container of a video by its first bytes, and reads its header.

A header reader of our own, since the libraries that know all these containers decode video too (FFmpeg's), and a file
may come from anybody: a bounded part of it is read, nothing of its size is kept, and what is broken is unknown.
"""

from __future__ import annotations

import os
from pathlib import Path

from headrace.formats.io.openat import OpenFile, open_file
from headrace.formats.io.video.avi import read_avi
from headrace.formats.io.video.matroska import MAGIC, read_matroska
from headrace.formats.io.video.mp4 import FIRST_BOXES, read_mp4
from headrace.formats.io.video.parts import HeaderError, HeaderFile, VideoInfo


def read_video(path: str | Path, opener: OpenFile = open_file) -> VideoInfo | None:
    """Read the header of an MP4, MOV, MKV, WebM or AVI file.

    Args:
        path: The file.
        opener: Opens it.

    Returns:
        What the header says; None if the file is of another kind, has no video or is broken.

    Raises:
        OSError: If the file cannot be read.
    """
    fd = opener(str(path))
    try:
        return _read(HeaderFile(fd))
    except HeaderError:
        return None
    finally:
        os.close(fd)


def _read(file: HeaderFile) -> VideoInfo | None:
    head = file.read(0, 12)
    if head[4:8] in FIRST_BOXES:
        return read_mp4(file)
    if head[:4] == MAGIC:
        return read_matroska(file)
    if head[:4] == b"RIFF" and head[8:] == b"AVI ":
        return read_avi(file)
    return None
