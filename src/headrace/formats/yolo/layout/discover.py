"""Finds the sources of a dataset that no yaml or list describes, by the folders that tools use."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final, Literal

from headrace.formats.io.split_names import ALIASES, SPLITS
from headrace.formats.yolo.layout.folders import (
    has_images,
    has_images_directly,
    label_files,
    label_folder,
    labels_beside,
    other_label_folder,
    subfolders,
)
from headrace.formats.yolo.layout.source import SplitSource

_NAMED: Final = (*SPLITS, *ALIASES)


def discovered(base: Path) -> list[SplitSource]:
    """Find the sources in a folder without a yaml."""
    for find in (_images_by_name, _by_lists, _by_split_folders, _by_image_folders, _labels_only):
        if sources := find(base):
            return sources
    return [_source(base, None, "images" if has_images(base) else "labels")]


def _images_by_name(base: Path) -> list[SplitSource]:
    """``images/SPLIT``, ``images`` or ``SPLIT/images``."""
    return _by_name(base, "images")


def _labels_only(base: Path) -> list[SplitSource]:
    """``labels/SPLIT``, ``labels`` or ``SPLIT/labels``, or splits of label files of any names, without images."""
    if has_images(base):
        return []
    if sources := _by_name(base, "labels"):
        return sources
    named = [name for name in _NAMED if next(label_files(base / name), None) is not None]
    return [_source(base / name, name, "labels") for name in named]


def _by_name(base: Path, kind: Literal["images", "labels"]) -> list[SplitSource]:
    parent = base / kind
    named = [name for name in _NAMED if _holds(parent / name, kind)]
    if named:
        return [_source(parent / name, name, kind) for name in named]
    if _holds(parent, kind):
        return [_source(parent, None, kind)]
    inside = [name for name in _NAMED if _holds(base / name / kind, kind)]
    return [_source(base / name / kind, name, kind) for name in inside]


def _by_lists(base: Path) -> list[SplitSource]:
    """``train.txt``, ``val.txt`` and so on, lists of images."""
    listed = [name for name in _NAMED if (base / f"{name}.txt").is_file()]
    return [
        SplitSource(split=ALIASES.get(name, name), kind="list", path=base / f"{name}.txt")
        for name in listed
    ]


def _by_split_folders(base: Path) -> list[SplitSource]:
    """``SPLIT`` with images and label files in one folder, or in two of any names."""
    sources = []
    for name in _NAMED:
        folder = base / name
        if not folder.is_dir():
            continue
        inner = list(_image_folders(folder, base))
        if inner:
            sources += [_source(path, name, "images") for path in inner]
        elif has_images(folder):
            sources.append(_source(folder, name, "images"))
    return sources


def _by_image_folders(base: Path) -> list[SplitSource]:
    """Folders of images of any names, whose label files are in other folders."""
    sources = []
    for folder in _image_folders(base, base):
        named = [name for name in _NAMED if has_images(folder / name)]
        sources += [_source(folder / name, name, "images") for name in named] or [
            _source(folder, None, "images")
        ]
    if len(sources) > 1:
        for source in sources:
            if source.split is None:
                source.prefix = f"{source.path.name}/"
    return sources


def _image_folders(folder: Path, base: Path) -> Iterator[Path]:
    """Yield the subfolders of images whose label files are in another folder."""
    if has_images_directly(folder):
        return
    for path in (folder / name for name in subfolders(folder)):
        if not has_images(path):
            continue
        if labels_beside(path):
            continue
        splits = [path / name for name in _NAMED if has_images(path / name)]
        if any(_elsewhere(each, base) for each in (splits or [path])):
            yield path


def _elsewhere(folder: Path, base: Path) -> bool:
    path = folder.as_posix()
    return label_folder(path) != path or other_label_folder(path, base) is not None


def _holds(folder: Path, kind: Literal["images", "labels"]) -> bool:
    """Return whether a folder has files of this kind; one of images without any image counts where it has no labels."""
    if not folder.is_dir():
        return False
    if kind == "labels" or has_images(folder):
        return True
    labels = label_folder(folder.as_posix())
    return next(label_files(labels), None) is None


def _source(path: Path, split: str | None, kind: Literal["images", "labels"]) -> SplitSource:
    return SplitSource(
        split=None if split is None else ALIASES.get(split, split), kind=kind, path=path
    )
