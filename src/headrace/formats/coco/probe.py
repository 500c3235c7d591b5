"""Whether a file looks like COCO, by the keys that stand near its beginning and its end."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

from headrace.formats.info import Guess

_LOOK = 64 * 1024
_KEY = re.compile(
    rb'"(images|annotations|categories|videos|image_id|file_name|segments_info)"[ \t\r\n]*:'
)


def probe(path: Path) -> Guess | None:
    """COCO by its three lists; likely where only two are seen. Folders are COCO when one file in them is."""
    if path.is_dir():
        return _folder(path)
    head, tail = _ends(path)
    if not head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
        return None
    keys = {key.decode() for key in _KEY.findall(head + tail)}
    if "videos" in keys or "segments_info" in keys or "images" not in keys:
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


def _folder(path: Path) -> Guess | None:
    return None


def _ends(path: Path) -> tuple[bytes, bytes]:
    with path.open("rb") as file:
        if file.read(2) == b"\x1f\x8b":
            file.seek(0)
            try:
                return gzip.GzipFile(fileobj=file).read(_LOOK), b""
            except (EOFError, OSError):
                return b"", b""
        file.seek(0)
        head = file.read(_LOOK)
        file.seek(max(path.stat().st_size - _LOOK, len(head)))
        return head, file.read(_LOOK)
