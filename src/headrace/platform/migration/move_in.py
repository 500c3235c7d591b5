"""Move a lake into a PostgreSQL database and a store of objects.

    1  the lake is set aside: a file in its folder says that it moves, and from then on it is only read
    2  the rows are copied in chunks, and read again from the database and compared
    3  the objects are copied that the store does not have with their size and digest
    4  the file in the folder says that the lake has moved, and the store is marked as that of the platform

Each step can be repeated, so the same command continues after an interruption. Servers refuse the database until the store
has its mark, and while rows are copied the database lets no other process change anything.
"""

from __future__ import annotations

import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from uuid import UUID, uuid4

import anyio
from msgspec.structs import replace

from headrace.errors import (
    ConfigurationError,
    LakeBusyError,
    LakeError,
    NotALakeError,
    ReadOnlyLakeError,
)
from headrace.folders.lakes import DATABASE, OBJECTS, STORE_MARK
from headrace.folders.moved import MovedLake, moved_to, write_moved
from headrace.platform.care.open_mark import OpenMark
from headrace.platform.care.opening import opened, opened_place
from headrace.platform.core.audit import record_command
from headrace.platform.lake_layout import check_lake
from headrace.platform.migration.files import FileCopy, OnError, load_removals
from headrace.platform.migration.jobs import check_no_job
from headrace.platform.migration.report import MigrationReport
from headrace.platform.migration.rows import CopiedRows, RowCopy
from headrace.platform.postgres_layout import check_empty, platform_of
from headrace.platform.store_mark import Owner, read_mark, write_mark
from headrace.storage.database.base import Statements
from headrace.storage.database.bulk import Migration
from headrace.storage.database.postgres.catalog_writer import PostgresWriter
from headrace.storage.database.queries import migrations
from headrace.storage.database.sqlite import catalog_file
from headrace.storage.database.sqlite.bulk import SqliteReader
from headrace.storage.database.sqlite.database import SqliteDatabase
from headrace.storage.objects.base import ObjectStore
from headrace.storage.objects.local.store import STORE_FOLDERS, LocalObjectStore
from headrace.storage.opening import (
    PostgresTarget,
    migrate_schema,
    open_database,
    open_objects,
)
from headrace.threads import in_thread
from headrace.transfer.progress import OnProgress, Progress


async def move_lake(
    lake: Path,
    target: PostgresTarget,
    *,
    on_error: OnError = "raise",
    progress: OnProgress | None = None,
) -> MigrationReport:
    """Move a lake; the same call continues after an interruption.

    Args:
        lake: The folder of the lake, an absolute path. No process may have it open.
        target: An empty database, and an empty place for the files.
        on_error: What to do about files that the lake lacks or has damaged: raise an error, or go on without them.
        progress: Called with progress events.

    Raises:
        LakeError: The folder is not a lake, or moves elsewhere; or the target is not empty.
        LakeBusyError: Another process has the lake open, or a job of it runs; or the target is written to.
        ConfigurationError: The database or the store does not exist, or does not let this user in.
        ConnectError: One of them cannot be reached.
        CorruptionError: What has arrived is not what was sent.
        StorageError: Files of the lake are missing.
    """
    began = time.monotonic()
    await check_lake(lake)
    check_has_files(target)
    moved = await in_thread(moved_to, lake)
    if moved is not None and moved.target != target.name:
        raise LakeError(moved.sentence(lake), hint=moved.cure(lake))
    if moved is not None and moved.objects.rstrip("/") != target.objects_name.rstrip("/"):
        raise LakeError(
            f"{moved.sentence(lake)}, with its files in {moved.objects} and not in {target.objects_name}",
            hint=moved.cure(lake),
        )
    async with _open_database(target, moved) as writer:
        if moved is not None and moved.complete:
            await _check_moved(writer, moved)
            report = _report(lake, target, moved)
        else:
            report = await _copy(lake, moved, target, writer, on_error, progress)
        if finishes := await writer.has_ledger():
            await _let_servers_in(lake, writer.catalog, target)
            await writer.drop_ledger()
    if finishes:
        await _record(target, lake)
    return replace(report, seconds=time.monotonic() - began)


