"""What a stored file says of itself: its digest, and the size of its picture as people see it."""

from __future__ import annotations

import hashlib
import io
import struct
from pathlib import Path
from typing import BinaryIO

import imagesize

from headrace.model.records import Meta
from headrace.storage.objects.base import ObjectInfo, ObjectStore
from headrace.storage.threads import in_thread

_CHUNK = 1 << 20
_HEADER = 1 << 20

MAX_SIDE = (1 << 31) - 1


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
        return await in_thread(_size_of_file, path)
    head = b"".join([chunk async for chunk in objects.get(name, length=_HEADER)])
    return await in_thread(_size, io.BytesIO(head))


def _digest_file(path: Path) -> bytes:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.digest()


def _size_of_file(path: Path) -> Meta | None:
    with path.open("rb") as file:
        return _size(file)


def _size(file: BinaryIO) -> Meta | None:
    try:
        width, height = imagesize.get(file)
    # A file that only looks like an image breaks the header reader in many ways.
    except (ValueError, TypeError, IndexError, KeyError, OverflowError, struct.error, OSError):
        return None
    if 0 < width <= MAX_SIDE and 0 < height <= MAX_SIDE:
        return Meta(int(width), int(height))
    return None
