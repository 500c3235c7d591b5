"""One file: from a source to a complete, verified file under its name, across whatever breaks on the way.

A cut connection is gone on with at the byte it broke at. Waits and tries are those of the retry contract; every byte
that comes makes the stall whole again, and bytes that prove wrong are fetched once more from the first one.
"""

from __future__ import annotations

import os
from functools import partial

import anyio
from anyio import CancelScope
from msgspec import Struct

from headrace.errors import ChecksumError, HeadraceError
from headrace.net.retry import RetryBudget, RetryPolicy
from headrace.threads import in_thread
from headrace.transfer.download.thread_batches import ThreadBatches
from headrace.transfer.source import Item
from headrace.transfer.state.disk import FULL, disk_error
from headrace.transfer.state.part import Part
from headrace.transfer.state.workspace import Workspace
from headrace.transfer.verify import Chunk

BUFFER = 1 << 20
"""Bytes that are gathered before a thread writes them; smaller files cost one hop to a thread."""

MAX_CHECKSUM_FAILURES = 2
"""Times that a file may arrive wrong."""


class Fetched(Struct, frozen=True, gc=False):
    """A file that is now there: what ``stat`` says of it, and the bytes that were moved for it."""

    stat: os.stat_result
    moved: int


Files = ThreadBatches[os.stat_result]


async def fetch(
    item: Item,
    workspace: Workspace,
    files: Files,
    policy: RetryPolicy | None = None,
    *,
    checksum_failures: int = 0,
) -> Fetched:
    """Bring one file to its place; ``files`` writes small ones. It has arrived wrong ``checksum_failures`` times already.

    Raises ChecksumError where size or digest stay wrong, DiskFullError, and whatever the source raises in the end.
    """
    part = workspace.part(item)
    keep = True
    try:
        if part.resumable:
            await in_thread(part.resume)
        return await _until_complete(item, part, files, RetryBudget(policy), checksum_failures)
    except ChecksumError:
        keep = False
        raise
    except OSError as error:
        if error.errno in FULL and not isinstance(error, HeadraceError):
            raise disk_error(f"cannot write {item.name}", error) from error
        raise
    finally:
        if part.is_open:
            with CancelScope(shield=True):
                await in_thread(lambda: part.close(keep=keep))
        part.release()


async def _until_complete(
    item: Item, part: Part, files: Files, budget: RetryBudget, checksum_failures: int
) -> Fetched:
    moved = _Moved()
    while True:
        try:
            rest = await _receive(item, part, budget, moved)
            return Fetched(await files.run(partial(_finish, part, rest)), moved.bytes)
        except ChecksumError:
            checksum_failures += 1
            if checksum_failures >= MAX_CHECKSUM_FAILURES:
                raise
            await in_thread(part.restart)
        except HeadraceError as error:
            wait = budget.next_wait(error)
            if wait is None:
                raise
            await anyio.sleep(wait)
            await item.source.wait_for_retry()


class _Moved:
    bytes = 0


async def _receive(item: Item, part: Part, budget: RetryBudget, moved: _Moved) -> list[Chunk]:
    """Read to the end of the stream; what is returned is still to be written."""
    if part.size and not part.offset:
        await in_thread(part.restart)
    buffer: list[Chunk] = []
    held = 0
    async with item.source.open(part.offset, part.validator) as stream:
        if not part.accept(stream):
            await in_thread(part.restart)
            if stream.start:
                raise ChecksumError(f"{item.name}: the file changed while it was fetched")
        part.begin(stream)
        if stream.local_path is not None:
            await in_thread(part.copy, stream.local_path)
            moved.bytes += part.size
            return []
        if stream.whole is not None:
            moved.bytes += len(stream.whole)
            return [stream.whole]
        if stream.write_to is not None:
            before = moved.bytes
            try:
                await stream.write_to(partial(_append, part, moved))
            finally:
                if moved.bytes > before:
                    budget.reset()
            return []
        try:
            async for chunk in stream.chunks():
                budget.reset()
                moved.bytes += len(chunk)
                buffer.append(chunk)
                held += len(chunk)
                if held >= BUFFER or isinstance(chunk, memoryview):
                    full, buffer, held = buffer, [], 0
                    await in_thread(part.write, full)
        except HeadraceError:
            # What came before the cut is good: it is not fetched twice.
            await in_thread(part.write, buffer)
            raise
    return buffer


def _append(part: Part, moved: _Moved, block: memoryview) -> None:
    part.write([block])
    moved.bytes += len(block)


def _finish(part: Part, rest: list[Chunk]) -> os.stat_result:
    if len(rest) == 1 and not part.is_open:
        return part.put(rest[0])
    part.write(rest)
    return part.publish()
