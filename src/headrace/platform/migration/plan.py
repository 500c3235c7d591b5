"""Say what a migration would copy, without writing anything."""

from __future__ import annotations

import time
from pathlib import Path

from headrace.errors import LakeError, NotALakeError
from headrace.folders.lakes import DATABASE
from headrace.folders.moved import moved_to
from headrace.platform.care.backups.draft import DraftLake
from headrace.platform.care.opening import opened
from headrace.platform.migration.files import FileCopy
from headrace.platform.migration.jobs import check_no_job
from headrace.platform.migration.move_in import check_has_files
from headrace.platform.migration.report import MigrationReport
from headrace.platform.postgres_layout import check_platform
from headrace.storage.database.base import Statements
from headrace.storage.database.postgres.catalog_reader import PostgresReader
from headrace.storage.database.postgres.catalog_writer import PostgresWriter
from headrace.storage.database.sqlite.bulk import SqliteReader
from headrace.storage.objects.base import ObjectStore
from headrace.storage.opening import PostgresTarget, open_stores
from headrace.threads import in_thread
from headrace.transfer.progress import OnProgress, Progress


async def plan_move(
    lake: Path, target: PostgresTarget, *, progress: OnProgress | None = None
) -> MigrationReport:
    """Count what :func:`~headrace.platform.migration.move_in.move_lake` would copy.

    Raises:
        LakeError: The folder is not a lake, or has moved; or the database is not empty.
        ConfigurationError: The database does not exist, or does not let this user in.
        ConnectError: It cannot be reached.
    """
    check_has_files(target)
    moved = await in_thread(moved_to, lake)
    if moved is not None and (moved.complete or moved.target != target.name):
        raise LakeError(moved.sentence(lake), hint=moved.cure(lake))
    await _check_database(target)
    async with opened(lake) as context:
        await check_no_job(context.database, str(lake))
        reader = await SqliteReader.open(lake / DATABASE)
        try:
            rows = await reader.count(await reader.tables())
        finally:
            await reader.aclose()
        return await _counted(
            MigrationReport(source=str(lake), target=target.name, rows=rows),
            context.database,
            context.objects,
            progress,
        )


async def plan_copy(
    source: PostgresTarget, lake: Path, *, progress: OnProgress | None = None
) -> MigrationReport:
    """Count what :func:`~headrace.platform.migration.copy_out.copy_platform` would copy.

    Raises:
        LakeError: The folder is in use, or lies in a lake; or the database holds no platform.
        ConfigurationError: The database or the store does not exist, or does not let this user in.
        ConnectError: One of them cannot be reached.
    """
    check_has_files(source)
    await in_thread(DraftLake(lake, "migrate", "").check_place)
    stores = await open_stores(source)
    try:
        await check_platform(stores, source)
        await check_no_job(stores.database, source.name)
        reader = await PostgresReader.open(source.dsn)
        try:
            rows = await reader.count()
        finally:
            await reader.aclose()
        return await _counted(
            MigrationReport(source=source.name, target=str(lake), rows=rows),
            stores.database,
            stores.objects,
            progress,
        )
    finally:
        await stores.aclose()


async def _check_database(target: PostgresTarget) -> None:
    """Check that a database can take a lake: it is empty, or holds an unfinished migration."""
    try:
        writer = await PostgresWriter.open(target.dsn)
    except NotALakeError:
        return  # its schema is made when it is needed
    try:
        await writer.migration()
    finally:
        await writer.aclose()


async def _counted(
    report: MigrationReport,
    statements: Statements,
    objects: ObjectStore,
    progress: OnProgress | None,
) -> MigrationReport:
    began = time.monotonic()
    with Progress("migrate", "files", progress, phase="files") as shown:
        files = FileCopy(statements, objects, objects, shown)
        await files.count()
    return MigrationReport(
        source=report.source,
        target=report.target,
        rows=report.rows,
        files=files.files,
        bytes=files.bytes,
        copied=files.files,
        copied_bytes=files.bytes,
        seconds=time.monotonic() - began,
    )
