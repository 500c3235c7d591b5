"""Find the COCO files in a folder."""

from __future__ import annotations

import os
from collections.abc import Callable
from itertools import chain, islice
from pathlib import Path

from headrace.errors import ParseError
from headrace.formats.info import FormatName, Guess

Detector = Callable[[Path], Guess | None]

# Beside the images, in "annotations" as the COCO dataset has them, or one file for each split, as Roboflow exports them.
_SUBFOLDERS = ("", "annotations", "train", "valid", "val", "test")
_SUFFIXES = (".json", ".json.gz")
_MAX_FILES = 100
_MAX_NAMES = 5


def find_files(folder: Path, detect: Detector) -> list[Path]:
    """Return the JSON files in a folder and its usual subfolders that ``detect`` recognises with some certainty."""
    tried = islice(
        chain.from_iterable(_json_files(folder / each) for each in _SUBFOLDERS), _MAX_FILES
    )
    return [path for path in tried if (guess := detect(path)) and guess.confidence != "possible"]


def _json_files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    with os.scandir(folder) as entries:
        names = [entry.name for entry in entries if entry.name.lower().endswith(_SUFFIXES)]
    return [path for name in sorted(names) if (path := folder / name).is_file()]


def guess_folder(folder: Path, detect: Detector, format: FormatName) -> Guess | None:
    """Return a ``possible`` guess for a folder with files of a format; folders of other formats may hold one too."""
    found = find_files(folder, detect)
    if not found:
        return None
    return Guess(format=format, confidence="possible", reason=f"it holds {_names(folder, found)}")


def resolve_file(path: Path, detect: Detector) -> Path:
    """Return ``path`` itself, or the only matching file where it is a folder.

    Raises:
        ParseError: The folder holds no matching file, or several.
    """
    if not path.is_dir():
        return path
    found = find_files(path, detect)
    if len(found) == 1:
        return found[0]
    if not found:
        raise ParseError(
            "a folder without an annotation file of this format",
            path=path,
            hint="name the annotation file",
        )
    raise ParseError(
        f"a folder with {len(found)} annotation files: {_names(path, found)}",
        path=path,
        hint=f"name the one to read: {found[0]}",
    )


def _names(folder: Path, files: list[Path]) -> str:
    names = [path.relative_to(folder).as_posix() for path in files[:_MAX_NAMES]]
    return ", ".join(names) + (" …" if len(files) > _MAX_NAMES else "")
