"""Files for the transfer scenarios: seeded bytes, and a manifest of names, sizes and digests."""

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
    """A number of files of equal size, in bytes."""

    files: int
    size: int

    @property
    def name(self) -> str:
        """The name of the folder."""
        return f"{self.files}x{self.size}"


def ensure_files(cache: Path, load: FileSet) -> Path:
    """Return the folder with the files of a set, and create it and its manifest if missing."""
    folder = cache / "blobs" / load.name
    if not folder.exists():
        partial = folder.with_name(f"{folder.name}.{os.getpid()}.partial")
        partial.mkdir(parents=True)
        chance = random.Random(load.name)
        listed = []
        for number in range(load.files):
            name = f"{number:07}.jpg"
            # A valid image, followed by incompressible bytes.
            picture = jpeg(64, 48, name.encode())
            content = picture + chance.randbytes(load.size - len(picture))
            (partial / name).write_bytes(content)
            listed.append((name, load.size, hashlib.sha256(content).hexdigest()))
        manifest_path(cache, load).write_text(json.dumps(listed))
        partial.replace(folder)
    return folder


def manifest_path(cache: Path, load: FileSet) -> Path:
    """Return the path of a set's manifest."""
    return cache / "blobs" / f"{load.name}.json"


def manifest(cache: Path, load: FileSet) -> list[tuple[str, int, str]]:
    """Return the name, size in bytes, and SHA-256 of each file."""
    return [tuple(each) for each in json.loads(manifest_path(cache, load).read_text())]


def warm_page_cache(folder: Path) -> None:
    """Read every file of a folder into the page cache."""
    for path in folder.iterdir():
        with path.open("rb") as file:
            while file.read(1 << 20):
                pass


def summarize(folder: Path) -> dict[str, int]:
    """Return the number of files of a folder, their bytes, and a checksum over names and contents."""
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
    """Yield all files except those of headrace's own `.headrace` folder."""
    for path in folder.rglob("*"):
        if path.is_file() and ".headrace" not in path.parts:
            yield path
