"""Inspect stored files: the digest, and the size of an image after EXIF rotation."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Sequence
from pathlib import Path

from headrace.formats.io.image_size import read_size
from headrace.model.records import Meta
from headrace.storage.objects.base import ObjectInfo, ObjectStore
from headrace.threads import in_thread

MAX_SIDE = (1 << 31) - 1

_CHUNK = 1 << 20
_HEADER = 4 << 20
_TURNED_ORIENTATIONS = (5, 6, 7, 8)


async def digest_of(objects: ObjectStore, info: ObjectInfo) -> bytes:
    """Return the SHA-256 of an object; reads the object if the store does not know it."""
    if info.sha256:
        return info.sha256
    path = objects.local_path(info.name)
    if path is not None:
        return await in_thread(_digest_file, path)
    digest = hashlib.sha256()
    async for chunk in objects.get(info.name):
        digest.update(chunk)
    return digest.digest()


async def picture_sizes(objects: ObjectStore, names: Sequence[str]) -> list[Meta | None]:
    """Read width and height of images (pixels, after EXIF rotation) from their headers; None if unreadable."""
    paths = [path for name in names if (path := objects.local_path(name)) is not None]
    if len(paths) == len(names):
        return await in_thread(lambda: [_upright_size(path) for path in paths]) if paths else []
    sizes = []
    for name in names:
        head = b"".join([chunk async for chunk in objects.get(name, length=_HEADER)])
        sizes.append(await in_thread(_size_of_bytes, head))
    return sizes


def _digest_file(path: Path) -> bytes:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.digest()


def _size_of_bytes(head: bytes) -> Meta | None:
    with tempfile.NamedTemporaryFile() as file:
        file.write(head)
        file.flush()
        return _upright_size(Path(file.name))


def _upright_size(path: Path) -> Meta | None:
    size = read_size(path)
    if size is None or max(size.width, size.height) > MAX_SIDE:
        return None
    if size.orientation in _TURNED_ORIENTATIONS:
        return Meta(size.height, size.width)
    return Meta(size.width, size.height)
