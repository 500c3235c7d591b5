"""Inspect stored files: the digest, the size of an image after EXIF rotation, and what a video's header says."""

from __future__ import annotations

import hashlib
import re
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from headrace.formats.io.image_size import read_size
from headrace.formats.io.video import VideoInfo, read_video
from headrace.model.records import Meta
from headrace.storage.objects.base import ObjectInfo, ObjectStore
from headrace.tasks import map_bounded
from headrace.threads import in_thread

MAX_SIDE = (1 << 31) - 1

VIDEO_FACTS = ("duration_seconds", "frame_count", "fps")
"""Keys that the metadata of a video get from its header, unless the caller gave them."""

_CHUNK = 1 << 20
_SHORT_HEADER = 64 << 10
_HEADER = 4 << 20
_TOGETHER = 16
_DIGEST = re.compile(r"[0-9a-fA-F]{64}")


class Picture(NamedTuple):
    """What the header of an image says: width and height in pixels, after EXIF rotation, None if it is unreadable.

    ``sha256`` is the digest of the object, empty where more would have to be read for it.
    """

    size: Meta | None
    sha256: bytes = b""


async def digest_of(objects: ObjectStore, info: ObjectInfo, declared: str | None) -> bytes | None:
    """Return the SHA-256 of an object; reads the object if the store does not know it.

    An object that did not pass through this process is not read for it: then the digest is what the client has
    ``declared``, None without that. A download compares it.
    """
    if info.sha256:
        return info.sha256
    path = objects.local_path(info.name)
    if path is not None:
        return await in_thread(_digest_file, path)
    if objects.direct is not None:
        return bytes.fromhex(declared) if declared and _DIGEST.fullmatch(declared) else None
    digest = hashlib.sha256()
    async for chunk in objects.get(info.name):
        digest.update(chunk)
    return digest.digest()


async def pictures(objects: ObjectStore, infos: Sequence[ObjectInfo]) -> list[Picture]:
    """Read the headers of images."""
    paths = [path for info in infos if (path := objects.local_path(info.name)) is not None]
    if len(paths) == len(infos):
        sizes = await in_thread(lambda: [_upright_size(path) for path in paths]) if paths else []
        return list(map(Picture, sizes))

    async def read(info: ObjectInfo) -> Picture:
        head = await _beginning(objects, info.name, _SHORT_HEADER)
        size = await in_thread(_size_of_bytes, head)
        if len(head) == info.size:
            return Picture(size, hashlib.sha256(head).digest())
        if size is None:
            size = await in_thread(_size_of_bytes, await _beginning(objects, info.name, _HEADER))
        return Picture(size)

    return await map_bounded(read, infos, concurrency=_TOGETHER)


async def _beginning(objects: ObjectStore, name: str, length: int) -> bytes:
    return b"".join([chunk async for chunk in objects.get(name, length=length)])


async def video_headers(
    objects: ObjectStore, infos: Sequence[ObjectInfo]
) -> list[VideoInfo | None]:
    """Read the headers of videos; None where they are of an unknown kind or broken."""
    paths = [path for info in infos if (path := objects.local_path(info.name)) is not None]
    if len(paths) == len(infos):
        return await in_thread(lambda: [_video_of(path) for path in paths]) if paths else []
    found = []
    for info in infos:
        head = await _beginning(objects, info.name, _HEADER)
        # The index of an MP4 is often at its end; what is between stays a hole in the copy.
        at = max(len(head), info.size - _HEADER)
        rest = objects.get(info.name, offset=at) if at < info.size else None
        tail = b"" if rest is None else b"".join([chunk async for chunk in rest])
        found.append(await in_thread(_video_of_bytes, head, at, tail))
    return found


def size_of(video: VideoInfo | None) -> Meta | None:
    """Return the size of a video's frames, None if it is unknown or none."""
    if video is None or max(video.width, video.height) > MAX_SIDE:
        return None
    return Meta(video.width, video.height)


def facts_of(video: VideoInfo | None) -> dict[str, float]:
    """Return what the metadata of a video say about its length, as far as it is known."""
    if video is None:
        return {}
    values = (video.duration, video.frames, video.fps)
    return {key: value for key, value in zip(VIDEO_FACTS, values, strict=True) if value is not None}


def _video_of_bytes(head: bytes, at: int, tail: bytes) -> VideoInfo | None:
    with tempfile.NamedTemporaryFile() as file:
        file.write(head)
        file.seek(at)
        file.write(tail)
        file.flush()
        return read_video(Path(file.name))


# An object may be collected as garbage while it is looked at; who registers it notices it in the transaction.


def _digest_file(path: str) -> bytes:
    digest = hashlib.sha256()
    with suppress(FileNotFoundError), open(path, "rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.digest()


def _size_of_bytes(head: bytes) -> Meta | None:
    with tempfile.NamedTemporaryFile() as file:
        file.write(head)
        file.flush()
        return _upright_size(file.name)


def _video_of(path: str) -> VideoInfo | None:
    with suppress(FileNotFoundError):
        return read_video(path)
    return None


def _upright_size(path: str) -> Meta | None:
    size = None
    with suppress(FileNotFoundError):
        size = read_size(path)
    if size is None or max(size.width, size.height) > MAX_SIDE:
        return None
    return Meta(*size.upright)
