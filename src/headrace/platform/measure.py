"""What a stored file says of itself: its digest, and the size of its picture as people see it."""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path

from headrace.formats.imagesize import read_size
from headrace.model.records import Meta
from headrace.storage.objects.base import ObjectInfo, ObjectStore
from headrace.storage.threads import in_thread

MAX_SIDE = (1 << 31) - 1

_CHUNK = 1 << 20
_HEADER = 4 << 20
_TURNED = (5, 6, 7, 8)


async def digest_of(objects: ObjectStore, info: ObjectInfo) -> bytes:
    """SHA-256 of an object, read through where the store does not know it."""
    if info.sha256:
        return info.sha256
    path = objects.local_path(info.name)
    if path is not None:
        return await in_thread(_digest_file, path)
    digest = hashlib.sha256()
    async for chunk in objects.get(info.name):
        digest.update(chunk)
    return digest.digest()


async def picture_size(objects: ObjectStore, name: str) -> Meta | None:
    """Width and height of an image from its header, turned as its EXIF data says; None where unreadable."""
    path = objects.local_path(name)
    if path is not None:
        return await in_thread(_upright_size, path)
    head = b"".join([chunk async for chunk in objects.get(name, length=_HEADER)])
    return await in_thread(_size_of_bytes, head)


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
    if size.orientation in _TURNED:
        return Meta(size.height, size.width)
    return Meta(size.width, size.height)
