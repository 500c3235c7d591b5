"""An executor of processes on this machine."""

from __future__ import annotations

import asyncio
import struct
import subprocess
from contextlib import suppress
from typing import Final

import anyio

from headrace.errors import WorkerProcessError
from headrace.subprocesses.interpreter import how_it_ended, start_interpreter
from headrace.threads import in_thread

_LENGTH: Final = struct.Struct("<I")
_EXIT_SECONDS: Final = 5.0
_CANCEL_SECONDS: Final = 5.0


class LocalExecutor:
    """Runs each call in one of ``slots`` processes, which are started when they are first needed.

    A process is a fresh interpreter that runs nothing of the caller's program. It ends when its socket closes, so it
    never outlives this process.
    """

    name = "local"
    shared = False

    def __init__(self, slots: int) -> None:
        self.slots = slots
        self._free: list[_Process] = []
        self._limit = anyio.Semaphore(slots)

    async def run(self, name: str, spec: bytes) -> bytes:
        """Run a call in a process. A cancellation ends the call, and the process where it does not end it soon."""
        async with self._limit:
            process = self._free.pop() if self._free else await _Process.start()
            try:
                answer = await process.ask(name, spec)
            except BaseException:
                with anyio.CancelScope(shield=True):
                    await process.end()
                raise
            self._free.append(process)
            return answer

    async def aclose(self) -> None:
        """End all processes."""
        with anyio.CancelScope(shield=True):
            while self._free:
                await self._free.pop().end()


class _Process:
    """A process that answers one call after the other."""

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        self._process = process
        self._reader = reader
        self._writer = writer

    @classmethod
    async def start(cls) -> _Process:
        """Start a process."""
        ours, process = await in_thread(start_interpreter, "headrace.engine.cluster.child")
        # Shielded: a cancellation is noticed by the call, which then ends the process.
        with anyio.CancelScope(shield=True):
            reader, writer = await asyncio.open_connection(sock=ours, limit=1 << 20)
        return cls(process, reader, writer)

    async def ask(self, name: str, spec: bytes) -> bytes:
        """Send a call and wait for its answer. Raises WorkerProcessError if the process ends."""
        content = name.encode()
        try:
            self._writer.writelines(
                (_LENGTH.pack(len(content)), content, _LENGTH.pack(len(spec)), spec)
            )
            await self._writer.drain()
            (size,) = _LENGTH.unpack(await self._reader.readexactly(_LENGTH.size))
            return await self._reader.readexactly(size)
        except (asyncio.IncompleteReadError, ConnectionError) as error:
            raise await self._death() from error

    async def end(self) -> None:
        """Let the process end its call, and kill it where it does not."""
        self._writer.close()
        with suppress(ConnectionError):
            await self._writer.wait_closed()
        try:
            await in_thread(self._process.wait, _CANCEL_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            await in_thread(self._process.wait)

    async def _death(self) -> WorkerProcessError:
        with suppress(subprocess.TimeoutExpired):
            await in_thread(self._process.wait, _EXIT_SECONDS)
        how = how_it_ended(self._process.returncode)
        return WorkerProcessError(
            f"a worker process ended before it had finished ({how})", hint="run it again"
        )