async def _copy(
    lake: Path,
    moved: MovedLake | None,
    target: PostgresTarget,
    writer: PostgresWriter,
    on_error: OnError,
    progress: OnProgress | None,
) -> MigrationReport:
    """Copy everything, and note in the lake that it has moved."""
    held = await writer.migration()
    _check_ours(target, moved, held)
    async with _open_files(target, moved) as objects:
        if moved is None:
            moved = await _set_aside(lake, target)
        # Until the end, no platform is the owner.
        await write_mark(objects, Owner(platform=UUID(moved.id), catalog=writer.catalog), target)
        if held is None:
            await writer.begin(Migration(id=moved.id, schema=_schema()))
        copied = await _copy_rows(lake, writer, progress)
        database = await SqliteDatabase.open(lake / DATABASE)
        try:
            with Progress("migrate", "files", progress, phase="files") as shown:
                files = FileCopy(database, LocalObjectStore(lake / OBJECTS), objects, shown)
                await files.run(on_error)
            await writer.complete()
            # No server changes anything: the files are not marked as those of the platform yet.
            await writer.release()
            lost = await _load_removals(database, lake, target)
        finally:
            with anyio.CancelScope(shield=True):
                await database.aclose()
    moved = replace(moved, complete=True, rows=copied.rows, digest=copied.digest)
    await in_thread(write_moved, lake, moved)
    return files.added_to(_report(lake, target, moved), lost)


async def _let_servers_in(lake: Path, catalog: UUID, target: PostgresTarget) -> None:
    """Mark the files as those of the platform.

    Raises:
        ConfigurationError: These are not the files that were copied.
    """
    moved = await in_thread(moved_to, lake)
    database = await SqliteDatabase.open(lake / DATABASE)
    try:
        platform = await platform_of(database)
    finally:
        with anyio.CancelScope(shield=True):
            await database.aclose()
    assert platform is not None
    assert moved is not None
    objects = await open_objects(target)
    try:
        mark = await read_mark(objects)
        if mark is None or (mark.platform != UUID(moved.id) and mark.catalog != catalog):
            raise ConfigurationError(
                f"{target.objects_name} does not hold the files that were copied",
                hint=f"name {moved.objects}",
            )
        await write_mark(objects, Owner(platform=platform, catalog=catalog), target)
    finally:
        with anyio.CancelScope(shield=True):
            await objects.aclose()


def check_has_files(target: PostgresTarget) -> None:
    """Check that a platform was given a place for its files.

    Raises:
        ConfigurationError: It was not.
    """
    if target.objects is None:
        raise ConfigurationError(
            f"{target.name} needs a place for its files",
            hint="name s3://bucket/prefix or a folder by objects= or HEADRACE_OBJECTS",
        )


@asynccontextmanager
async def _open_database(
    target: PostgresTarget, moved: MovedLake | None
) -> AsyncIterator[PostgresWriter]:
    try:
        writer = await PostgresWriter.open(target.dsn)
    except NotALakeError:
        # Tables are made when nothing else is in the way.
        await migrate_schema(target, dry_run=True)
        await _check_files(target, moved)
        await migrate_schema(target)
        writer = await PostgresWriter.open(target.dsn)
    try:
        yield writer
    finally:
        await writer.aclose()


@asynccontextmanager
async def _open_files(
    target: PostgresTarget, moved: MovedLake | None
) -> AsyncIterator[ObjectStore]:
    """Open the place of the files, which is empty or has been marked by this migration."""
    if target.folder is not None:
        await in_thread(_check_folder, target.folder)
    objects = await open_objects(target, create=True)
    try:
        mark = await read_mark(objects)
        if moved is None or mark is None or mark.platform != UUID(moved.id):
            await check_empty(objects, target)
        yield objects
    finally:
        with anyio.CancelScope(shield=True):
            await objects.aclose()


