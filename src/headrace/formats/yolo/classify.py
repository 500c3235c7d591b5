"""Classification datasets: one folder per class, ``train/cat/1.jpg``; the classes are the sorted folders of ``train``."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from headrace.formats.findings.collect import Pass
from headrace.formats.io.image_size import IMAGE_SUFFIXES
from headrace.formats.io.split_names import ALIASES, SPLITS
from headrace.formats.io.walk import FolderWalk, suffix_of
from headrace.formats.yolo.classes import Names
from headrace.formats.yolo.layout.clashes import SplitClashes
from headrace.formats.yolo.layout.folders import path_below
from headrace.formats.yolo.layout.source import SplitSource

_NO_CLASSES = frozenset({"images", "labels"})


class ClassifiedImage(NamedTuple):
    """An image, its name below the folder of the split, its class folder, and its path below the dataset's folder."""

    name: str
    split: str | None
    image: str
    folder: str
    path: str | None


def looks_classified(base: Path) -> bool:
    """Return whether a folder without description consists of split folders with class folders of images."""
    sources = class_sources(base)
    if not sources or any((base / name).is_dir() for name in _NO_CLASSES):
        return False
    classes = class_folders(sources[0].path)
    if not classes or _NO_CLASSES & set(classes):
        return False
    with os.scandir(sources[0].path / classes[0]) as entries:
        return any(suffix_of(entry.name) in IMAGE_SUFFIXES for entry in entries)


def class_sources(base: Path) -> list[SplitSource]:
    """Return the split folders of a classification dataset."""
    named = [name for name in (*SPLITS, *ALIASES) if (base / name).is_dir()]
    return [
        SplitSource(split=ALIASES.get(name, name), kind="images", path=base / name)
        for name in named
    ]


def class_folders(path: Path) -> list[str]:
    """Return the sorted names of the class folders, empty ones included."""
    with os.scandir(path) as entries:
        return sorted(
            entry.name for entry in entries if entry.is_dir() and not entry.name.startswith(".")
        )


def class_names(sources: list[SplitSource], names: Names, found: Pass) -> dict[str, str]:
    """Map class folders to labels: names of the yaml if their number matches, else the names of the folders.

    Adds the finding Y20 for folders that only a later split has.
    """
    first = class_folders(sources[0].path) if sources else []
    labels = {folder: folder for folder in first}
    if names and len(names) == len(first):
        labels = dict(zip(first, (names[number] for number in sorted(names)), strict=True))
    for source in sources[1:]:
        for folder in class_folders(source.path):
            if folder not in labels:
                labels[folder] = folder
                found.add(
                    "Y20",
                    "a class is missing from the first split",
                    path=source.path / folder,
                )
    return labels


def classified_images(
    source: SplitSource, base: Path, clashes: SplitClashes
) -> Iterator[ClassifiedImage]:
    """Yield the images of a split of the dataset at ``base``, class by class."""
    for folder in class_folders(source.path):
        walk = FolderWalk(
            source.path / folder, IMAGE_SUFFIXES, boundary=source.path, refused=lambda path: None
        )
        for below, names in walk.folders():
            place = path_below(base, below.path)
            start = f"{source.prefix}{folder}/{below.relative}"
            clash = clashes.in_folder(source, start)
            for name in names:
                full = start + name
                yield ClassifiedImage(
                    f"{source.split}/{full}" if clash is not None and clash(name) else full,
                    source.split,
                    f"{below.path}/{name}",
                    folder,
                    None if place is None else f"{place}{name}",
                )
