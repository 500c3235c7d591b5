"""Detect COCO in files and folders, and count the images that a folder describes."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from headrace.errors import ParseError
from headrace.formats.coco.detect import contains, count_names, detect_file, first_names
from headrace.formats.coco.folders import find_files, names_of
from headrace.formats.coco.images import given_name
from headrace.formats.coco.parts import CocoPart, find_parts, near_folders
from headrace.formats.info import Guess
from headrace.formats.io.image_folder import SAMPLES, ImageFolder, find_image_folder


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
    reason = f"it holds {names_of(path, [part.path for part in parts])}"
    places = [_image_folder(path, part) for part in parts]
    if _share_images(parts, places):
        return Guess(format="coco", confidence="possible", reason=f"{reason}, of the same images")
    confidence: Literal["certain", "likely"] = "likely" if None in places else "certain"
    return Guess(format="coco", confidence=confidence, reason=reason)


def _image_folder(folder: Path, part: CocoPart) -> ImageFolder | None:
    names = [given_name(name) for name in first_names(part.path, SAMPLES)]
    return find_image_folder(folder, names, near_folders(folder, part, None))


def _share_images(parts: list[CocoPart], places: list[ImageFolder | None]) -> bool:
    """Return whether files about one split also have one folder of images, and the first image in common."""
    known: dict[tuple[str | None, ImageFolder | None], CocoPart] = {}
    for part, place in zip(parts, places, strict=True):
        other = known.setdefault((part.split, place), part)
        names = first_names(part.path, 1)
        if other is not part and names and contains(other.path, names[0].encode()):
            return True
    return False


def count_images(folder: Path, limit: int) -> int:
    """Return how many images the files of a folder describe, counted up to a limit in the first megabytes of each."""
    try:
        parts = find_parts(folder).files
    except ParseError:
        return 0
    return min(sum(count_names(part.path, limit) for part in parts), limit)
