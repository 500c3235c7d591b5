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
import warnings
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, nullcontext, suppress
from pathlib import Path

import anyio
import msgspec
from msgspec.structs import replace

from headrace.errors import ConfigurationError, HeadraceWarning
from headrace.garbage import collect_seldom
from headrace.platform.platform import Platform
from headrace.server.child import FIGURES, READY, Child, ChildSpec
from headrace.server.process_board import board_file
from headrace.server.serve import ReadFigures, address_of, address_of_socket, on_signals, serve
from headrace.server.settings import ServerSettings, host_and_port
from headrace.server.watch.logs import ServerLog, start_logs
from headrace.server.watch.snapshot import Snapshot, total
from headrace.storage.opening import check_files_named, postgres_target
from headrace.threads import in_thread

_MORE_SECONDS = 10.0
"""Seconds that a child has to close the lake, after ``settings.stop_seconds`` for its requests."""
_ASK_SECONDS = 10.0
"""Children are asked for their figures so often. What a child counted after that is lost if it is killed."""


async def serve_with_processes(
    lake: str | Path,
    processes: int,
    *,
    objects: str | None = None,
    host: str,
    port: int = 0,
    settings: ServerSettings | None = None,
    log: ServerLog | None = None,
    unix_socket: socket.socket | None = None,
    ready: Callable[[str], None] | None = None,
) -> None:
    """Serve a lake with several processes until SIGINT or SIGTERM; see :func:`headrace.server.serve.serve`.

    Args:
        lake: Folder of the lake, or ``postgresql://…``.
        processes: How many processes serve it.
        objects: Where a platform in a database keeps its files. Default: what the settings say.
        host: Address to listen on.
        port: Port to listen on; 0 chooses a free one.
        settings: Limits; those of connections and calls are shared out equally.
        log: Where the processes log. Default: warnings to stderr.
        unix_socket: A bound socket to listen on, in place of host and port.
        ready: Called with the address once all processes accept connections.

    Raises:
        LakeError: The lake cannot be opened.
        ConfigurationError: The address cannot be used, this system cannot share a port, or a process ended before it was
            ready.
    """
    settings = settings or ServerSettings()
    target = postgres_target(lake, objects=objects)
    if target is not None:
        check_files_named(target)
    # Errors of the lake are raised here, and a lake of an earlier version is migrated once.
    async with await Platform.open(
        lake,
        objects=objects,
        # The children run the jobs of a database; a lake is brought up to date first.
        jobs=target is None,
        undo=settings.undo,
        audit=settings.audit,
        verify=True,
    ):
        pass
    # Each process counts wrong tokens for itself.
    settings = replace(settings, failed_tokens=max(1, settings.failed_tokens // processes))
    with (
        nullcontext() if unix_socket is not None else _reserve(host, port) as reserved,
        board_file(processes) as board,
    ):
        if reserved is not None:
            port = reserved.getsockname()[1]
        spec = ChildSpec(
            lake=os.fspath(lake),
            objects=objects,
            host=host,
            port=port,
            settings=settings.shared_by(processes),
            log=log or ServerLog(),
            unix_socket=None if unix_socket is None else unix_socket.fileno(),
            board=board,
            processes=processes,
        )
        stop = asyncio.Event()
        remove_handlers = on_signals(stop)
        async with anyio.create_task_group() as group:
            children = [Child(replace(spec, number=number + 1)) for number in range(processes)]
            try:
                for child in children:
                    await child.start()
                for child in children:
                    group.start_soon(child.keep_alive)
                async with _figures_shown(children, settings.metrics):
                    if ready is not None:
                        ready(
                            address_of(host, port)
                            if unix_socket is None
                            else address_of_socket(unix_socket)
                        )
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


@asynccontextmanager
async def _figures_shown(children: list[Child], address: str | None) -> AsyncIterator[None]:
    """Serve the figures of all children inside the block."""
    if address is None:
        yield
        return
    from headrace.server.watch.metrics_site import serving_figures

    async def read() -> Snapshot:
        found: list[Snapshot] = []

        async def ask(child: Child) -> None:
            found.append(await child.figures())

        async with anyio.create_task_group() as group:
            for child in children:
                group.start_soon(ask, child)
        return total(found)

    async def ask_regularly() -> None:
        while True:
            await anyio.sleep(_ASK_SECONDS)
            await read()

    async with anyio.create_task_group() as group, serving_figures(host_and_port(address), read):
        group.start_soon(ask_regularly)
        yield
        group.cancel_scope.cancel()


async def _stop_all(children: list[Child], seconds: float) -> None:
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
    start_logs(spec.log, spec.number)
    ended = asyncio.Event()
    figures: list[ReadFigures] = []

    async def watch() -> None:
        while line := await reader.readline():
            if line == FIGURES and figures:
                line = msgspec.json.encode(await figures[0]()) + b"\n"
                # The pipe may be full, and then waits for the parent; where that is gone, the next line is the last.
                with suppress(OSError):
                    await in_thread(_say, line)
        ended.set()

    async with anyio.create_task_group() as group:
        group.start_soon(watch)
        await serve(
            spec.lake,
            objects=spec.objects,
            host=spec.host,
            port=spec.port,
            settings=spec.settings,
            ready=lambda _: _say(READY),
            share_port=True,
            unix_socket=None
            if spec.unix_socket is None
            else socket.socket(fileno=spec.unix_socket),
            take_figures=figures.append,
            board=spec.process_board(),
            stop=ended,
        )
        group.cancel_scope.cancel()


def _say(line: bytes) -> None:
    sys.stdout.buffer.write(line)
    sys.stdout.buffer.flush()


def main() -> None:
    """Run :func:`serve_as_child`."""
    import uvloop

    # The parent decides; a signal for the group of the terminal must not end a child in the middle of a request.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # The parent has shown the warnings about the lake.
    warnings.simplefilter("ignore", HeadraceWarning)
    logging.basicConfig(format="%(levelname)s: %(message)s", level=logging.WARNING)
    collect_seldom()
    uvloop.run(serve_as_child())


if __name__ == "__main__":
    main()
