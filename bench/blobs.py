"""Files to be moved: bytes from a seed, with a list of their names, sizes and digests."""

import hashlib
import json
import os
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.images import jpeg


@dataclass(frozen=True)
class FileSet:
    """So many files of so many bytes."""

    files: int
    size: int

    @property
    def name(self) -> str:
        """What its folder is called."""
        return f"{self.files}x{self.size}"


def ensure_files(cache: Path, load: FileSet) -> Path:
    """The folder with the files of a load, made where it is missing; ``manifest.json`` lies beside it."""
    folder = cache / "blobs" / load.name
    if not folder.exists():
        partial = folder.with_name(f"{folder.name}.{os.getpid()}.partial")
        partial.mkdir(parents=True)
        chance = random.Random(load.name)
        listed = []
        for number in range(load.files):
            name = f"{number:07}.jpg"
            # A picture, with bytes behind its end that nothing can pack.
            picture = jpeg(64, 48, name.encode())
            content = picture + chance.randbytes(load.size - len(picture))
            (partial / name).write_bytes(content)
            listed.append((name, load.size, hashlib.sha256(content).hexdigest()))
        manifest_path(cache, load).write_text(json.dumps(listed))
        partial.replace(folder)
    return folder


def manifest_path(cache: Path, load: FileSet) -> Path:
    """Where the list of a load's files is: name, size in bytes, SHA-256."""
    return cache / "blobs" / f"{load.name}.json"


def manifest(cache: Path, load: FileSet) -> list[tuple[str, int, str]]:
    """Name, size and SHA-256 of each file."""
    return [tuple(each) for each in json.loads(manifest_path(cache, load).read_text())]


def warm_page_cache(folder: Path) -> None:
    """Every file in the page cache."""
    for path in folder.iterdir():
        with path.open("rb") as file:
            while file.read(1 << 20):
                pass


def summarize(folder: Path) -> dict[str, int]:
    """What is in a folder: files, bytes, and a checksum over their names and contents."""
    files, size = 0, 0
    whole = hashlib.sha256()
    for path in sorted(visible(folder)):
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256")
        files += 1
        size += path.stat().st_size
        whole.update(f"{path.relative_to(folder)}\0{digest.hexdigest()}\n".encode())
    return {"files": files, "bytes": size, "checksum": int(whole.hexdigest()[:8], 16)}


def visible(folder: Path) -> Iterator[Path]:
    """All files but what headrace keeps for itself."""
    for path in folder.rglob("*"):
        if path.is_file() and ".headrace" not in path.parts:
            yield path
