"""A program in a process of its own: its output as it comes, its end for certain."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from asyncio.subprocess import STDOUT, Process
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from io import FileIO
from pathlib import Path

import anyio

from headrace.subprocesses import supervisor as keeper
from headrace.threads import in_thread

CHUNK = 64 * 1024

_END_SECONDS = keeper.GRACE_SECONDS + 5.0
_LAST_WORD_SECONDS = 2.0
"""What was printed before the end gets to come through by."""

_KEEPER = str(Path(keeper.__file__).resolve())


async def run_child(
    command: Sequence[str],
    *,
    folder: Path | None,
    environment: Mapping[str, str],
    write: Callable[[bytes], None],
) -> int:
    """Run a command to its end and give its exit status: 128 and the signal's number where one ended it.

    ``write`` gets what it prints (both streams in one) in bounded pieces, on a thread. Where the caller is cancelled,
    or its process ends in whatever way, the command and all that it started are ended too; a cancelled caller waits
    for that. A command that cannot be run ends with 126 or 127 and says why in its output. Raises OSError where
    ``folder`` cannot be entered.
    """
    with ExitStack() as stack:
        stdin, lifeline = _pipe(stack)
        printed, stdout = _pipe(stack)
        # Isolated: nothing of the environment or the folder may get between us and the keeper.
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-S", _KEEPER, *command),
            stdin=stdin,
            stdout=stdout,
            stderr=STDOUT,
            cwd=folder,
            env=dict(environment),
            start_new_session=True,
        )
        stdin.close()
        stdout.close()
        try:
            return await _followed(child, printed, write)
        finally:
            lifeline.close()
            with anyio.CancelScope(shield=True):
                await _ended(child)


async def _followed(child: Process, printed: FileIO, write: Callable[[bytes], None]) -> int:
    """Hand the output on until the keeper ends; not until the output does, which strays may hold open."""
    reader = asyncio.StreamReader(CHUNK)
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), printed
    )
    copied = anyio.Event()

    async def copy() -> None:
        while chunk := await reader.read(CHUNK):
            await in_thread(write, chunk)
        copied.set()

    try:
        async with anyio.create_task_group() as group:
            group.start_soon(copy)
            status = await child.wait()
            _kill_group(child)
            with anyio.move_on_after(_LAST_WORD_SECONDS):
                await copied.wait()
            group.cancel_scope.cancel()
    finally:
        transport.close()
    return status


async def _ended(child: Process) -> None:
    """Wait for the keeper, whose pipe is closed; then nothing of its group may be left."""
    with anyio.move_on_after(_END_SECONDS):
        await child.wait()
    _kill_group(child)
    await child.wait()


def _kill_group(child: Process) -> None:
    with suppress(OSError):
        os.killpg(child.pid, signal.SIGKILL)


def _pipe(stack: ExitStack) -> tuple[FileIO, FileIO]:
    reading, writing = os.pipe()
    return (
        stack.enter_context(FileIO(reading, "rb")),
        stack.enter_context(FileIO(writing, "wb")),
    )
