"""Detects Pascal VOC."""

from __future__ import annotations

from pathlib import Path

from headrace.formats.info import Guess
from headrace.formats.io.look import look_below

_LOOK = 16 * 1024
_TRIES = 20


def probe(path: Path) -> Guess | None:
    """Detect VOC by XML files with the root ``annotation``."""
    if path.is_file():
        if path.suffix.lower() == ".xml" and is_annotation(path):
            return Guess(format="voc", confidence="certain", reason="its root is <annotation>")
        return None
    tries = 0
    for folder in (path / "Annotations", path):
        for relative, listed in look_below(folder, (".xml",)):
            for name in listed.files[:_TRIES]:
                each = folder / relative / name
                if is_annotation(each):
                    reason = f"{each.relative_to(path)} has <annotation> as its root"
                    return Guess(format="voc", confidence="certain", reason=reason)
                tries += 1
            if tries >= _TRIES:
                break
    return None


def count_images(folder: Path, limit: int) -> int:
    """Return the number of XML files below a folder, up to a limit."""
    count = 0
    for _, listed in look_below(folder, (".xml",)):
        count += len(listed.files)
        if count >= limit:
            return limit
    return count


def is_annotation(path: Path) -> bool:
    """Return whether a file begins like an annotation."""
    with path.open("rb") as file:
        start = file.read(_LOOK).replace(b"\0", b"")
    return b"<annotation" in start and (b"<object" in start or b"<filename" in start)
