"""Detect video COCO by a list of videos, or by images that belong to videos."""

from __future__ import annotations

import re
from pathlib import Path

from headrace.formats.coco.detect import count_names, head_and_tail
from headrace.formats.coco.folders import find_files, guess_folder
from headrace.formats.info import Guess

_VIDEOS = re.compile(rb'"videos"[ \t\r\n]*:[ \t\r\n]*\[[ \t\r\n]*\{')
_VIDEO_ID = re.compile(rb'"video_id"[ \t\r\n]*:')


def detect(path: Path) -> Guess | None:
    """Guess whether a path is video COCO.

    Returns:
        A guess, or None: ``certain`` for a file with a list of videos, ``likely`` where only ``video_id`` is near an
        end of the file, ``possible`` for a folder with video COCO files.
    """
    return guess_folder(path, detect_file, "coco-video") if path.is_dir() else detect_file(path)


def detect_file(path: Path) -> Guess | None:
    """Guess whether a file is video COCO."""
    text = b"\n".join(head_and_tail(path))
    if not text.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
        return None
    if _VIDEOS.search(text):
        return Guess(format="coco-video", confidence="certain", reason=f"{path.name} lists videos")
    if _VIDEO_ID.search(text) and b'"annotations"' in text:
        return Guess(format="coco-video", confidence="likely", reason=f"{path.name} has video_id")
    return None


def count_images(folder: Path, limit: int) -> int:
    """Return how many images and videos the files of a folder name, up to a limit."""
    found = find_files(folder, detect_file)
    return min(sum(count_names(path, limit) for path in found), limit)
