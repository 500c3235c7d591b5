"""COCO files in a folder: which of its JSON files are such, and which one is meant."""

from __future__ import annotations

import os
from collections.abc import Callable
from itertools import chain, islice
from pathlib import Path

from headrace.errors import ParseError
from headrace.formats.info import FormatName, Guess

Detector = Callable[[Path], Guess | None]

# Beside the images, where the dataset of the name keeps them, and one file a split, as Roboflow exports it.
_SUBFOLDERS = ("", "annotations", "train", "valid", "val", "test")
_SUFFIXES = (".json", ".json.gz")
_TRIES = 100
_SHOWN = 5


def find_files(folder: Path, detect: Detector) -> list[Path]:
    """The files of a folder, not far down, that ``look`` takes for its format."""
    tried = islice(chain.from_iterable(_json_files(folder / each) for each in _SUBFOLDERS), _TRIES)
    return [path for path in tried if (guess := detect(path)) and guess.confidence != "possible"]


def _json_files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    with os.scandir(folder) as entries:
        names = [entry.name for entry in entries if entry.name.lower().endswith(_SUFFIXES)]
    return [path for name in sorted(names) if (path := folder / name).is_file()]


def guess_folder(folder: Path, detect: Detector, format: FormatName) -> Guess | None:
    """A folder of such files: possible only, for other formats' folders may hold one too."""
    found = find_files(folder, detect)
    if not found:
        return None
    return Guess(format=format, confidence="possible", reason=f"it holds {_names(folder, found)}")


def resolve_file(path: Path, detect: Detector) -> Path:
    """``path``, or the only such file where it is a folder. Raises ParseError where that holds none or several."""
    if not path.is_dir():
        return path
    found = find_files(path, detect)
    if len(found) == 1:
        return found[0]
    if not found:
        raise ParseError(
            "a folder without any such file", path=path, hint="name the annotation file"
        )
    raise ParseError(
        f"a folder with {len(found)} annotation files: {_names(path, found)}",
        path=path,
        hint=f"name the one to read: {found[0]}",
    )


def _names(folder: Path, files: list[Path]) -> str:
    names = [path.relative_to(folder).as_posix() for path in files[:_SHOWN]]
    return ", ".join(names) + (" …" if len(files) > _SHOWN else "")
