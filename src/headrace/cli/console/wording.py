"""Numbers and paths as people read them."""

from __future__ import annotations

import os
from pathlib import Path


def absolute(path: Path) -> str:
    """The whole path, links left as they are."""
    return os.path.abspath(path)


def shown_folder(path: Path) -> str:
    """A folder as a path that cannot be taken for a name: ``./lake``."""
    return str(path) if path.is_absolute() or path.parts[:1] == ("..",) else f"./{path}"


def many(number: int, noun: str, nouns: str | None = None) -> str:
    """``1 asset``, ``4,888 shapes``."""
    return f"{number:,} {noun if number == 1 else nouns or noun + 's'}"


def size(count: float) -> str:
    """Bytes with a decimal prefix: ``7.6 MB``."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 999.5:
            return f"{count:.0f} {unit}" if unit == "B" or count >= 99.5 else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"


def duration(seconds: float) -> str:
    """``0.4 s``, ``59 s``, ``1 min 1 s``, ``2 h 5 min``."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
