"""Check a whole lake and mend what can be mended without loss: the database, the objects, the removals, the jobs."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

from headrace.errors import CorruptionError, DatabaseError, NotALakeError, StorageError
from headrace.folders.holders import Holding
from headrace.folders.lakes import DATABASE, OBJECTS
from headrace.platform.care.check_objects import check_objects
from headrace.platform.care.check_report import CheckFindings, CheckReport
from headrace.platform.care.check_rows import (
    check_jobs,
    check_left_overs,
    check_numbers,
    check_references,
    check_removals,
    check_uploads,
)
from headrace.platform.care.check_versions import check_versions
from headrace.platform.care.held import noted
from headrace.platform.care.open_mark import OpenMark
from headrace.platform.care.opening import opened_place
from headrace.platform.context import Context
from headrace.platform.core.audit import record_command
from headrace.platform.lake_layout import check_lake as check_layout
from headrace.storage.database.base import DatabaseMaintenance, PageChecksums
from headrace.storage.database.sqlite.database import SqliteDatabase
from headrace.storage.database.sqlite.maintenance import SqliteMaintenance
from headrace.storage.objects.local.store import LocalObjectStore
from headrace.storage.opening import postgres_target
from headrace.threads import in_thread
from headrace.transfer.progress import OnProgress, Progress

_CHECKSUM_NOTES = {
    PageChecksums.NONE: "the database was made without them; headrace check --repair adds them",
    PageChecksums.UNAVAILABLE: "they cannot be compared here, since SQLite's checksum extension is missing",
    PageChecksums.STALE: "it was written where they cannot be computed; headrace check --repair renews them",
}
_FILE_KINDS = ("database", "page", "index")


async def check_lake(
    path: str | Path,
    *,
    objects: str | os.PathLike[str] | None = None,
    read_data: bool = False,
    repair: bool = False,
    progress: OnProgress | None = None,
) -> CheckReport:
    """Check a lake; other processes may use it meanwhile.

    Args:
        path: The folder of the lake, or ``postgresql://…``.
        objects: Where a platform in a database keeps its files. Default: what the settings say.
        read_data: Read all files and compare their SHA-256.
        repair: Mend what loses nothing: counters, marks of labels, indexes, half-written files, page checksums, and
            with ``read_data`` digests of files.
        progress: Called with progress events.

    Raises:
        NotALakeError: The folder is not a lake.
        LakeVersionError: A newer headrace wrote it.
        LakeHeldError: Another machine has it open for writing.
        ConfigurationError: The files of a database are those of another one; or may be, and something is to be repaired.
    """
    if postgres_target(path, objects=objects) is not None:
        return await _check_database(path, objects, progress, read_data=read_data, repair=repair)
    folder = Path(path)
    await check_layout(folder)
    async with noted(folder) as guard:
        return await _check(folder, guard, progress, read_data=read_data, repair=repair)


async def _check_database(
    place: str | Path,
    objects: str | os.PathLike[str] | None,
    progress: OnProgress | None,
    *,
    read_data: bool,
    repair: bool,
) -> CheckReport:
    """Check a platform over PostgreSQL, which looks after its files and indexes itself."""
    findings = CheckFindings()
    with Progress("check", "rows", progress) as shown:
        async with opened_place(place, objects=objects, deletes=repair) as context:
            try:
                await _check_context(context, findings, shown, read_data=read_data, repair=repair)
            except (CorruptionError, DatabaseError) as error:
                findings.add("database", context.name, error.message)
        seconds = shown.seconds
    return findings.report(checksums=PageChecksums.NONE, seconds=seconds)


async def _check(
    path: Path,
    guard: Holding | None,
    progress: OnProgress | None,
    *,
    read_data: bool,
    repair: bool,
) -> CheckReport:
    findings = CheckFindings()
    maintenance = SqliteMaintenance(path / DATABASE)
    with Progress("check", "rows", progress) as shown:
        checksums = await _check_file(maintenance, findings, shown)
        try:
            async with _opened(path, guard) as context:
                may_repair = repair and not context.database.read_only
                await _check_context(
                    context, findings, shown, read_data=read_data, repair=may_repair
                )
        except (CorruptionError, DatabaseError, NotALakeError) as error:
            findings.add("database", DATABASE, error.message)
        else:
            await check_left_overs(path, findings, repair=may_repair)
            if may_repair:
                shown.enter("repair")
                checksums = await _repair_file(path, maintenance, findings, checksums)
        _note_checksums(findings, checksums)
        seconds = shown.seconds
    return findings.report(checksums=checksums, seconds=seconds)


async def _check_context(
    context: Context,
    findings: CheckFindings,
    shown: Progress,
    *,
    read_data: bool,
    repair: bool,
) -> None:
    """Check the rows and the objects."""
    shown.enter("versions")
    await check_versions(context, findings, shown, repair=repair)
    shown.enter("rows")
    await check_references(context, findings)
    await check_numbers(context, findings, repair=repair)
    with findings.guard("jobs"):
        await check_jobs(context, findings, repair=repair)
    with findings.guard("removals"):
        await check_removals(context, findings, shown)
    shown.enter("files")
    with findings.guard("files"):
        await check_objects(context, findings, shown, read_data=read_data, repair=repair)
        await check_uploads(context, findings, repair=repair)
    if repair:
        await record_command(context, context.database, "check", {"repair": True})


async def _check_file(
    maintenance: DatabaseMaintenance, findings: CheckFindings, shown: Progress
) -> PageChecksums:
    checksums = PageChecksums.NONE
    shown.enter("database")
    try:
        checksums = await maintenance.checksums()
        async with aclosing(maintenance.verify()) as parts:
            async for part in parts:
                findings.add_all(part.faults)
    except (CorruptionError, DatabaseError, NotALakeError) as error:
        findings.add("database", DATABASE, error.message)
    return checksums


@asynccontextmanager
async def _opened(path: Path, guard: Holding | None) -> AsyncIterator[Context]:
    """Open the catalog and the objects without the background work of a lake."""
    database = await SqliteDatabase.open(path / DATABASE, guard=guard)
    try:
        yield Context(path, database, LocalObjectStore(path / OBJECTS))
    finally:
        await database.aclose()


async def _repair_file(
    path: Path,
    maintenance: DatabaseMaintenance,
    findings: CheckFindings,
    checksums: PageChecksums,
) -> PageChecksums:
    """Make indexes again, and write the database again where its pages have no checksums, or wrong ones."""
    wrong = findings.faults["index"]
    if wrong:
        try:
            await maintenance.rebuild_indexes()
        except StorageError as error:
            findings.note("skipped", "indexes", error.message)
        else:
            findings.mend("index", wrong, "indexes made again from their tables")
    damaged = any(findings.faults[kind] > findings.mended[kind] for kind in _FILE_KINDS)
    if damaged or checksums not in (PageChecksums.NONE, PageChecksums.STALE):
        return checksums
    return await _add_checksums(path, maintenance, findings, checksums)


async def _add_checksums(
    path: Path,
    maintenance: DatabaseMaintenance,
    findings: CheckFindings,
    checksums: PageChecksums,
) -> PageChecksums:
    mark = OpenMark(path)
    try:
        await in_thread(mark.take)
        # Not while another process has the lake open: it would go on writing to the old file.
        if not mark.first:
            findings.note(
                "skipped", DATABASE, "its pages get checksums while no other process uses the lake"
            )
            return checksums
        await maintenance.add_checksums()
        after = await maintenance.checksums()
        if after is PageChecksums.VERIFIED:
            findings.repaired.append("the database is written again, with checksums on all pages")
        return after
    except StorageError as error:
        findings.note("skipped", DATABASE, error.message)
        return checksums
    finally:
        await in_thread(mark.free)


def _note_checksums(findings: CheckFindings, checksums: PageChecksums) -> None:
    message = _CHECKSUM_NOTES.get(checksums)
    if message is not None:
        findings.note("checksums", DATABASE, message)
