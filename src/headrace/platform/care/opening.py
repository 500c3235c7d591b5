"""Open a lake to look after it: its catalog and its objects, without the work that runs beside the calls."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio

from headrace.folders.lakes import DATABASE, OBJECTS
from headrace.platform.care.held import HeldLake
from headrace.platform.context import Context
from headrace.platform.datalake.registered import replacing_no_data, replacing_unregistered
from headrace.platform.jobs.maintenance import follow_database_clock
from headrace.platform.lake_layout import check_lake
from headrace.platform.postgres_layout import check_may_delete, check_platform
from headrace.settings import UndoPolicy
from headrace.storage.database.sqlite.database import SqliteDatabase
from headrace.storage.objects.local.store import LocalObjectStore
from headrace.storage.opening import open_stores, postgres_target
from headrace.threads import in_thread


class CareContext(Context):
    """An open lake whose catalog is a file of SQLite."""

    database: SqliteDatabase


@asynccontextmanager
async def opened_place(
    place: str | Path,
    undo: UndoPolicy | None = None,
    *,
    objects: str | os.PathLike[str] | None = None,
    deletes: bool = False,
) -> AsyncIterator[Context]:
    """Open a lake, or the database of a platform, to look after it; other processes may use it meanwhile.

    Args:
        place: The folder of the lake, or ``postgresql://…``.
        undo: How long removals are kept. Default: as without settings.
        objects: Where the platform keeps its files. Default: what the settings say.
        deletes: Files that no row names are to be deleted, so it must be certain that they are those of this database.

    Raises:
        LakeError: It is neither, or cannot be opened.
        ConfigurationError: The database or its files do not exist, or do not let this user in.
        ConnectError: The database or its files cannot be reached.
    """
    target = postgres_target(place, objects=objects)
    if target is None:
        async with opened(Path(place), undo) as lake:
            yield lake
        return
    stores = await open_stores(
        target, replacing=replacing_unregistered, replacing_in_s3=replacing_no_data
    )
    try:
        await (check_may_delete if deletes else check_platform)(stores, target)
        context = Context(stores.scratch, stores.database, stores.objects, undo, target=target)
        await follow_database_clock(context)
        try:
            await context.background.open()
            yield context
        finally:
            with anyio.CancelScope(shield=True):
                await context.background.aclose()
    finally:
        await stores.aclose()


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
