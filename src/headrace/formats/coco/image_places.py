"""Where the images of a COCO file usually lie, as seen from the file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from headrace.formats.coco.parts import CocoPart
from headrace.formats.io.split_names import ALIASES

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
