"""Detect COCO by the keys near the beginning and the end of a file."""

from __future__ import annotations

import gzip
import re
import zlib
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Literal

from msgspec import DecodeError
from msgspec.json import decode

from headrace.formats.info import Guess

_SAMPLE_BYTES = 64 * 1024
_BLOCK_BYTES = 1024 * 1024
_MAX_BLOCKS = 8
_VIDEOS = re.compile(rb'"videos"[ \t\r\n]*:[ \t\r\n]*\[[ \t\r\n]*\{')
_LIST = re.compile(rb'"(images|annotations|categories)"[ \t\r\n]*:[ \t\r\n]*(?:\[|null)')
_KEY = re.compile(
    rb'"(video_id|file_name|segments_info|caption|bbox|segmentation|keypoints)"[ \t\r\n]*:'
)
_OF_OBJECTS = frozenset({"bbox", "segmentation", "keypoints"})
_FILE_NAME = re.compile(rb'"file_name"[ \t\r\n]*:[ \t\r\n]*("(?:[^"\\]|\\.)*")')


def content_of(path: Path) -> Literal["objects", "captions", "panoptic segments"] | None:
    """Return what a file of the COCO family is about; None where it is no data set of images."""
    head, tail = head_and_tail(path)
    keys = _keys(head, tail)
    if "segments_info" in keys and "images" in keys:
        return "panoptic segments"
    guess = detect_file(path)
    if guess is None or guess.confidence == "possible":
        return None
    return "captions" if "caption" in keys and not keys & _OF_OBJECTS else "objects"


def first_names(path: Path, count: int) -> list[str]:
    """Return some file names of images that stand near the beginning or the end of a file."""
    head, tail = head_and_tail(path)
    names: list[str] = []
    for text in islice(_FILE_NAME.findall(head + tail), count):
        with suppress(DecodeError):
            names.append(decode(text, type=str))
    return names


def count_names(path: Path, limit: int) -> int:
    """Return how many images a file names, counted up to a limit in its first megabytes."""
    count = 0
    with path.open("rb") as file:
        for _ in range(_MAX_BLOCKS):
            block = file.read(_BLOCK_BYTES)
            count += block.count(b'"file_name"')
            if count >= limit or not block:
                return min(count, limit)
    # So much text describes many images, even where they stand at its end.
    return limit


def contains(path: Path, text: bytes) -> bool:
    """Return whether a text stands anywhere in a file that is not compressed."""
    with path.open("rb") as file:
        rest = b""
        while block := file.read(_BLOCK_BYTES):
            if text in rest + block:
                return True
            rest = block[-len(text) :]
    return False


def _keys(head: bytes, tail: bytes) -> set[str]:
    text = head + tail
    return {key.decode() for key in [*_LIST.findall(text), *_KEY.findall(text)]}


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
    keys = _keys(head, tail)
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
