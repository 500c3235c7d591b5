"""Serve one lake with several processes on one port.

The parent holds the port and serves nothing. Each child opens the lake and listens on the same port; the system
distributes the connections. SQLite lets all of them read at once and one of them write. A child that dies is started again.
The standard input of a child is a pipe that the parent holds open: its end, also by the death of the parent, stops the child.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import anyio
import msgspec
from msgspec import Struct

from headrace.errors import ConfigurationError
from headrace.garbage import collect_seldom
from headrace.platform.platform import Platform
from headrace.server.serve import address_of, on_signals, serve
from headrace.server.settings import ServerSettings

READY = b"ready\n"

_MORE_SECONDS = 10.0
"""Seconds that a child has to close the lake, after ``settings.stop_seconds`` for its requests."""
_LONGEST_PAUSE = 30.0
"""The longest pause, in seconds, before a child that keeps dying is started again."""
_SETTLED_SECONDS = 60.0
"""After a child has lived for so many seconds, the pauses before its next starts are short again."""

log = logging.getLogger("headrace.server")


class ChildSpec(Struct):
    """What a child needs; it reads this as one line of JSON from its standard input."""

    lake: str
    host: str
    port: int
    settings: ServerSettings


async def serve_with_processes(
    lake: str | Path,
    processes: int,
    *,
    host: str,
    port: int = 0,
    settings: ServerSettings | None = None,
    ready: Callable[[str], None] | None = None,
) -> None:
    """Serve a lake with several processes until SIGINT or SIGTERM; see :func:`headrace.server.serve.serve`.

    Args:
        lake: Folder of the lake.
        processes: How many processes serve it.
        host: Address to listen on.
        port: Port to listen on; 0 chooses a free one.
        settings: Limits of each process.
        ready: Called with the address once all processes accept connections.

    Raises:
        LakeError: The lake cannot be opened.
        ConfigurationError: The address cannot be used, this system cannot share a port, or a process ended before it was
            ready.
    """
    settings = settings or ServerSettings()
    # Errors of the lake are raised here, and a lake of an earlier version is migrated once.
    async with await Platform.open(lake, undo=settings.undo, verify=True):
        pass
    with _reserve(host, port) as reserved:
        port = reserved.getsockname()[1]
        spec = ChildSpec(os.fspath(lake), host, port, settings)
        stop = asyncio.Event()
        remove_handlers = on_signals(stop)
        async with anyio.create_task_group() as group:
            children = [_Child(spec, number) for number in range(processes)]
            try:
                for child in children:
                    await child.start()
                for child in children:
                    group.start_soon(child.keep_alive)
                if ready is not None:
                    ready(address_of(host, port))
                await stop.wait()
            finally:
                remove_handlers()
                group.cancel_scope.cancel()
                with anyio.CancelScope(shield=True):
                    await _stop_all(children, settings.stop_seconds + _MORE_SECONDS)


def _reserve(host: str, port: int) -> socket.socket:
    """Bind the port without listening, so that it stays this server's while children come and go."""
    if not hasattr(socket, "SO_REUSEPORT") or sys.platform == "darwin":
        raise ConfigurationError(
            "this system does not share a port among processes", hint="serve with one process"
        )
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    reserved = socket.socket(family, socket.SOCK_STREAM)
    try:
        reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if port:
            # A port that another program shares with its own processes would be shared with ours too.
            with socket.socket(family, socket.SOCK_STREAM) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind((host, port))
        reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        reserved.bind((host, port))
    except OSError as error:
        reserved.close()
        raise ConfigurationError(
            f"cannot listen on {host}:{port}: {(error.strerror or 'unknown').lower()}",
            hint="choose another host= or port=",
        ) from None
    return reserved


class _Child:
    """One serving process, which is started again when it dies."""

    def __init__(self, spec: ChildSpec, number: int) -> None:
        self._spec = spec
        self._number = number
        self._process: Process | None = None
        self._started = 0.0

    async def start(self) -> None:
        """Start the process and wait until it accepts connections; ConfigurationError where it ends before that."""
        self._started = time.monotonic()
        # Isolated from the folder it is started in, so that no module there is imported instead of an installed one.
        process = self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "headrace.server.processes"),
            stdin=PIPE,
            stdout=PIPE,
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
                f"process {self._number + 1} of the server ended with status {status} before it was ready",
                hint="its messages stand above",
            )

    async def keep_alive(self) -> None:
        """Start the process again whenever it ends."""
        pause = 0.1
        while True:
            if self._process is not None:
                status = await self._process.wait()
                log.warning(
                    "process %d of the server ended with status %d; it is started again",
                    self._number + 1,
                    status,
                )
            if time.monotonic() - self._started > _SETTLED_SECONDS:
                pause = 0.1
            await anyio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)
            try:
                await self.start()
            except (ConfigurationError, OSError) as error:
                log.warning("%s", error)
                self._process = None

    async def stop(self) -> None:
        """Tell the process to finish its requests and close the lake, and wait for its end."""
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()
            await self._process.wait()

    def kill(self) -> None:
        """End the process immediately."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()


async def _stop_all(children: list[_Child], seconds: float) -> None:
    """Stop all children; kill those that take longer than ``seconds``, and all at a second signal."""
    at_once = asyncio.Event()
    remove_handlers = on_signals(at_once)
    try:
        with anyio.move_on_after(seconds):
            async with anyio.create_task_group() as group:

                async def stop_gently() -> None:
                    async with anyio.create_task_group() as stopping:
                        for child in children:
                            stopping.start_soon(child.stop)
                    group.cancel_scope.cancel()

                group.start_soon(stop_gently)
                await at_once.wait()
                group.cancel_scope.cancel()
    finally:
        remove_handlers()
        for child in children:
            child.kill()


async def serve_as_child() -> None:
    """Serve as one of several processes, until the parent closes the pipe."""
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    spec = msgspec.json.decode(await reader.readline(), type=ChildSpec)
    ended = asyncio.Event()

    def ready(_: str) -> None:
        sys.stdout.buffer.write(READY)
        sys.stdout.buffer.flush()

    async def watch() -> None:
        await reader.read()
        ended.set()

    async with anyio.create_task_group() as group:
        group.start_soon(watch)
        await serve(
            spec.lake,
            host=spec.host,
            port=spec.port,
            settings=spec.settings,
            ready=ready,
            share_port=True,
            stop=ended,
        )
        group.cancel_scope.cancel()


def main() -> None:
    """Run :func:`serve_as_child`."""
    import uvloop

    # The parent decides; a signal for the group of the terminal must not end a child in the middle of a request.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    logging.basicConfig(format="%(levelname)s: %(message)s", level=logging.WARNING)
    collect_seldom()
    uvloop.run(serve_as_child())


if __name__ == "__main__":
    main()
