"""Choose the COCO files that make up a data set: one for each split, all of the same task.

annotations/instances_train2017.json   read, as train
annotations/instances_val2017.json     read, as val
annotations/captions_val2017.json      left: captions
annotations/person_keypoints_val2017…  left: another task of the same images
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Final, NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from headrace.errors import ParseError
from headrace.formats.coco.detect import contains, content_of, first_names
from headrace.formats.coco.folders import json_files, names_of, no_file, several_files
from headrace.formats.io.split_names import (
    ALIASES,
    REPEATS,
    SplitOfName,
    split_of_stem,
    split_of_word,
)

_MAX_FILES: Final = 100
_ENDS: Final = re.compile(r"(\.coco)?\.json(\.gz)?$", re.IGNORECASE)
# The tasks of the COCO data set, as its files are called; "" stands for any other name.
_TASKS: Final = ("instances", "", "person_keypoints", "stuff", "image_info")


class CocoPart(Struct, frozen=True):
    """A file to read.

    Attributes:
        path: Its path.
        split: The split of its images; None where neither its folder nor its name has one.
        word: The word for the split, as it is spelled: a folder of images may have this name.
        tells_none: Whether the name is that of a file about images without a split, beside files of splits.
    """

    path: Path
    split: str | None = None
    word: str = ""
    tells_none: bool = False


class LeftFile(NamedTuple):
    """A file that is not read, and why. ``is_odd`` where it might belong to the data set."""

    path: Path
    why: str
    is_odd: bool = False


class Parts(Struct, frozen=True):
    """The files to read, in the order of the splits, and those that are left."""

    files: list[CocoPart]
    left: list[LeftFile]


def find_parts(folder: Path) -> Parts:
    """Choose the files of a folder.

    Raises:
        ParseError: There is none, or several of which only one can be meant; the message names them.
    """
    found: list[Path] = []
    left: list[LeftFile] = []
    for path in islice(json_files(folder), _MAX_FILES):
        content = content_of(path)
        if content == "objects":
            found.append(path)
        elif content is not None:
            left.append(LeftFile(path, content))
    if not found:
        raise _no_objects(folder, left) if left else no_file(folder)
    chosen = _with_own_splits(_of_one_task(found, folder, left))
    chosen = _without_repeats(chosen, left)
    _check_ambiguous(folder, chosen)
    order = {"train": 0, "val": 1, "test": 2}
    chosen.sort(key=lambda part: order.get(part.split or "", 3))
    return Parts(chosen, left)


def of_split(parts: Parts, split: str, folder: Path) -> Parts:
    """Return only the files of one split; files without a split are kept if no file has one.

    Raises:
        ParseError: There are splits, but not this one.
    """
    known = sorted({part.split for part in parts.files if part.split})
    wanted = split_of_word(split) or split
    if not known:
        return parts
    files = [part for part in parts.files if part.split == wanted]
    if not files:
        raise ParseError(
            f"no file of the split {split!r}", path=folder, hint=f"splits: {', '.join(known)}"
        )
    return Parts(files, parts.left)


def _of_one_task(found: list[Path], folder: Path, left: list[LeftFile]) -> list[CocoPart]:
    by_task: dict[str, list[CocoPart]] = defaultdict(list)
    for path in found:
        named = split_of_stem(_ENDS.sub("", path.name))
        task = next((each for each in _TASKS if each and named.rest.startswith(each)), "")
        by_task[task].append(_part(path, named, folder, task))
    tasks = [task for task in _TASKS if task in by_task]
    for task in tasks[1:]:
        why = "another task of the images" if task else "not of the task that is read"
        left += [LeftFile(part.path, why, is_odd=not task) for part in by_task[task]]
    return by_task[tasks[0]]


def _part(path: Path, named: SplitOfName, folder: Path, task: str) -> CocoPart:
    """Return a file with its split: the nearest folder named like a split decides, else the name of the file."""
    for parent in path.relative_to(folder).parents:
        if parent.name and (split := split_of_word(parent.name)):
            return CocoPart(path, split, parent.name)
    if named.split is not None or not task:
        return CocoPart(path, named.split, named.word)
    # "instances_night.json", as headrace and CVAT write the images of a split "night".
    word = _ENDS.sub("", path.name)[len(task) :].removeprefix("_")
    return CocoPart(path, None, "" if word == "default" else word, tells_none=True)


def _with_own_splits(parts: list[CocoPart]) -> list[CocoPart]:
    """Take the end of a name for a split where a folder of images, or else other files beside it, show that it is one."""
    return [
        replace(part, split=part.word, tells_none=False)
        if part.tells_none and part.word and _is_split(part, len(parts))
        else part
        for part in parts
    ]


def _is_split(part: CocoPart, files: int) -> bool:
    if (part.path.parent.parent / part.word).is_dir():
        return True
    return files > 1 and "_" not in part.word


def _without_repeats(parts: list[CocoPart], left: list[LeftFile]) -> list[CocoPart]:
    """Leave files that only repeat images of others, and those without a split beside such with one."""
    splits = {part.split: part for part in parts if part.split}
    kept: list[CocoPart] = []
    for part in parts:
        whole = [splits[name] for name in REPEATS.get(part.split or "", ()) if name in splits]
        if part.split is None and splits and not part.tells_none:
            left.append(LeftFile(part.path, "it has no split, the others do", is_odd=True))
        elif any(_repeats(part, other) for other in whole):
            left.append(LeftFile(part.path, "it repeats images of other splits"))
        else:
            kept.append(part)
    return kept


def _repeats(part: CocoPart, other: CocoPart) -> bool:
    """Return whether the first image of a file is in another file too."""
    names = first_names(part.path, 1)
    return not names or contains(other.path, names[0].encode())


def _check_ambiguous(folder: Path, parts: list[CocoPart]) -> None:
    """Raise ParseError where two files of one folder may describe the same images."""
    places: dict[tuple[Path, str | None], list[Path]] = defaultdict(list)
    for part in parts:
        places[part.path.parent, part.split].append(part.path)
    for paths in places.values():
        if len(paths) > 1:
            raise several_files(folder, paths)


def _no_objects(folder: Path, left: list[LeftFile]) -> ParseError:
    content = ", ".join(dict.fromkeys(each.why for each in left))
    return ParseError(
        f"the COCO files here hold {content}, no objects: "
        f"{names_of(folder, [each.path for each in left])}",
        path=folder,
        hint="headrace reads boxes, polygons, masks and keypoints",
    )


_FOLDERS: Final = ("images", "data", "img", "imgs", "JPEGImages")
# Each canonical split under the names that folders of it have.
_WORDS: Final = {"val": ("val", *ALIASES)}


def near_folders(root: Path, part: CocoPart, images: Path | None) -> list[str]:
    """Return folders below the root where the images of a file are usual, the most likely first.

    Args:
        root: The folder of the source.
        part: The file.
        images: The folder of images that the caller named.
    """
    found = [] if images is None else [images]
    found += _folders(root, part)
    prefixes: list[str] = []
    for folder in found:
        try:
            relative = folder.absolute().relative_to(root.absolute()).as_posix()
        except ValueError:
            continue
        prefixes.append("" if relative == "." else f"{relative}/")
    return list(dict.fromkeys(prefixes))


def _folders(root: Path, part: CocoPart) -> Iterator[Path]:
    own = part.path.parent
    words = [word for word in (part.word, *_words(part.split)) if word]
    # CVAT calls a file instances_default.json and the folder of its images "default".
    words.append(part.path.name.partition(".")[0].rpartition("_")[2])
    for base in dict.fromkeys((own, own.parent, root)) if own != root else (own,):
        if base == own or not part.word or base.name != part.word:
            yield from (base / folder / word for folder in _FOLDERS for word in words)
            yield from (base / word for word in words)
        yield from (base / folder for folder in _FOLDERS)
        yield base


def _words(split: str | None) -> tuple[str, ...]:
    return () if split is None else _WORDS.get(split, (split,))
