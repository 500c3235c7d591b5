"""Where what removals recorded is kept: files in the folder of a lake, rows in a database that several servers share.

The rows of a removal are the pieces of what would be its file: each has whole frames, and says at which byte it starts.
They are written by the transaction that removes, so there is no row of one that was rolled back.
"""

from __future__ import annotations

import io
import struct
from collections.abc import AsyncGenerator, Callable, Sequence
from pathlib import Path
from typing import BinaryIO, TypeVar

from headrace.errors import CorruptionError
from headrace.platform.context import Context
from headrace.platform.removals.frames import (
    MAGIC,
    Frame,
    append,
    encoded,
    file_of,
    last_frame_of,
    read_frame,
    read_frames,
    read_last_frame,
    read_pieces,
)
from headrace.storage.database.base import Statements, Transaction
from headrace.threads import in_thread

T = TypeVar("T")

_PIECE = 8 << 20
"""Bytes from which on frames of a file begin another row."""


async def append_frames(
    context: Context, tx: Transaction, no: int, offset: int, frames: Sequence[Frame]
) -> int:
    """Record frames after the first ``offset`` bytes of a removal; returns how many bytes count now.

    Raises:
        OSError: The file of a lake cannot be written.
    """
    if context.target is None:
        return await in_thread(append, file_of(context.path, no), offset, frames)
    content = await in_thread(lambda: encoded(frames, first=not offset))
    await tx.execute("removal_parts.add", removal=no, start=offset, content=content)
    return offset + len(content)


async def last_frame(context: Context, no: int, end: int) -> tuple[Frame, int] | None:
    """Read the frame that ends at byte ``end`` of a removal, and where it begins; None where no frame is before it.

    Raises:
        CorruptionError: The record is missing or damaged.
    """
    if context.target is None:
        return await in_thread(read_last_frame, file_of(context.path, no), end)
    if end <= len(MAGIC):
        return None
    row = await context.database.fetch_one("removal_parts.before", removal=no, end=end)
    if row is None:
        raise _missing(no)
    start, content = row
    least = len(MAGIC) if start == 0 else 0
    frame, begins = await in_thread(
        _read, lambda file: last_frame_of(file, _name(no), end - start, least), content, no
    )
    return frame, start + begins


async def all_frames(context: Context, no: int, end: int) -> AsyncGenerator[Frame, None]:
    """Yield the frames of the first ``end`` bytes of a removal, one at a time.

    Raises:
        CorruptionError: The record is missing or damaged.
    """
    if context.target is None:
        frames = read_frames(file_of(context.path, no), end)
        try:
            while (found := await in_thread(next, frames, None)) is not None:
                yield found
        finally:
            await in_thread(frames.close)
        return
    start = 0
    while start < end:
        row = await context.database.fetch_one("removal_parts.at", removal=no, start=start)
        if row is None:
            raise _missing(no)
        content: bytes = row[0]
        place = len(MAGIC) if start == 0 else 0
        while place < len(content):
            frame, place = await in_thread(
                _read, lambda file, at=place: read_frame(file, _name(no), at), content, no
            )
            yield frame
        start += len(content)


async def load_file(tx: Transaction, no: int, path: Path, size: int) -> None:
    """Write the first ``size`` bytes of a lake's removal file into rows.

    Raises:
        CorruptionError: The file is missing or damaged.
    """
    start = 0
    pieces = read_pieces(path, size, _PIECE)
    try:
        while (content := await in_thread(next, pieces, None)) is not None:
            await tx.execute("removal_parts.add", removal=no, start=start, content=content)
            start += len(content)
    finally:
        await in_thread(pieces.close)


async def save_file(statements: Statements, no: int, path: Path) -> int:
    """Write the rows of a removal into a lake's removal file; returns its size."""
    start = 0
    await in_thread(lambda: path.parent.mkdir(mode=0o700, exist_ok=True))
    with await in_thread(lambda: path.open("wb")) as file:
        while (
            row := await statements.fetch_one("removal_parts.at", removal=no, start=start)
        ) is not None:
            await in_thread(file.write, row[0])
            start += len(row[0])
    return start


def _read(read: Callable[[BinaryIO], T], content: bytes, no: int) -> T:
    try:
        return read(io.BytesIO(content))
    except struct.error:
        raise CorruptionError(f"the record of removal {no} ends too early") from None


def _name(no: int) -> Path:
    """Return what messages call the record of a removal."""
    return Path(f"of number {no}")


def _missing(no: int) -> CorruptionError:
    return CorruptionError(f"the record of removal {no} is missing")
