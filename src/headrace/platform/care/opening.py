"""Open a lake to look after it: its catalog and its objects, without the work that runs beside the calls."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio

from headrace.folders.lakes import DATABASE, OBJECTS
from headrace.platform.care.held import HeldLake
from headrace.platform.context import Context
from headrace.platform.lake_layout import check_lake
from headrace.settings import UndoPolicy
from headrace.storage.database.sqlite import SqliteDatabase
from headrace.storage.objects.local import LocalObjectStore
from headrace.threads import in_thread


class CareContext(Context):
    """An open lake whose catalog is a file of SQLite."""

    database: SqliteDatabase


@asynccontextmanager
async def opened(lake: Path, undo: UndoPolicy | None = None) -> AsyncIterator[CareContext]:
    """Open a lake; other processes of this machine may use it meanwhile.

    Args:
        lake: The folder of the lake.
        undo: How long removals are kept. Default: as without settings.

    Raises:
        LakeError: The folder is not a lake, or cannot be opened.
    """
    await check_lake(lake)
    held = await HeldLake.take(lake)
    try:
        database = await SqliteDatabase.open(lake / DATABASE, guard=held.guard)
        context = CareContext(lake, database, LocalObjectStore(lake / OBJECTS), undo)
        try:
            await context.background.open()
            context.background.start(held.keep, database)
            yield context
        finally:
            with anyio.CancelScope(shield=True):
                await context.background.aclose()
                await database.aclose()
    finally:
        with anyio.CancelScope(shield=True):
            await in_thread(held.free)
