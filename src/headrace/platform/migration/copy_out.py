"""Copy a platform from PostgreSQL into a new lake, while servers go on: the way back, and a portable backup.

The rows are those of one moment. The lake is made beside its place, and appears there when it is complete. A run after an
interruption compares the rows that are there with those of the new moment, and copies from the first difference on.
"""

from __future__ import annotations

import time
from pathlib import Path

import anyio

from headrace.errors import LakeError
from headrace.folders.lakes import DATABASE, OBJECTS
from headrace.platform.care.backups.draft import DraftLake
from headrace.platform.care.opening import opened
from headrace.platform.core.audit import record_command
from headrace.platform.migration.files import FileCopy, OnError, save_removals
from headrace.platform.migration.jobs import check_no_job
from headrace.platform.migration.move_in import check_has_files
from headrace.platform.migration.report import MigrationReport
from headrace.platform.migration.rows import CopiedRows, RowCopy
from headrace.platform.postgres_layout import check_platform
from headrace.storage.database.bulk import Migration
from headrace.storage.database.postgres.catalog_reader import PostgresReader
from headrace.storage.database.queries import migrations
from headrace.storage.database.sqlite.bulk import SqliteWriter
from headrace.storage.database.sqlite.database import SqliteDatabase
from headrace.storage.objects.local.store import LocalObjectStore
from headrace.storage.opening import PostgresStores, PostgresTarget, open_stores
from headrace.threads import in_thread
from headrace.transfer.progress import OnProgress, Progress


async def copy_platform(
    source: PostgresTarget,
    lake: Path,
    *,
    on_error: OnError = "raise",
    progress: OnProgress | None = None,
) -> MigrationReport:
    """Copy a platform into a new lake; the same call continues after an interruption.

    Args:
        source: The platform, with its files.
        lake: A folder that does not exist yet or is empty; an absolute path.
        on_error: What to do about files that the platform lacks or has damaged: raise an error, or go on without them.
        progress: Called with progress events.

    Raises:
        LakeError: The folder is in use, or lies in a lake; or the database holds no platform.
        LakeBusyError: A job of the platform runs.
        ConfigurationError: The database or the store does not exist, or does not let this user in.
        ConnectError: One of them cannot be reached.
        CorruptionError: What has arrived is not what was sent.
        StorageError: The lake cannot be written, or files of the platform are missing.
    """
    began = time.monotonic()
    check_has_files(source)
    stores = await open_stores(source)
    try:
        await check_platform(stores, source)
        reader = await PostgresReader.open(source.dsn)
        try:
            draft = DraftLake(lake, "migrate", reader.catalog.hex)
            await in_thread(draft.check_place)
            await check_no_job(stores.database, source.name)
            async with draft.held():
                copied, files, lost = await _make(draft, reader, stores, source, on_error, progress)
        finally:
            await reader.aclose()
    finally:
        await stores.aclose()
    async with opened(lake) as context:
        await record_command(context, context.database, "migrate", {"name": source.name})
    report = MigrationReport(
        source=source.name,
        target=str(lake),
        rows=copied.rows,
        digest=copied.digest,
        seconds=time.monotonic() - began,
    )
    return files.added_to(report, lost)


async def _make(
    draft: DraftLake,
    reader: PostgresReader,
    stores: PostgresStores,
    source: PostgresTarget,
    on_error: OnError,
    progress: OnProgress | None,
) -> tuple[CopiedRows, FileCopy, int]:
    await in_thread(draft.begin)
    writer = await _open_draft(draft, reader)
    try:
        copied = await _copy_rows(reader, writer, progress)
        await writer.complete()
        # The snapshot keeps the database from cleaning up, and is not needed any more.
        await reader.aclose()
        database = await SqliteDatabase.open(draft.catalog)
        try:
            target = await LocalObjectStore.open(draft.folder / OBJECTS)
            with Progress("migrate", "files", progress, phase="files") as shown:
                files = FileCopy(database, stores.objects, target, shown)
                await files.run(on_error)
            # As of the same moment as the rows.
            await check_no_job(database, source.name)
            lost = await save_removals(database, stores.database, draft.folder)
        finally:
            with anyio.CancelScope(shield=True):
                await database.aclose()
        await writer.drop_ledger()
    finally:
        with anyio.CancelScope(shield=True):
            await writer.aclose()
    await in_thread(draft.publish)
    return copied, files, lost


async def _open_draft(draft: DraftLake, reader: PostgresReader) -> SqliteWriter:
    """Open the catalog of a draft: that of an earlier run of this version of headrace, or a new one."""
    migration = Migration(id=str(reader.catalog), schema=len(migrations("sqlite")))
    if await in_thread(draft.catalog.exists):
        writer = await SqliteWriter.open(draft.catalog)
        try:
            if await writer.migration() == migration:
                return writer
        except LakeError:
            pass  # it was complete, and a moment later than now is wanted
        except BaseException:
            await writer.aclose()
            raise
        await writer.aclose()
    await in_thread(_remove_catalog, draft)
    await SqliteDatabase.create(draft.catalog)
    writer = await SqliteWriter.open(draft.catalog)
    try:
        await writer.begin(migration)
    except BaseException:
        with anyio.CancelScope(shield=True):
            await writer.aclose()
        raise
    return writer


def _remove_catalog(draft: DraftLake) -> None:
    for path in (draft.catalog, draft.folder / DATABASE):
        for suffix in ("", "-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)


async def _copy_rows(
    reader: PostgresReader, writer: SqliteWriter, progress: OnProgress | None
) -> CopiedRows:
    tables = await writer.tables()
    await reader.check_tables(tables)
    with Progress("migrate", "rows", progress, phase="rows") as shown:
        copy = RowCopy(reader, writer, tables, shown)
        await copy.run(unchanged=False)
        shown.enter("verify")
        shown.total, shown.done = shown.done, 0
        return await copy.verify()
