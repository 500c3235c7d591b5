"""Run a server until it is told to stop."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from aiohttp import web
from anyio import to_thread

from headrace.errors import ConfigurationError
from headrace.platform.platform import Platform
from headrace.protocol.query.parser import prepare as prepare_queries
from headrace.server.app import make_app
from headrace.server.draining import Draining
from headrace.server.parser import AnyMethodSite
from headrace.server.protocol_log import ProtocolLog
from headrace.server.settings import ServerSettings

LOOPBACK = "127.0.0.1"

_LONGEST_LINE = 65_536
_LAST_WORD_SECONDS = 2.0
"""What answers that are ready get to leave by, once nothing else is under way."""


async def serve(
    lake: str | Path,
    *,
    host: str = LOOPBACK,
    port: int = 0,
    settings: ServerSettings | None = None,
    ready: Callable[[str], None] | None = None,
) -> None:
    """Serve a lake until SIGINT or SIGTERM, then finish what is under way and close the lake.

    ``port`` 0 takes a free one; ``ready`` is called with the address once connections are accepted. A second signal,
    or the end of ``settings.stop_seconds``, cuts what is still under way. Raises the errors of opening a lake, and
    :class:`ConfigurationError` where the address cannot be used. The caller chooses the event loop (uvloop).
    """
    async with (
        await Platform.open(lake) as platform,
        serving(platform, host=host, port=port, settings=settings) as address,
    ):
        await to_thread.run_sync(prepare_queries)
        stop = asyncio.Event()
        with_signals = _on_signals(stop)
        try:
            if ready is not None:
                ready(address)
            await stop.wait()
        finally:
            with_signals()


@asynccontextmanager
async def serving(
    platform: Platform,
    *,
    host: str = LOOPBACK,
    port: int = 0,
    settings: ServerSettings | None = None,
) -> AsyncIterator[str]:
    """Serve an open platform inside the block; gives the address. Leaving it finishes what is under way."""
    settings = settings or ServerSettings()
    draining = Draining()
    runner = web.AppRunner(
        await make_app(platform, settings, draining),
        access_log=None,
        logger=ProtocolLog(),
        keepalive_timeout=settings.keepalive_seconds,
        shutdown_timeout=_LAST_WORD_SECONDS,
        # A query travels in the address, and as long a one as the language reads must fit.
        max_line_size=_LONGEST_LINE,
        # A refused upload is not read to its end to be polite.
        lingering_time=2.0,
    )
    await runner.setup()
    try:
        site = AnyMethodSite(runner, host, port)
        try:
            await site.start()
        except OSError as exc:
            raise ConfigurationError(
                f"cannot listen on {host}:{port}: {(exc.strerror or 'unknown').lower()}",
                hint="choose another host or port",
            ) from None
        try:
            platform.context.public_address = f"http://{_reached(host)}:{site.bound_port}"
            yield f"http://{_bracketed(host)}:{site.bound_port}"
        finally:
            platform.context.public_address = None
            await site.stop()
            platform.jobs.end_waits()
            await draining.drain(settings.stop_seconds)
    finally:
        await runner.cleanup()


def _on_signals(stop: asyncio.Event) -> Callable[[], None]:
    """Set ``stop`` on the first signal; the answer takes the handlers away, so that a second one ends the process."""
    loop = asyncio.get_running_loop()
    names = (signal.SIGINT, signal.SIGTERM)

    def remove() -> None:
        for name in names:
            loop.remove_signal_handler(name)

    for name in names:
        loop.add_signal_handler(name, stop.set)
    return remove


def _reached(host: str) -> str:
    """The host as a process of this machine reaches it: an address that stands for all is none to go to."""
    return {"0.0.0.0": LOOPBACK, "": LOOPBACK, "::": "[::1]"}.get(host, _bracketed(host))


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
