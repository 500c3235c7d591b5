"""Detects LabelMe files, by their first bytes and their keys."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from headrace.formats import Guess
from headrace.formats.io.look import look_below

# LabelMe writes imagePath behind the shapes, so a look at the start of a file finds "shapes" and how they are written.
_LOOK_BYTES: Final = 16 * 1024
_FILES: Final = 20


def probe(path: Path) -> Guess | None:
    """Detect LabelMe by JSON files with shapes as LabelMe writes them."""
    if path.is_file():
        if path.suffix.lower() == ".json" and is_labelme(path):
            reason = "it has shapes and an imagePath"
            return Guess(format="labelme", confidence="certain", reason=reason)
        return None
    tries = 0
    for relative, listed in look_below(path, (".json",)):
        for name in listed.files[:_FILES]:
            if is_labelme(path / relative / name):
                reason = f"{relative}{name} has shapes and an imagePath"
                return Guess(format="labelme", confidence="certain", reason=reason)
            tries += 1
            if tries >= _FILES:
                return None
    return None


def is_labelme(path: Path) -> bool:
    """Return whether a file begins, and ends, as LabelMe writes it."""
    with path.open("rb") as file:
        start = file.read(_LOOK_BYTES)
        file.seek(-min(path.stat().st_size, _LOOK_BYTES), 2)
        end = file.read(_LOOK_BYTES)
    if not start.lstrip(b" \t\r\n\xef\xbb\xbf").startswith(b"{") or b'"shapes"' not in start + end:
        return False
    known = (b'"imagePath"', b'"imageHeight"', b'"imageData"')
    return any(key in start or key in end for key in known) and b'"annotations"' not in start


def count_images(folder: Path, most: int) -> int:
    """Return the number of JSON files below a folder, up to a limit."""
    count = 0
    for _, listed in look_below(folder, (".json",)):
        count += len(listed.files)
        if count >= most:
            return most
    return count
