"""The removal file: what one action removed, as a sequence of frames.

    file     magic line, then frames
    frame    length, CRC-32, compressed MessagePack of a :class:`Frame`, length once more

A frame is on the disk before the transaction commits that removes its content. The row of the removal says how many
bytes count; what follows them was written by a transaction that never committed, and is overwritten. An asset stands in
one frame with all its annotations.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path
from typing import Any, BinaryIO

import msgspec
from msgspec import Struct, field

from headrace.errors import CorruptionError, StorageError
from headrace.file_system import sync_folder

FOLDER = "removals"

MAGIC = b"headrace removal 1\n"
"""The line that begins a file."""
_HEAD = struct.Struct("<II")
_TAIL = struct.Struct("<I")
_LEVEL = 1
_SUFFIX = ".removal"
_FLAGS = os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0)


class SavedAsset(Struct, array_like=True, gc=False):
    """A removed asset; ``tags`` are keys of asset tags."""

    seq: int
    lake_bucket: int
    data: int
    filename: str
    tags: list[int] = []


class SavedAnnotation(Struct, array_like=True, gc=False):
    """A removed annotation, with the columns of its row; ``blob`` holds its shapes."""

    asset: int
    no: int
    account: int
    status: str
    created: int
    duration: float
    counts: bytes
    blob: bytes
    attributes: str | None = None
    shapes_n: int = 0


class Replacement(Struct, array_like=True, gc=False):
    """An annotation that took the place of those removed from an asset; ``digest`` tells whether it has changed."""

    asset: int
    no: int
    digest: bytes


class Frame(Struct, kw_only=True, gc=False):
    """What one transaction removed, or a part of it.

    ``horizon`` is the number of the version's next annotation at that time. ``labels`` and ``tags`` are the names of the
    keys that occur.
    """

    horizon: int
    assets: list[SavedAsset] = field(default_factory=list)
    annotations: list[SavedAnnotation] = field(default_factory=list)
    replacements: list[Replacement] = field(default_factory=list)
    labels: dict[int, str] = field(default_factory=dict)
    tags: dict[int, str] = field(default_factory=dict)


def digest_of(*columns: Any) -> bytes:
    """Return the digest of an annotation: account, status, duration, counts, blob and attributes of its row."""
    return blake2b(msgspec.msgpack.encode(columns), digest_size=16).digest()


def file_of(lake: Path, no: int) -> Path:
    """Return the path of a removal's file."""
    return lake / FOLDER / f"{no:010d}{_SUFFIX}"


