"""A platform over PostgreSQL: how it is made, and how its database and its files are compared whenever it is opened."""

from __future__ import annotations

import logging
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

import anyio

from headrace.errors import BadRequestError, LakeError, NotALakeError
from headrace.folders.lakes import STORE_MARK
from headrace.model.ids import Kind, encode
from headrace.platform.lake_layout import fill_catalog
from headrace.platform.store_mark import (
    Owner,
    StoreMark,
    check_complete,
    check_mark,
    complete_mark,
    read_mark,
    write_mark,
)
from headrace.storage.database.base import Statements
from headrace.storage.objects.base import ObjectStore
from headrace.storage.objects.local.store import STORE_FOLDERS
from headrace.storage.objects.nested import NestedStores
from headrace.storage.objects.none import NoObjectStore
from headrace.storage.opening import (
    PostgresStores,
    PostgresTarget,
    check_files_named,
    check_outside,
    migrate_schema,
    open_database,
    open_objects,
)
from headrace.threads import in_thread

if TYPE_CHECKING:
    from headrace.storage.database.postgres.database import PostgresDatabase


log = logging.getLogger("headrace.platform")


async def create_platform(target: PostgresTarget) -> None:
    """Make a platform in an empty database and an empty store. Nothing is left half-made: a repetition completes it.

    Raises:
        MissingExtraError: A package is missing.
        ConfigurationError: The database or the store does not exist, or does not let this user in.
        ConnectError: One of them cannot be reached.
        LakeError: One of them is not empty.
    """
    check_files_named(target)
    await _check_new(target)
    made = await in_thread(_missing_folders, target.folder)
    try:
        objects = await open_objects(target, create=True)
        try:
            await check_empty(objects, target)
            await migrate_schema(target)
            database = await open_database(target)
            try:
                await _make(database, objects, target)
            finally:
                with anyio.CancelScope(shield=True):
                    await database.aclose()
        finally:
            with anyio.CancelScope(shield=True):
                await objects.aclose()
    except BaseException:
        with anyio.CancelScope(shield=True):
            await in_thread(_remove_folders, made)
        raise


async def _check_new(target: PostgresTarget) -> None:
    """Raise :class:`LakeError` for a database that holds something, before anything is made."""
    found, known = await migrate_schema(target, dry_run=True)
    if found == known:
        database = await open_database(target)
        try:
            await _check_none(database, target)
        finally:
            with anyio.CancelScope(shield=True):
                await database.aclose()


async def _check_none(statements: Statements, target: PostgresTarget) -> None:
    if await platform_of(statements) is not None:
        raise LakeError(
            f"{target.name} holds a platform already", hint="use it, or choose an empty database"
        )


def _missing_folders(folder: Path | None) -> list[Path]:
    """Return the folders that opening the store of the files will make, the innermost first."""
    if folder is None:
        return []
    inside = [folder / name for name in STORE_FOLDERS]
    return [each for each in (*inside, folder, *folder.parents) if not each.exists()]


def _remove_folders(made: list[Path]) -> None:
    """Remove the folders that were made for a platform that was not; what others put into one keeps it."""
    for folder in made:
        with suppress(OSError):
            folder.rmdir()


async def check_platform(stores: PostgresStores, target: PostgresTarget) -> StoreMark | None:
    """Check that a database holds a platform, and that the store is the one of this database.

    Returns the mark of the store; None where the files are not named.

    Raises:
        NotALakeError: The database holds no platform.
        ConfigurationError: The files are those of another database, or of none.
    """
    owner = await owner_of(stores.database)
    if owner is None:
        raise NotALakeError(
            f"{target.name} holds no platform", hint=f"make one: headrace init {target.name}"
        )
    if isinstance(stores.objects, NoObjectStore):
        return None
    mark = await check_mark(stores.objects, owner, target)
    if mark.catalog is None:
        log.warning(
            "%s was marked by an older headrace: run headrace migrate-schema %s",
            target.objects_name,
            target.name,
        )
    return mark


async def check_may_delete(stores: PostgresStores, target: PostgresTarget) -> None:
    """Do what :func:`check_platform` does, for those who delete files that no row of the database names.

    Raises:
        NotALakeError: The database holds no platform.
        ConfigurationError: The files are those of another database, or may be.
    """
    mark = await check_platform(stores, target)
    if mark is not None:
        check_complete(mark, target)


async def complete_platform(
    target: PostgresTarget, *, claim: bool = False, dry_run: bool = False
) -> bool:
    """Complete the mark of a platform's files; see :func:`~headrace.platform.store_mark.complete_mark`.

    Returns whether there was something to do; not where no platform is in the database, or its files are not named.
    """
    if target.objects is None:
        return False
    database = await open_database(target)
    try:
        owner = await owner_of(database)
        if owner is None:
            return False
        objects = await open_objects(target)
        try:
            return await complete_mark(objects, owner, target, claim=claim, dry_run=dry_run)
        finally:
            with anyio.CancelScope(shield=True):
                await objects.aclose()
    finally:
        with anyio.CancelScope(shield=True):
            await database.aclose()


async def check_empty(objects: ObjectStore, target: PostgresTarget) -> None:
    """Raise :class:`LakeError` unless the store is empty, or holds only the mark of an attempt that was interrupted."""
    async for batch in objects.listed():
        for each in batch:
            mark = await read_mark(objects) if each.name == STORE_MARK else None
            if mark is None or mark.database != target.name:
                await _check_none_inside(objects, each.name, target)
                raise LakeError(
                    f"{target.objects_name} is not empty",
                    hint="choose an empty place for the files",
                )


async def _check_none_inside(objects: ObjectStore, name: str, target: PostgresTarget) -> None:
    """Raise :class:`LakeError` where an object belongs to a store inside this one."""
    with suppress(BadRequestError):  # a key that no platform can have given
        for folder in (await NestedStores(objects.heads).around([name])).values():
            raise LakeError(
                f"{target.objects_name} contains the place of another platform's files, {folder}",
                hint="choose a place that contains none",
            )


async def _make(database: PostgresDatabase, objects: ObjectStore, target: PostgresTarget) -> None:
    now = time.time_ns() // 1_000_000
    # The mark is written before the commit: another attempt waits at the lock, and finds what this one has made.
    async with database.transaction() as tx:
        if await platform_of(tx) is not None:
            raise LakeError(
                f"{target.name} holds a platform already",
                hint="use it, or choose an empty database",
            )
        await fill_catalog(tx, now)
        platform = encode(Kind.ORGANIZATION, now, 0, 1)
        await _claim(objects, Owner(platform=platform, catalog=database.catalog), target)


async def _claim(objects: ObjectStore, owner: Owner, target: PostgresTarget) -> None:
    """Mark an empty store, unless another platform takes it, or a place around or inside it, at the same moment."""
    await write_mark(objects, owner, target)
    try:
        await check_outside(objects, target)
        await check_empty(objects, target)
    except LakeError:
        mark = await read_mark(objects)
        if mark is not None and mark.catalog == owner.catalog:
            await objects.delete([STORE_MARK])
        raise


async def platform_of(statements: Statements) -> UUID | None:
    """Return the id of a platform, that of its first organization; None for an empty catalog."""
    for no, _, created in await statements.fetch("accounts.organizations"):
        return encode(Kind.ORGANIZATION, created, 0, no)
    return None


async def owner_of(database: PostgresDatabase) -> Owner | None:
    """Return the platform of a database; None for an empty catalog."""
    platform = await platform_of(database)
    return None if platform is None else Owner(platform=platform, catalog=database.catalog)
