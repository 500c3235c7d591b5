"""Detect COCO by the keys near the beginning and the end of a file."""

from __future__ import annotations

import gzip
import re
import zlib
from pathlib import Path

from headrace.formats.coco.folders import guess_folder
from headrace.formats.info import Guess

_SAMPLE_BYTES = 64 * 1024
_VIDEOS = re.compile(rb'"videos"[ \t\r\n]*:[ \t\r\n]*\[[ \t\r\n]*\{')
_KEY = re.compile(rb'"(images|annotations|categories|video_id|file_name|segments_info)"[ \t\r\n]*:')


def detect(path: Path) -> Guess | None:
    """Guess whether a path is COCO.

    Returns:
        A guess, or None: ``certain`` for a file with all three lists, ``likely`` for one with two of them, and
        ``possible`` for a list of results or for a folder that holds COCO files.
    """
    return guess_folder(path, detect_file, "coco") if path.is_dir() else detect_file(path)


def detect_file(path: Path) -> Guess | None:
    """Guess whether a file is COCO."""
    head, tail = head_and_tail(path)
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    if start.startswith(b"[") and b'"image_id"' in start:
        return Guess(
            format="coco", confidence="possible", reason=f"{path.name} is a list of results"
        )
    if not start.startswith(b"{"):
        return None
    keys = {key.decode() for key in _KEY.findall(head + tail)}
    if {"video_id", "segments_info"} & keys or "images" not in keys or _VIDEOS.search(head + tail):
        return None
    if {"annotations", "categories"} <= keys:
        return Guess(
            format="coco",
            confidence="certain",
            reason=f"{path.name} has images, annotations and categories",
        )
    if keys & {"annotations", "categories", "file_name"}:
        return Guess(format="coco", confidence="likely", reason=f"{path.name} has images")
    return None


def head_and_tail(path: Path) -> tuple[bytes, bytes]:
    """Read the first and the last bytes of a file; of a gzip file only the first ones, decompressed."""
    with path.open("rb") as file:
        if file.read(2) == b"\x1f\x8b":
            file.seek(0)
            try:
                return gzip.GzipFile(fileobj=file).read(_SAMPLE_BYTES), b""
            except (EOFError, OSError, zlib.error):
                return b"", b""
        file.seek(0)
        head = file.read(_SAMPLE_BYTES)
        file.seek(max(path.stat().st_size - _SAMPLE_BYTES, len(head)))
        return head, file.read(_SAMPLE_BYTES)
