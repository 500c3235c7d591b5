"""The address of the figures: ``/metrics`` on a port apart from that of the lake, in the text form of Prometheus."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager

import anyio
from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from headrace.errors import ConfigurationError
from headrace.server.http_protocol import ProtocolLog
from headrace.server.watch.snapshot import Snapshot

PATH = "/metrics"


@asynccontextmanager
async def serving_figures(
    address: tuple[str, int], read: Callable[[], Awaitable[Snapshot]]
) -> AsyncIterator[None]:
    """Serve figures inside the block.

    Args:
        address: The host and port to listen on.
        read: Returns the figures of the whole server, for each request.

    Raises:
        ConfigurationError: The address cannot be used.
    """
    host, port = address
    # Scrapes wait for each other: however many ask, figures are collected once at a time.
    turn = anyio.Lock()

    async def answer(request: web.Request) -> web.Response:
        async with turn:
            snapshot = await read()
        headers = {"Content-Type": CONTENT_TYPE_LATEST, "Cache-Control": "no-store"}
        return web.Response(body=as_text(snapshot), headers=headers)

    app = web.Application()
    app.router.add_get(PATH, answer)
    runner = web.AppRunner(app, access_log=None, logger=ProtocolLog(), shutdown_timeout=1.0)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError as error:
            raise ConfigurationError(
                f"cannot listen on {host}:{port} for metrics: {(error.strerror or 'unknown').lower()}",
                hint="choose another address: headrace serve --metrics [HOST:]PORT",
            ) from None
        yield
    finally:
        with anyio.CancelScope(shield=True):
            await runner.cleanup()


def as_text(snapshot: Snapshot) -> bytes:
    """Return figures in the text form of Prometheus."""
    return generate_latest(_Collected(snapshot))


class _Collected(Collector):
    """Shows a snapshot to Prometheus' client."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    def collect(self) -> Iterator[Metric]:
        for family in self._snapshot:
            metric = Metric(family.name, family.text, family.kind)
            for one in family.series:
                metric.add_sample(one.name, dict(one.labels), one.value)
            yield metric
