"""Detects YOLO datasets."""

from __future__ import annotations

import re
from itertools import islice
from pathlib import Path

from headrace.formats.info import Guess
from headrace.formats.yolo.classify import looks_classified

_KEYS = re.compile(rb"(?m)^(names|nc|train|val|test|path)[ \t]*:")
_ROW = re.compile(rb"\s*\d+(\.0*)?([ \t]+-?[\d.]+(e-?\d+)?){4,}[ \t]*\r?(\n|$)", re.IGNORECASE)
_CLASS_LISTS = ("classes.txt", "obj.names", "obj.data")
_LOOK = 64 * 1024
_TRIES = 50


def probe(path: Path) -> Guess | None:
    """Detect YOLO by its yaml, its list of classes, rows of numbers below ``labels``, or class folders."""
    if path.is_file():
        return _yaml(path) if path.suffix.lower() in (".yaml", ".yml") else None
    for each in sorted([*path.glob("*.yaml"), *path.glob("*.yml")])[:_TRIES]:
        if guess := _yaml(each):
            return guess
    for name in _CLASS_LISTS:
        if (path / name).is_file():
            return Guess(format="yolo", confidence="likely", reason=f"it contains {name}")
    for folder in (path / "labels", path):
        if folder.is_dir() and (row := _label_file(folder)):
            reason = f"{row.relative_to(path)} contains rows of a class and numbers"
            return Guess(format="yolo", confidence="likely", reason=reason)
    if looks_classified(path):
        reason = "its split folders contain folders of images, named by class"
        return Guess(format="yolo", confidence="possible", reason=reason)
    return None


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


def _label_file(folder: Path) -> Path | None:
    """Return the first of some text files that starts with a row."""
    texts = (path for path in folder.rglob("*.txt") if path.is_file())
    for path in islice(texts, _TRIES):
        with path.open("rb") as file:
            if _ROW.match(file.read(4096)):
                return path
    return None