async def _check_files(target: PostgresTarget, moved: MovedLake | None) -> None:
    """Check the place of the files, and make nothing there."""
    if target.folder is not None:
        await in_thread(_check_folder, target.folder)
    else:
        async with _open_files(target, moved):
            pass


def _check_folder(folder: Path) -> None:
    """Check that a folder is empty or one for files, before anything is made in it."""
    with suppress(FileNotFoundError):
        names = {*os.listdir(folder)}
        if STORE_MARK not in names and names - {*STORE_FOLDERS}:
            raise LakeError(f"{folder} is not empty", hint="choose an empty place for the files")


def _schema() -> int:
    """Return the version of the rows. The two databases have migrations of their own, made together."""
    return len(migrations("sqlite"))


def _check_ours(target: PostgresTarget, moved: MovedLake | None, held: Migration | None) -> None:
    """Check that what a database holds is from an earlier run of this migration."""
    if held is None:
        return
    if moved is None or moved.id != held.id:
        raise LakeError(
            f"{target.name} holds an unfinished migration of another lake",
            hint="complete that one, or move this lake into a new database: createdb NAME",
        )
    if held.schema != _schema():
        raise LakeError(
            f"{target.name} holds an unfinished migration by another version of headrace",
            hint="use that version, or begin again with a new database: createdb NAME",
        )


async def _check_moved(writer: PostgresWriter, moved: MovedLake) -> None:
    """Check that a database is the one that a lake has moved to."""
    held = None
    try:
        held = await writer.migration()
    except LakeError:
        return  # it has rows and no ledger
    if held is None or held.id != moved.id:
        raise LakeError(
            f"the lake has moved to {moved.target}, and that database does not hold it",
            hint="restore the database, or make the lake writable again: headrace migrate LAKE --reopen",
        )


async def _set_aside(lake: Path, target: PostgresTarget) -> MovedLake:
    async with opened(lake) as context:
        if context.database.read_only:
            raise ReadOnlyLakeError(
                f"the lake {lake} cannot be written, so it cannot be marked as moved",
                hint="check who owns it, or move a copy of it",
            )
        await check_no_job(context.database, str(lake))
        await record_command(context, context.database, "migrate", {"name": target.name})
        now = context.clock()
    moved = MovedLake(id=str(uuid4()), target=target.name, objects=target.objects_name, since=now)
    await in_thread(_mark_as_moving, lake, moved)
    return moved


def _mark_as_moving(lake: Path, moved: MovedLake) -> None:
    mark = OpenMark(lake)
    mark.take()
    try:
        if mark.others or catalog_file.unchanging(lake / DATABASE) is None:
            raise LakeBusyError(
                f"another process has the lake {lake} open",
                hint="stop its servers and the programs that use it, and run this again",
            )
        write_moved(lake, moved)
    finally:
        mark.free()


async def _copy_rows(lake: Path, writer: PostgresWriter, progress: OnProgress | None) -> CopiedRows:
    reader = await SqliteReader.open(lake / DATABASE)
    try:
        tables = await reader.tables()
        await writer.check_tables(tables)
        with Progress("migrate", "rows", progress, phase="rows") as shown:
            copy = RowCopy(reader, writer, tables, shown)
            # Nothing changes a lake that was set aside.
            await copy.run(unchanged=True)
            shown.enter("verify")
            shown.total, shown.done = shown.done, 0
            return await copy.verify()
    finally:
        await reader.aclose()


async def _load_removals(statements: Statements, lake: Path, target: PostgresTarget) -> int:
    database = await open_database(target)
    try:
        return await load_removals(statements, lake, database)
    finally:
        with anyio.CancelScope(shield=True):
            await database.aclose()


async def _record(target: PostgresTarget, lake: Path) -> None:
    async with opened_place(target.dsn, objects=target.objects) as context:
        await record_command(context, context.database, "migrate", {"name": str(lake)})


def _report(lake: Path, target: PostgresTarget, moved: MovedLake) -> MigrationReport:
    return MigrationReport(
        source=str(lake), target=target.name, rows=moved.rows, digest=moved.digest
    )
