"""Find the COCO files in a folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Final

from headrace.errors import ParseError
from headrace.formats.info import FormatName, Guess
from headrace.formats.io.look import MAX_ENTRIES, list_folder

Detector = Callable[[Path], Guess | None]

_SUFFIXES: Final = (".json", ".json.gz")
# Where most data sets have them; a folder of very many files is looked through for these names only.
_USUAL_FOLDERS: Final = ("annotations", "train", "valid", "val", "test")
_USUAL_NAMES: Final = ("_annotations.coco.json", "annotations.json", "labels.json", "result.json")
_MAX_FOLDERS: Final = 64
_MAX_DEPTH: Final = 3
_MAX_FILES: Final = 100
_MAX_NAMES: Final = 5


def json_files(folder: Path) -> Iterator[Path]:
    """Yield the JSON files of a folder, of the folders in it, and of ``annotations`` in these; usual places first.

    Only a bounded number of entries is looked at, so that a folder of a million images costs no more than another.
    """
    names, folders, truncated = _listed(folder)
    for _ in range(_MAX_DEPTH):
        if names or len(folders) != 1:
            break
        # An archive was unpacked here: its only folder holds the data set.
        folder /= folders[0]
        names, folders, truncated = _listed(folder)
    yield from _files(folder, names, truncated=truncated)
    usual = [name for name in _USUAL_FOLDERS if name in folders]
    others = [name for name in folders if name not in usual and name.lower() != "annotations"]
    also = [name for name in folders if name not in usual and name.lower() == "annotations"]
    for name in [*usual, *also, *others][:_MAX_FOLDERS]:
        below = folder / name
        names, deeper, truncated = _listed(below)
        yield from _files(below, names, truncated=truncated)
        for each in deeper:
            if each.lower() == "annotations":
                names, _, truncated = _listed(below / each)
                yield from _files(below / each, names, truncated=truncated)


def _listed(folder: Path) -> tuple[list[str], list[str], bool]:
    listed = list_folder(folder, _SUFFIXES)
    return listed.files, listed.folders, listed.looked >= MAX_ENTRIES


def _files(folder: Path, names: list[str], *, truncated: bool) -> Iterator[Path]:
    yield from (folder / name for name in names)
    if truncated:
        more = (folder / name for name in _USUAL_NAMES if name not in names)
        yield from (path for path in more if path.is_file())


def find_files(folder: Path, detect: Detector) -> list[Path]:
    """Return the JSON files in a folder and its folders that ``detect`` recognises with some certainty."""
    tried = islice(json_files(folder), _MAX_FILES)
    return [path for path in tried if (guess := detect(path)) and guess.confidence != "possible"]


def guess_folder(folder: Path, detect: Detector, format: FormatName) -> Guess | None:
    """Return a guess for a folder with files of a format: ``likely`` where one can be read, else ``possible``."""
    found = find_files(folder, detect)
    if not found:
        return None
    reason = f"it holds {names_of(folder, found)}"
    if len(found) == 1:
        return Guess(format=format, confidence="likely", reason=reason)
    return Guess(format=format, confidence="possible", reason=reason)


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
    raise several_files(path, found) if found else no_file(path)


def no_file(folder: Path) -> ParseError:
    """Return the error for a folder without a file to read."""
    return ParseError(
        "a folder without an annotation file of this format",
        path=folder,
        hint="name the annotation file",
    )


def several_files(folder: Path, files: list[Path]) -> ParseError:
    """Return the error for a folder with files of which only one can be meant."""
    return ParseError(
        f"a folder with {len(files)} annotation files: {names_of(folder, files)}",
        path=folder,
        hint=f"name the one to read: {files[0]}",
    )


def names_of(folder: Path, files: list[Path]) -> str:
    """Return the first paths of files below a folder, as text."""
    names = [path.relative_to(folder).as_posix() for path in files[:_MAX_NAMES]]
    return ", ".join(names) + (" …" if len(files) > _MAX_NAMES else "")
