"""Fetch one file: retry and resume until it is complete, verify it, and give it its name.

After a broken connection the download resumes at the same byte. Retries follow ``headrace.net.retry``, and any progress
restores all attempts. A file with a wrong checksum is fetched once more from its first byte.
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
from headrace.transfer.state.part import InTheWayError, Part
from headrace.transfer.state.workspace import Workspace
from headrace.transfer.verify import Chunk

BUFFER = 1 << 20
"""Bytes that are collected before a thread writes them; a smaller file needs one call to a thread."""

MAX_CHECKSUM_FAILURES = 2
"""Checksum failures after which a file fails."""


class Fetched(Struct, frozen=True, gc=False):
    """A complete file: its ``stat``, and the number of bytes that were moved for it."""

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
    """Fetch one file.

    Args:
        item: The file.
        workspace: Where it is written.
        files: Writes small files on threads.
        policy: Default: the policy of :class:`RetryBudget`.
        checksum_failures: Number of earlier failures.

    Raises:
        ChecksumError: Size or digest are wrong repeatedly.
        DiskFullError: There is no space left.
        InTheWayError: Another file has its name.
        HeadraceError: The last error of the source.
    """
    part = workspace.part(item)
    keep = True
    try:
        if part.resumable:
            await in_thread(part.resume)
        return await _until_complete(item, part, files, RetryBudget(policy), checksum_failures)
    except (ChecksumError, InTheWayError):
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
    """Read to the end of the stream, and return the bytes that are still to be written."""
    if part.size and not part.offset:
        await in_thread(part.restart)
    buffer: list[Chunk] = []
    held = 0
    async with item.source.open(part.offset, part.validator) as stream:
        if not part.accept(stream):
            await in_thread(part.restart)
            if stream.start:
                raise ChecksumError(f"{item.name}: the file changed during the download")
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
            # The bytes before the error are good and are not fetched again.
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
