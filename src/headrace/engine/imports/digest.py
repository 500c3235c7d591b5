"""What a source is, in one digest: its bytes, wherever it lies."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import msgspec

BUFFER = 1 << 20


def source_digest(path: Path, suffixes: tuple[str, ...], options: object) -> str:
    """A digest of the content of a file (or of the files with these suffixes below a folder) and of ``options``."""
    digest = hashlib.sha256(msgspec.json.encode(options, order="sorted", enc_hook=str))
    if path.is_file():
        _add(digest, "", path)
    else:
        for file in _files(path):
            if file.suffix.lower() in suffixes:
                _add(digest, file.relative_to(path).as_posix(), file)
    return digest.hexdigest()


def _add(digest: hashlib._Hash, name: str, path: Path) -> None:
    digest.update(f"{name}\0{path.stat().st_size}\0".encode("utf-8", "surrogateescape"))
    with path.open("rb") as file:
        while chunk := file.read(BUFFER):
            digest.update(chunk)


def _files(folder: Path) -> Iterator[Path]:
    for root, folders, files in os.walk(folder):
        folders.sort()
        for name in sorted(files):
            yield Path(root, name)
