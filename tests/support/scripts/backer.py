"""Back up and restore, in small steps, from a process of its own, which a test kills."""

from __future__ import annotations

import asyncio
from pathlib import Path

import headrace
from headrace.platform.care import object_copy
from headrace.storage.database.sqlite import catalog_copy


def back_up(lake: str, backups: str, keep: int | None = None) -> None:
    """Take a snapshot; prints its id."""
    _small_steps()
    report = asyncio.run(headrace.backup_lake(lake, backups, keep=keep, progress=None))
    print(report.snapshot, flush=True)


def restore(backups: str, lake: str) -> None:
    """Restore the newest snapshot; prints its id."""
    _small_steps()
    report = asyncio.run(headrace.restore_lake(backups, lake, progress=None))
    print(report.snapshot, flush=True)


def collect(lake: str) -> None:
    """Collect garbage of more than an hour; prints "collected"."""
    asyncio.run(headrace.collect_garbage(Path(lake), older_than_hours=1, progress=None))
    print("collected", flush=True)


def _small_steps() -> None:
    object_copy.PAGE = 5
    object_copy._TOGETHER = 2
    catalog_copy._PAGES = 5
