"""A serving process, as its parent sees it: it is started again when it dies, and tells its figures when it is asked.

The two speak by lines over the standard streams of the child. The parent writes the specification, then ``figures``
whenever it wants them; the child writes that it is ready, then figures as JSON.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from asyncio.subprocess import PIPE, Process
from contextlib import suppress

import anyio
import msgspec
from msgspec import Struct

from headrace.errors import ConfigurationError
from headrace.server.process_board import ProcessBoard
from headrace.server.settings import ServerSettings
from headrace.server.watch.logs import ServerLog
from headrace.server.watch.snapshot import Snapshot, counted, total

READY = b"ready\n"
FIGURES = b"figures\n"

MODULE = "headrace.server.processes"
"""The module that a child runs."""

_LONGEST_PAUSE = 30.0
"""The longest pause, in seconds, before a child that keeps dying is started again."""
_SETTLED_SECONDS = 60.0
"""After a child has lived for so many seconds, the pauses before its next starts are short again."""
_FIGURES_SECONDS = 2.0
"""A child that takes longer to tell its figures is left out of them."""
_LONGEST_LINE = 16 << 20

log = logging.getLogger("headrace.server")


class ChildSpec(Struct, kw_only=True):
    """What a child needs; it reads this as one line of JSON from its standard input.

    ``lake`` may be an address with a password; so the specification is on no command line and in no log.
    ``number`` is that of the child, from 1; ``unix_socket`` the descriptor of a bound socket that it inherits.
    ``board`` is the descriptor of the board of so many ``processes``.
    """

    lake: str
    objects: str | None = None
    host: str
    port: int
    settings: ServerSettings
    log: ServerLog
    number: int = 1
    unix_socket: int | None = None
    board: int
    processes: int

    def process_board(self) -> ProcessBoard:
        """Return the board that all children share, as this one sees it."""
        return ProcessBoard(self.board, self.processes, self.number - 1)


class Child:
    """One serving process, which is started again when it dies."""

    def __init__(self, spec: ChildSpec) -> None:
        self._spec = spec
        self._board = spec.process_board()
        self._process: Process | None = None
        self._started = 0.0
        self._figures: Snapshot = []
        self._past: Snapshot = []
        self._answered = asyncio.Event()
        # Where to ask the process, once it has said that it is ready: its first line must be that.
        self._input: asyncio.StreamWriter | None = None

    async def start(self) -> None:
        """Start the process and wait until it accepts connections; ConfigurationError where it ends before that."""
        self._started = time.monotonic()
        inherited = [self._spec.board]
        if self._spec.unix_socket is not None:
            inherited.append(self._spec.unix_socket)
        # Isolated from the folder it is started in, so that no module there is imported instead of an installed one.
        process = self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", MODULE),
            stdin=PIPE,
            stdout=PIPE,
            limit=_LONGEST_LINE,
            pass_fds=inherited,
            # Ctrl-C reaches the whole group of the terminal; the parent alone tells children to stop.
            start_new_session=True,
        )
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(msgspec.json.encode(self._spec) + b"\n")
        with suppress(ConnectionError):
            await process.stdin.drain()
        if await process.stdout.readline() != READY:
            status = await process.wait()
            raise ConfigurationError(
                f"process {self._spec.number} of the server ended with status {status} before it was ready",
                hint="its messages stand above",
            )

    async def keep_alive(self) -> None:
        """Start the process again whenever it ends."""
        pause = 0.1
        while True:
            if self._process is not None:
                await self._read_figures(self._process)
                status = await self._process.wait()
                self._board.clear(self._spec.number - 1)
                log.warning(
                    "process %d of the server ended with status %d; it is started again",
                    self._spec.number,
                    status,
                )
            # What it counted stays counted, or its successor would seem to have undone it.
            self._past, self._figures = total([self._past, counted(self._figures)]), []
            if time.monotonic() - self._started > _SETTLED_SECONDS:
                pause = 0.1
            await anyio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)
            try:
                await self.start()
            except (ConfigurationError, OSError) as error:
                log.warning("%s", error)
                self._process = None

    async def _read_figures(self, process: Process) -> None:
        """Take the figures that the process tells, until it ends."""
        assert process.stdout is not None
        self._input = process.stdin
        while line := await process.stdout.readline():
            # A package that prints something must not end the server.
            with suppress(msgspec.DecodeError):
                self._figures = msgspec.json.decode(line, type=Snapshot)
                self._answered.set()
        self._input = None

    async def figures(self) -> Snapshot:
        """Return the figures of the process, and what those before it counted."""
        if not await self._answers():
            # It is busy or gone: what it counted stays, what it has at the moment is unknown.
            return total([self._past, counted(self._figures)])
        return total([self._past, self._figures])

    async def _answers(self) -> bool:
        """Whether the process answers with its figures."""
        if self._input is None:
            return False
        self._answered.clear()
        try:
            self._input.write(FIGURES)
            async with asyncio.timeout(_FIGURES_SECONDS):
                await self._input.drain()
                await self._answered.wait()
        except (ConnectionError, TimeoutError):
            return False
        return True

    async def stop(self) -> None:
        """Tell the process to finish its requests and close the lake, and wait for its end."""
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()
            await self._process.wait()

    def kill(self) -> None:
        """End the process immediately."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
