"""Migrate in small steps, and die before or after one of them; for a process that a test starts."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from typing import Any

import headrace
from headrace.platform.care import object_copy
from headrace.platform.care.backups.draft import DraftLake
from headrace.platform.migration import move_in, rows
from headrace.storage.database.postgres import catalog_reader, catalog_writer
from headrace.storage.database.postgres.catalog_writer import PostgresWriter
from headrace.storage.database.sqlite import bulk as sqlite_bulk
from headrace.storage.database.sqlite.bulk import SqliteWriter


class _Steps:
    """Counts the steps, and kills this process at one of them."""

    def __init__(self, fatal: int) -> None:
        self._fatal = fatal
        self.count = 0

    def step(self) -> None:
        """Count a step."""
        self.count += 1
        if self.count == self._fatal:
            os.kill(os.getpid(), signal.SIGKILL)

    def around(self, owner: Any, name: str) -> None:
        """Make a step before and after each call of a function."""
        function: Callable[..., Any] = getattr(owner, name)
        if asyncio.iscoroutinefunction(function):

            async def called(*args: Any, **kwargs: Any) -> Any:
                self.step()
                result = await function(*args, **kwargs)
                self.step()
                return result

            setattr(owner, name, called)
            return

        def plainly(*args: Any, **kwargs: Any) -> Any:
            self.step()
            result = function(*args, **kwargs)
            self.step()
            return result

        setattr(owner, name, plainly)


def move(source: str, target: str, objects: str, fatal: int) -> None:
    """Migrate; the process dies at step number ``fatal``. Prints how many steps there were if it lives."""
    steps = _Steps(fatal)
    rows.CHUNK_ROWS = 10  # type: ignore[misc]
    for module in (catalog_reader, sqlite_bulk):
        module.BATCH_ROWS = 4  # type: ignore[misc]
    object_copy.PAGE = 4
    object_copy._TOGETHER = 2
    for writer in (PostgresWriter, SqliteWriter):
        for name in ("begin", "write", "complete", "drop_ledger"):
            steps.around(writer, name)
    steps.around(move_in, "write_mark")
    steps.around(move_in, "write_moved")
    steps.around(object_copy.ObjectCopier, "_store")
    steps.around(DraftLake, "publish")
    # In the middle of a chunk: its first rows are written.
    steps.around(catalog_writer, "with_derived")
    steps.around(sqlite_bulk, "_insert")
    asyncio.run(headrace.migrate_lake(source, target, objects=objects, progress=None))
    print(steps.count, flush=True)
