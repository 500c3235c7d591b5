"""The figures of a lake: sizes, free disk, jobs. They are looked up for a scrape, and kept for a while."""

from __future__ import annotations

import logging
import os
import time
from pathlib import Path

import anyio
from prometheus_client import CollectorRegistry, Gauge

from headrace.errors import HeadraceError
from headrace.folders.lakes import DATABASE
from headrace.platform.core.figures import (
    database_bytes,
    jobs_by_status,
    oldest_lease,
    stored_files,
)
from headrace.platform.jobs.runner import lease_ms
from headrace.platform.platform import Platform
from headrace.threads import in_thread

KEPT_SECONDS = 10.0
"""For how long figures are kept."""

_LOOK_SECONDS = 1.0
_SHARE = 100
"""What took a second to count is kept for so many seconds: counting takes at most a hundredth of a reader's time."""

_log = logging.getLogger("headrace.server")


class LakeFigures:
    """Gauges of a lake."""

    def __init__(self, platform: Platform, registry: CollectorRegistry) -> None:
        self._platform = platform
        self._database = Gauge(
            "headrace_database_bytes",
            "Bytes of the catalog: its file (main), and the changes that are not yet in it (wal).",
            ["file"],
            registry=registry,
        )
        self._free = Gauge(
            "headrace_disk_free_bytes", "Bytes free on the disk of the lake.", registry=registry
        )
        self._disk = Gauge(
            "headrace_disk_bytes", "Bytes of the disk of the lake.", registry=registry
        )
        self._jobs = Gauge("headrace_jobs", "Jobs by status.", ["status"], registry=registry)
        self._lease = Gauge(
            "headrace_lease_age_seconds",
            "Seconds since the running job that was silent longest renewed its lease; 0 without one.",
            registry=registry,
        )
        self._registry = registry
        self._due = 0.0

    async def refresh(self) -> None:
        """Look the figures up that are due; a lake that does not answer keeps the old ones."""
        if time.monotonic() < self._due:
            return
        try:
            # A lake that hangs must not hide the other figures.
            with anyio.move_on_after(_LOOK_SECONDS):
                await self._look_up()
        except (HeadraceError, OSError) as error:
            _log.warning("figures of the lake are not up to date: %s", error)
        self._due = time.monotonic() + KEPT_SECONDS

    async def _look_up(self) -> None:
        context = self._platform.context
        main, wal, free, size = await in_thread(_on_disk, context.path)
        if context.target is not None:
            main = await database_bytes(context.database)
        self._database.labels("main").set(main)
        self._database.labels("wal").set(wal)
        self._free.set(free)
        self._disk.set(size)
        for status, count in (await jobs_by_status(context.database)).items():
            self._jobs.labels(status.lower()).set(count)
        lease = await oldest_lease(context.database)
        held = 0 if lease is None else context.clock() - (lease - lease_ms(context))
        self._lease.set(max(0, held) / 1000)

    async def count_files(self) -> None:
        """Count the files of the lake again and again, until cancelled."""
        database = self._platform.context.database
        files = size = None
        while True:
            began = time.monotonic()
            try:
                counted = await stored_files(database)
            except HeadraceError as error:
                _log.warning("the files of the lake are not counted: %s", error)
                await anyio.sleep(KEPT_SECONDS)
                continue
            if files is None or size is None:
                # Until they are counted there are no figures, rather than wrong ones.
                files = Gauge(
                    "headrace_objects", "Registered files of the lake.", registry=self._registry
                )
                size = Gauge(
                    "headrace_objects_bytes", "Bytes of these files.", registry=self._registry
                )
            files.set(counted[0])
            size.set(counted[1])
            await anyio.sleep(max(KEPT_SECONDS, _SHARE * (time.monotonic() - began)))


def _on_disk(path: Path) -> tuple[int, int, int, int]:
    """Return the bytes of the catalog's file and of its log, those free on the disk, and those of the disk."""
    disk = os.statvfs(path)
    return (
        _size(path / DATABASE),
        _size(path / f"{DATABASE}-wal"),
        disk.f_bavail * disk.f_frsize,
        disk.f_blocks * disk.f_frsize,
    )


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
