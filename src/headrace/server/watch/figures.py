"""The figures of one process: of its requests, its event loop, its waits, and of the lake."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import anyio
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector

from headrace._version import __version__
from headrace.platform.platform import Platform
from headrace.server.limits.connections import ENDINGS, Connections
from headrace.server.middleware import RequestDrain
from headrace.server.watch.lake_figures import LakeFigures
from headrace.server.watch.logs import lost_lines
from headrace.server.watch.snapshot import Family, Series, Snapshot
from headrace.storage.opening import PostgresStores

REQUEST_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
WAIT_BUCKETS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0)
_LOOK_SECONDS = 0.1


class _OfOperation(NamedTuple):
    """The series of one operation."""

    seconds: Histogram
    received: Counter
    sent: Counter


class _Followed:
    """A counter that follows a number which is counted elsewhere and only grows."""

    def __init__(self, counter: Counter, read: Callable[[], int]) -> None:
        self._counter = counter
        self._read = read
        self._last = 0

    def follow(self) -> None:
        """Count what came since."""
        number = self._read()
        self._counter.inc(number - self._last)
        self._last = number


class ServerFigures:
    """Counts what one process of a server does.

    The labels are the names of operations, statuses and states, so there is a bounded number of series.
    """

    def __init__(self, platform: Platform) -> None:
        registry = self._registry = CollectorRegistry()
        self._lake = LakeFigures(platform, registry)
        by_operation = ["operation"]
        self._requests = Counter(
            "headrace_requests",
            "Requests that ended, by operation and status; 499: the client was gone before the response.",
            ["operation", "status"],
            registry=registry,
        )
        self._seconds = Histogram(
            "headrace_request_seconds",
            "Seconds from the head of a request to the end of its response.",
            by_operation,
            registry=registry,
            buckets=REQUEST_BUCKETS,
        )
        self._received = Counter(
            "headrace_received_bytes",
            "Bytes of bodies of requests.",
            by_operation,
            registry=registry,
        )
        self._sent = Counter(
            "headrace_sent_bytes", "Bytes of responses.", by_operation, registry=registry
        )
        self._lag = Histogram(
            "headrace_event_loop_lag_seconds",
            "Seconds by which the event loop was late, looked at ten times a second.",
            registry=registry,
            buckets=WAIT_BUCKETS,
        )
        self._writer_wait = Histogram(
            "headrace_writer_wait_seconds",
            "Seconds that a write waited for other writes, of this process and of others.",
            registry=registry,
            buckets=WAIT_BUCKETS,
        )
        self._connections = Gauge(
            "headrace_open_connections", "Connections that are open.", registry=registry
        )
        self._active = Gauge(
            "headrace_active_requests", "Requests that are being answered.", registry=registry
        )
        self._job_retries = Counter(
            "headrace_job_retries",
            "Runs of jobs that an error ended and that are repeated.",
            registry=registry,
        )
        lost = Counter(
            "headrace_log_lines_lost", "Lines of logs that could not be written.", registry=registry
        )
        repeats = Counter(
            "headrace_repeated_calls",
            "Calls that a client repeated after it had lost the answer, and that were answered as before.",
            registry=registry,
        )
        self._ended = Counter(
            "headrace_ended_connections",
            "Connections that were refused, or ended since their client took too long.",
            ["reason"],
            registry=registry,
        )
        context = platform.context
        self._followed = [
            _Followed(lost, lost_lines),
            _Followed(repeats, lambda: context.repeats.count),
        ]
        Gauge("headrace_processes", "Processes that answer.", registry=registry).set(1)
        starts = Counter("headrace_process_starts", "Starts of processes.", registry=registry)
        starts.inc()
        build = Gauge(
            "headrace_build_info", "The version that runs.", ["version"], registry=registry
        )
        build.labels(__version__).set(1)
        ProcessCollector(registry=registry)
        self._by_operation: dict[str, _OfOperation] = {}
        self._by_status: dict[tuple[str, int], Counter] = {}
        platform.context.background.start(self._watch_loop)
        platform.context.background.start(self._lake.count_files)
        platform.context.database.watch_writes(self._writer_wait.observe)
        if platform.stores is not None:
            self._watch_waits(platform.stores)
        platform.jobs.watch_retries(self._job_retries.inc)

    def _watch_waits(self, stores: PostgresStores) -> None:
        """Observe the waits for connections to PostgreSQL, and for its locks."""
        pool = Histogram(
            "headrace_pool_wait_seconds",
            "Seconds that a statement waited for a connection to the database, by what it is for.",
            ["pool"],
            registry=self._registry,
            buckets=WAIT_BUCKETS,
        )
        lock = Histogram(
            "headrace_lock_wait_seconds",
            "Seconds that a transaction waited for the locks of others, by what is locked.",
            ["lock"],
            registry=self._registry,
            buckets=WAIT_BUCKETS,
        )
        of_group = {"pool": pool, "lock": lock}

        def observe(kind: str, seconds: float) -> None:
            group, _, name = kind.partition(" ")
            of_group[group].labels(name).observe(seconds)

        stores.database.watch_waits(observe)

    def watch(self, connections: Connections, drain: RequestDrain) -> None:
        """Tell of these connections, and of the requests that are being answered."""
        self._connections.set_function(lambda: len(connections.open))
        self._active.set_function(lambda: drain.active)
        for reason in ENDINGS:
            counter = self._ended.labels(reason)
            self._followed.append(
                _Followed(counter, partial(connections.ended.__getitem__, reason))
            )

    def request_ended(
        self, operation: str, status: int, received: int, sent: int, seconds: float
    ) -> None:
        """Count a request; ``received`` are bytes of its body, ``sent`` those of the response with its head."""
        counter = self._by_status.get((operation, status))
        if counter is None:
            counter = self._requests.labels(operation, str(status))
            self._by_status[operation, status] = counter
        counter.inc()
        series = self._by_operation.get(operation)
        if series is None:
            series = self._by_operation[operation] = _OfOperation(
                self._seconds.labels(operation),
                self._received.labels(operation),
                self._sent.labels(operation),
            )
        series.seconds.observe(seconds)
        series.received.inc(received)
        series.sent.inc(sent)

    async def _watch_loop(self) -> None:
        """Observe how late the event loop is, until cancelled."""
        while True:
            began = time.perf_counter()
            await anyio.sleep(_LOOK_SECONDS)
            self._lag.observe(max(0.0, time.perf_counter() - began - _LOOK_SECONDS))

    async def snapshot(self) -> Snapshot:
        """Return all figures of this process."""
        await self._lake.refresh()
        for each in self._followed:
            each.follow()
        return [
            Family(
                family.name,
                family.documentation,
                family.type,
                [
                    Series(one.name, tuple(one.labels.items()), one.value)
                    for one in family.samples
                    # When a process began to count would be a sum of times.
                    if not one.name.endswith("_created")
                ],
            )
            for family in self._registry.collect()
        ]
