"""Detects Pascal VOC."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

from headrace.formats.info import Guess

_LOOK = 16 * 1024
_TRIES = 20


def probe(path: Path) -> Guess | None:
    """Detect VOC by XML files with the root ``annotation``."""
    if path.is_file():
        if path.suffix.lower() == ".xml" and _is_annotation(path):
            return Guess(format="voc", confidence="certain", reason="its root is <annotation>")
        return None
    for folder in (path / "Annotations", path):
        found = [each for each in _some(folder, "*.xml") if _is_annotation(each)]
        if found:
            return _folder_guess(path, found)
    deeper = [each for each in _some(path, "*/**/*.xml") if _is_annotation(each)]
    return _folder_guess(path, deeper) if deeper else None


def _folder_guess(path: Path, found: list[Path]) -> Guess:
    name = found[0].relative_to(path)
    return Guess(format="voc", confidence="certain", reason=f"{name} has <annotation> as its root")


def _some(folder: Path, pattern: str) -> list[Path]:
    return list(islice((each for each in folder.glob(pattern) if each.is_file()), _TRIES))


def _is_annotation(path: Path) -> bool:
    with path.open("rb") as file:
        start = file.read(_LOOK).replace(b"\0", b"")
    return b"<annotation" in start and (b"<object" in start or b"<filename" in start)
