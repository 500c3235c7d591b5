"""Detects YOLO datasets."""

from __future__ import annotations

import os
import re
from pathlib import Path

from headrace.formats.info import Guess
from headrace.formats.io.look import list_folder, look_below
from headrace.formats.yolo.classes import CLASS_LISTS
from headrace.formats.yolo.classify import looks_classified
from headrace.formats.yolo.layout.folders import label_files
from headrace.formats.yolo.tokenize import has_class_names

_KEYS = re.compile(rb"(?m)^(names|nc|train|val|test|path)[ \t]*:")
_DESCRIPTIONS = (*CLASS_LISTS, "obj.data")
_LOOK = 64 * 1024
_TRIES = 50


def probe(path: Path) -> Guess | None:
    """Detect YOLO by its yaml, its list of classes, rows of numbers below ``labels``, or class folders."""
    if path.is_file():
        return _yaml(path) if path.suffix.lower() in (".yaml", ".yml") else None
    for name in list_folder(path, (".yaml", ".yml")).files[:_TRIES]:
        if guess := _yaml(path / name):
            return guess
    for name in _DESCRIPTIONS:
        if (path / name).is_file():
            return Guess(format="yolo", confidence="likely", reason=f"it contains {name}")
    for folder in (path / "labels", path):
        if (row := next(label_files(folder), None)) is not None:
            return _rows(path, row)
    if looks_classified(path):
        reason = "its split folders contain folders of images, named by class"
        return Guess(format="yolo", confidence="possible", reason=reason)
    return None


def count_images(folder: Path, limit: int) -> int:
    """Return the number of text files below a folder by their stems, up to a limit: folders may label the same images."""
    stems: set[str] = set()
    for _, listed in look_below(folder, (".txt",)):
        stems.update(name[:-4] for name in listed.files)
        if len(stems) >= limit:
            return limit
    return len(stems)


def _yaml(path: Path) -> Guess | None:
    with path.open("rb") as file:
        keys = {match.group(1) for match in _KEYS.finditer(file.read(_LOOK))}
    if b"names" in keys and keys & {b"train", b"val", b"test", b"path"}:
        return Guess(
            format="yolo", confidence="certain", reason=f"{path.name} has names and splits"
        )
    if keys & {b"names", b"nc"} and len(keys) > 1:
        return Guess(format="yolo", confidence="likely", reason=f"{path.name} has class names")
    return None


def _rows(path: Path, row: str) -> Guess:
    name = os.path.relpath(row, path)
    if has_class_names(row):
        reason = f"{name} contains rows of four corners and a class name (DOTA)"
        return Guess(format="yolo", confidence="certain", reason=reason)
    reason = f"{name} contains rows of a class and numbers"
    return Guess(format="yolo", confidence="likely", reason=reason)
