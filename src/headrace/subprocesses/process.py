"""Run a command in a child process: stream its output and guarantee its end."""

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

from headrace.subprocesses import supervisor
from headrace.threads import in_thread

CHUNK = 64 * 1024

_END_SECONDS = supervisor.GRACE_SECONDS + 5.0
_DRAIN_SECONDS = 2.0
"""How long output that was printed before the end may take to arrive."""

_SUPERVISOR = str(Path(supervisor.__file__).resolve())


async def run_process(
    command: Sequence[str],
    *,
    folder: Path | None,
    environment: Mapping[str, str],
    write: Callable[[bytes], None],
) -> int:
    """Run a command to its end and return its exit status.

    When the caller is cancelled, or its process ends in any way, the command and every process that it started are
    ended too. A cancelled caller waits for that.

    Args:
        command: The program and its arguments.
        folder: Working directory. Default: that of this process.
        environment: All environment variables of the command.
        write: Receives the output (stdout and stderr in one stream) in chunks of at most 64 KiB, on a thread.

    Returns:
        The exit status; 128 plus the signal's number where a signal ended the command. A command that cannot be run
        ends with 126 or 127 and prints the reason.

    Raises:
        OSError: ``folder`` cannot be entered.
    """
    with ExitStack() as stack:
        stdin, lifeline = _pipe(stack)
        output, stdout = _pipe(stack)
        # Isolated mode: neither the environment nor the folder can change what the supervisor imports.
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-S", _SUPERVISOR, *command),
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
            return await _stream_output(process, output, write)
        finally:
            lifeline.close()
            with anyio.CancelScope(shield=True):
                await _wait_for_end(process)


async def _stream_output(process: Process, output: FileIO, write: Callable[[bytes], None]) -> int:
    """Pass the output on until the supervisor ends; stray processes may keep the pipe open longer."""
    reader = asyncio.StreamReader(CHUNK)
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), output
    )
    copied = anyio.Event()

    async def copy() -> None:
        while chunk := await reader.read(CHUNK):
            await in_thread(write, chunk)
        copied.set()

    try:
        async with anyio.create_task_group() as group:
            group.start_soon(copy)
            status = await process.wait()
            _kill_group(process)
            with anyio.move_on_after(_DRAIN_SECONDS):
                await copied.wait()
            group.cancel_scope.cancel()
    finally:
        transport.close()
    return status


async def _wait_for_end(process: Process) -> None:
    """Wait for the supervisor, whose pipe is closed, then kill what is left of its group."""
    with anyio.move_on_after(_END_SECONDS):
        await process.wait()
    _kill_group(process)
    await process.wait()


def _kill_group(process: Process) -> None:
    with suppress(OSError):
        os.killpg(process.pid, signal.SIGKILL)


def _pipe(stack: ExitStack) -> tuple[FileIO, FileIO]:
    reading, writing = os.pipe()
    return (
        stack.enter_context(FileIO(reading, "rb")),
        stack.enter_context(FileIO(writing, "wb")),
    )
