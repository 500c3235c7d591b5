"""Detect COCO in files and folders, and count the images that a folder describes."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from headrace.errors import ParseError
from headrace.formats.coco.detect import detect_file, first_names
from headrace.formats.coco.folders import find_files, names_of
from headrace.formats.coco.image_places import near_folders
from headrace.formats.coco.images import given_name
from headrace.formats.coco.parts import CocoPart, find_parts
from headrace.formats.info import Guess
from headrace.formats.io.image_folder import SAMPLES, find_image_folder

_BLOCK: Final = 1024 * 1024
_MAX_BLOCKS: Final = 8


def probe(path: Path) -> Guess | None:
    """Guess whether a path is COCO.

    Returns:
        A guess, or None. For a file: ``certain`` with all three lists, ``likely`` with two of them, ``possible`` for a
        list of results. For a folder: ``certain`` where the images of its files are found, ``likely`` where they are
        not, and ``possible`` where it holds COCO files, but not one data set.
    """
    if not path.is_dir():
        return detect_file(path)
    try:
        parts = find_parts(path).files
    except ParseError:
        found = find_files(path, detect_file)
        if not found:
            return None
        reason = f"it holds {names_of(path, found)}"
        return Guess(format="coco", confidence="possible", reason=reason)
    complete = all(_has_images(path, part) for part in parts)
    return Guess(
        format="coco",
        confidence="certain" if complete else "likely",
        reason=f"it holds {names_of(path, [part.path for part in parts])}",
    )


def _has_images(folder: Path, part: CocoPart) -> bool:
    names = [given_name(name) for name in first_names(part.path, SAMPLES)]
    return find_image_folder(folder, names, near_folders(folder, part, None)) is not None


def count_images(folder: Path, limit: int) -> int:
    """Return how many images the files of a folder describe, counted up to a limit in the first megabytes of each."""
    try:
        parts = find_parts(folder).files
    except ParseError:
        return 0
    count = 0
    for part in parts:
        with part.path.open("rb") as file:
            for _ in range(_MAX_BLOCKS):
                block = file.read(_BLOCK)
                count += block.count(b'"file_name"')
                if count >= limit or not block:
                    break
            else:
                # So much text describes many images, even where they stand at its end.
                return limit
    return min(count, limit)