def append(path: Path, offset: int, frames: Sequence[Frame]) -> int:
    """Write frames after the first ``offset`` bytes of a file and flush them to the disk.

    Args:
        path: The file; it and its folder are created, readable by their owner only.
        offset: Bytes that count so far; anything after them is dropped. 0 for a new file.
        frames: What to append.

    Returns:
        How many bytes count now.

    Raises:
        OSError: The file cannot be written.
    """
    content = encoded(frames, first=not offset)
    if not offset and not path.parent.is_dir():
        path.parent.mkdir(mode=0o700, exist_ok=True)
        sync_folder(path.parent.parent)
    descriptor = os.open(path, _FLAGS, 0o600)
    try:
        os.ftruncate(descriptor, offset)
        os.lseek(descriptor, offset, os.SEEK_SET)
        left = memoryview(content)
        while left:
            left = left[os.write(descriptor, left) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    if not offset:
        sync_folder(path.parent)
    return offset + len(content)


def encoded(frames: Sequence[Frame], *, first: bool) -> bytes:
    """Return the bytes of frames; ``first`` begins a file."""
    return b"".join([*([MAGIC] if first else []), *map(_encode, frames)])


def read_last_frame(path: Path, end: int) -> tuple[Frame, int] | None:
    """Read the frame that ends at ``end``; None where no frame is before it.

    Returns:
        The frame, and where it begins.

    Raises:
        CorruptionError: The file is missing or damaged.
    """
    if end <= len(MAGIC):
        return None
    with _opened(path) as file:
        return last_frame_of(file, path, end, len(MAGIC))


def last_frame_of(file: BinaryIO, path: Path, end: int, least: int = 0) -> tuple[Frame, int]:
    """Read the frame that ends at ``end``, and where it begins, not before ``least``."""
    file.seek(end - _TAIL.size)
    (length,) = _TAIL.unpack(file.read(_TAIL.size))
    start = end - _TAIL.size - length - _HEAD.size
    if start < least:
        raise CorruptionError(f"the removal file {path} is damaged before byte {end}")
    return read_frame(file, path, start)[0], start


def read_frames(path: Path, end: int) -> Generator[Frame, None, None]:
    """Yield all frames of a file, one at a time.

    Raises:
        CorruptionError: The file is missing or damaged.
    """
    start = len(MAGIC)
    with _opened(path) as file:
        while start < end:
            frame, start = read_frame(file, path, start)
            yield frame


def read_pieces(path: Path, end: int, most: int) -> Generator[bytes, None, None]:
    """Yield the bytes of a file, in pieces of whole frames that end where they exceed ``most`` bytes.

    Raises:
        CorruptionError: The file is missing or damaged.
    """
    begin, start = 0, len(MAGIC)
    with _opened(path) as file:
        while start < end:
            file.seek(start)
            length, _ = _HEAD.unpack(file.read(_HEAD.size))
            start += _HEAD.size + length + _TAIL.size
            if start >= end or start - begin > most:
                file.seek(begin)
                content = file.read(start - begin)
                if start > end or len(content) < start - begin:
                    raise CorruptionError(f"the removal file {path} is damaged before byte {end}")
                yield content
                begin = start


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    try:
        with open(path, "rb") as file:
            if file.read(len(MAGIC)) != MAGIC:
                raise CorruptionError(f"{path} is not a removal file")
            yield file
    except FileNotFoundError:
        raise CorruptionError(f"the removal file {path} is missing") from None
    except struct.error as error:
        raise CorruptionError(f"the removal file {path} ends too early") from error
    except OSError as error:
        raise StorageError(f"cannot read the removal file {path}: {error}") from error


def read_frame(file: BinaryIO, path: Path, start: int) -> tuple[Frame, int]:
    """Read the frame at ``start``; returns it, and where the next one begins."""
    file.seek(start)
    length, checksum = _HEAD.unpack(file.read(_HEAD.size))
    packed, tail = file.read(length), file.read(_TAIL.size)
    try:
        if tail != _TAIL.pack(length) or zlib.crc32(packed) != checksum:
            raise CorruptionError(f"the removal file {path} is damaged at byte {start}")
        frame = msgspec.msgpack.decode(zlib.decompress(packed), type=Frame)
    except (zlib.error, msgspec.MsgspecError) as error:
        raise CorruptionError(f"the removal file {path} is damaged at byte {start}") from error
    return frame, start + _HEAD.size + length + _TAIL.size


def numbers_of_files(lake: Path) -> list[int]:
    """Return the numbers of the removals that have files."""
    try:
        names = os.listdir(lake / FOLDER)
    except FileNotFoundError:
        return []
    return [int(name[: -len(_SUFFIX)]) for name in names if _is_removal(name)]


def delete_files(lake: Path, numbers: Sequence[int]) -> None:
    """Delete the files of removals; missing ones are ignored."""
    for no in numbers:
        file_of(lake, no).unlink(missing_ok=True)


def _is_removal(name: str) -> bool:
    return name.endswith(_SUFFIX) and name[: -len(_SUFFIX)].isdecimal()


def _encode(frame: Frame) -> bytes:
    packed = zlib.compress(msgspec.msgpack.encode(frame), _LEVEL)
    return _HEAD.pack(len(packed), zlib.crc32(packed)) + packed + _TAIL.pack(len(packed))
