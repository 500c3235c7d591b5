"""Run a server until it is stopped by a signal."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from aiohttp import web

from headrace.errors import ConfigurationError
from headrace.platform.platform import Platform
from headrace.protocol.query.parser import prepare as prepare_queries
from headrace.server.app import make_app
from headrace.server.http_protocol import AnyMethodSite, ProtocolLog
from headrace.server.limits.connections import Connections
from headrace.server.middleware import RequestDrain
from headrace.server.process_board import ProcessBoard
from headrace.server.settings import ServerSettings, host_and_port
from headrace.server.watch.logs import ACCESS
from headrace.server.watch.observer import RequestObserver
from headrace.server.watch.snapshot import Snapshot
from headrace.threads import in_thread

if TYPE_CHECKING:
    from headrace.server.watch.figures import ServerFigures

ReadFigures = Callable[[], Awaitable[Snapshot]]
"""Returns the figures of a process."""

LOOPBACK = "127.0.0.1"

_LONGEST_LINE = 65_536
_FLUSH_SECONDS = 2.0
"""Time for finished responses to be sent, once no request is active."""


async def serve(
    lake: str | Path,
    *,
    objects: str | None = None,
    host: str = LOOPBACK,
    port: int = 0,
    settings: ServerSettings | None = None,
    ready: Callable[[str], None] | None = None,
    share_port: bool = False,
    unix_socket: socket.socket | None = None,
    take_figures: Callable[[ReadFigures], None] | None = None,
    stop: asyncio.Event | None = None,
    board: ProcessBoard | None = None,
) -> None:
    """Serve a lake until SIGINT or SIGTERM, then finish active requests and close the lake.

    A second signal, or the end of ``settings.stop_seconds``, aborts the requests that are still active. The caller
    chooses the event loop (uvloop).

    Args:
        lake: Folder of the lake, or ``postgresql://…``.
        objects: Where a platform in a database keeps its files. Default: what the settings say.
        host: Address to listen on.
        port: Port to listen on; 0 chooses a free one.
        settings: Limits of the server.
        ready: Called with the address once connections are accepted.
        share_port: Let other processes listen on the same port.
        unix_socket: A bound socket to listen on, in place of host and port.
        take_figures: Takes what reads the figures of this process, where a parent serves them. Default: this process
            serves them, at ``settings.metrics``.
        stop: Stops the server too, when it is set.
        board: What the other processes of the server say.

    Raises:
        LakeError: The lake or the database cannot be opened.
        CorruptionError: The lake is damaged.
        ConfigurationError: The address cannot be used.
    """
    settings = settings or ServerSettings()
    async with (
        await Platform.open(
            lake,
            objects=objects,
            undo=settings.undo,
            audit=settings.audit,
            query_seconds=settings.query_seconds,
            # Processes that share a port are started by one that has done it.
            verify=not share_port,
        ) as platform,
        serving(
            platform,
            host=host,
            port=port,
            settings=settings,
            share_port=share_port,
            unix_socket=unix_socket,
            take_figures=take_figures,
            board=board,
        ) as address,
    ):
        await in_thread(prepare_queries)
        stop = stop or asyncio.Event()
        remove_handlers = on_signals(stop)
        try:
            if ready is not None:
                ready(address)
            await stop.wait()
        finally:
            remove_handlers()


@asynccontextmanager
async def serving(
    platform: Platform,
    *,
    host: str = LOOPBACK,
    port: int = 0,
    settings: ServerSettings | None = None,
    share_port: bool = False,
    unix_socket: socket.socket | None = None,
    take_figures: Callable[[ReadFigures], None] | None = None,
    board: ProcessBoard | None = None,
) -> AsyncIterator[str]:
    """Serve an open platform inside the block and yield the address; on exit, active requests are finished."""
    settings = settings or ServerSettings()
    drain = RequestDrain(settings.max_requests)
    connections = Connections(settings.connections())
    figures = None if settings.metrics is None else _new_figures(platform)
    observer = RequestObserver(figures, proxies=settings.proxies)
    runner = web.AppRunner(
        await make_app(platform, settings, drain, observer, board),
        access_log=logging.getLogger(ACCESS),
        access_log_class=observer.hook(),
        logger=ProtocolLog(),
        keepalive_timeout=settings.keepalive_seconds,
        # Bodies are unpacked by `headrace.server.limits.bodies`, within limits.
        auto_decompress=False,
        shutdown_timeout=_FLUSH_SECONDS,
        # Queries are sent in the request line, and the longest one allowed must fit.
        max_line_size=_LONGEST_LINE,
        # Do not read a refused upload to its end.
        lingering_time=2.0,
    )
    await runner.setup()
    try:
        site = AnyMethodSite(
            runner,
            host,
            port,
            reuse_port=share_port or None,
            unix_socket=unix_socket,
            make=connections.make,
        )
        try:
            await site.start()
        except OSError as exc:
            raise ConfigurationError(
                f"cannot listen on {host}:{port}: {(exc.strerror or 'unknown').lower().rpartition(': ')[2]}",
                hint="choose another host= or port=",
            ) from None
        try:
            platform.context.max_launches = settings.max_launches
            if unix_socket is None:
                address = address_of(host, site.bound_port)
                platform.context.public_address = f"http://{_local_host(host)}:{site.bound_port}"
            else:
                address = address_of_socket(unix_socket)
                platform.context.public_address = settings.public_url
            connections.watch()
            async with _figures_shown(figures, connections, drain, settings.metrics, take_figures):
                yield address
        finally:
            platform.context.public_address = None
            platform.context.max_launches = None
            await site.stop()
            platform.jobs.end_waits()
            await drain.drain(settings.stop_seconds)
            connections.stop_watching()
    finally:
        await runner.cleanup()


def _new_figures(platform: Platform) -> ServerFigures:
    # Prometheus' client is imported only where figures are asked for.
    from headrace.server.watch.figures import ServerFigures

    return ServerFigures(platform)


def _figures_shown(
    figures: ServerFigures | None,
    connections: Connections,
    drain: RequestDrain,
    address: str | None,
    take_figures: Callable[[ReadFigures], None] | None,
) -> AbstractAsyncContextManager[None]:
    """Serve the figures of this process inside the block, or hand them to who serves them."""
    if figures is None or address is None:
        return nullcontext()
    figures.watch(connections, drain)
    if take_figures is not None:
        take_figures(figures.snapshot)
        return nullcontext()
    from headrace.server.watch.metrics_site import serving_figures

    return serving_figures(host_and_port(address), figures.snapshot)


def on_signals(stop: asyncio.Event) -> Callable[[], None]:
    """Set ``stop`` on a signal. Calling the result removes the handlers, so that a second signal ends the process."""
    loop = asyncio.get_running_loop()
    names = (signal.SIGINT, signal.SIGTERM)

    def remove() -> None:
        for name in names:
            loop.remove_signal_handler(name)

    for name in names:
        loop.add_signal_handler(name, stop.set)
    return remove


def address_of(host: str, port: int) -> str:
    """Return the address of a server."""
    return f"http://{_bracketed(host)}:{port}"


def address_of_socket(unix_socket: socket.socket) -> str:
    """Return the address of a server that listens on a Unix socket, in the form of nginx."""
    return f"http://unix:{unix_socket.getsockname()}"


def _local_host(host: str) -> str:
    """Return the host by which a process of this machine reaches the server, also where it listens on all addresses."""
    return {"0.0.0.0": LOOPBACK, "": LOOPBACK, "::": "[::1]"}.get(host, _bracketed(host))


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
