"""A platform over PostgreSQL: how it is made, and how its database and its files know each other.

The store of the files holds a mark, :data:`MARK`, with the id of the platform's first organization. The mark is compared
whenever a platform is opened. Without it, a server could start with the files of another platform: all its own files would
be missing, and its garbage collection would delete those of the other platform.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from uuid import UUID

import anyio
import msgspec
from msgspec import Struct

from headrace.errors import ConfigurationError, LakeError, NotALakeError, ObjectNotFoundError
from headrace.model.ids import Kind, encode
from headrace.platform.lake_layout import fill_catalog
from headrace.storage.database.base import Database, Statements
from headrace.storage.objects.base import ObjectStore
from headrace.storage.objects.local.store import STORE_FOLDERS
from headrace.storage.objects.none import NoObjectStore
from headrace.storage.opening import (
    PostgresStores,
    PostgresTarget,
    check_files_named,
    migrate_schema,
    open_database,
    open_objects,
)
from headrace.threads import in_thread

MARK = "headrace.json"
"""The object that says to which platform a store belongs."""

_LARGEST_MARK = 4096


class StoreMark(Struct, frozen=True, kw_only=True):
    """To which platform a store of objects belongs.

    Attributes:
        platform: The id of its first organization.
        database: The address of its database when the mark was made, without a password; to be read by people.
    """

    platform: UUID
    database: str


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


async def check_platform(stores: PostgresStores, target: PostgresTarget) -> None:
    """Check that a database holds a platform, and that the store is the one of this platform.

    Raises:
        NotALakeError: The database holds no platform.
        ConfigurationError: The files are those of another platform, or of none.
    """
    platform = await platform_of(stores.database)
    if platform is None:
        raise NotALakeError(
            f"{target.name} holds no platform", hint=f"make one: headrace init {target.name}"
        )
    if isinstance(stores.objects, NoObjectStore):
        return
    mark = await read_mark(stores.objects)
    if mark is None:
        raise ConfigurationError(
            f"{target.objects_name} holds no files of {target.name}",
            hint="name the place that was given to headrace init: objects=, or HEADRACE_OBJECTS",
        )
    if mark.platform != platform:
        raise ConfigurationError(
            f"{target.objects_name} holds the files of another platform, {mark.database}",
            hint=f"name those of {target.name}: objects=, or HEADRACE_OBJECTS",
        )


async def read_mark(objects: ObjectStore) -> StoreMark | None:
    """Read the mark of a store; None if it has none."""
    found = bytearray()
    try:
        async for chunk in objects.get(MARK, length=_LARGEST_MARK):
            found += chunk
        return msgspec.json.decode(found, type=StoreMark)
    except ObjectNotFoundError:
        return None
    except msgspec.DecodeError:
        raise LakeError(
            f"{MARK} in the store of the files is damaged",
            hint="restore it, or choose another store",
        ) from None


async def write_mark(objects: ObjectStore, platform: UUID, target: PostgresTarget) -> None:
    """Mark a store as that of a platform, which its first organization's id names."""
    await objects.put(
        MARK, _once(msgspec.json.encode(StoreMark(platform=platform, database=target.name)))
    )


async def check_empty(objects: ObjectStore, target: PostgresTarget) -> None:
    """Raise :class:`LakeError` unless the store is empty, or holds only the mark of an attempt that was interrupted."""
    async for batch in objects.listed():
        for each in batch:
            mark = await read_mark(objects) if each.name == MARK else None
            if mark is None or mark.database != target.name:
                raise LakeError(
                    f"{target.objects_name} is not empty",
                    hint="choose an empty place for the files",
                )


async def _make(database: Database, objects: ObjectStore, target: PostgresTarget) -> None:
    now = time.time_ns() // 1_000_000
    # The mark is written before the commit: another attempt waits at the lock, and finds what this one has made.
    async with database.transaction() as tx:
        if await platform_of(tx) is not None:
            raise LakeError(
                f"{target.name} holds a platform already",
                hint="use it, or choose an empty database",
            )
        await fill_catalog(tx, now)
        await write_mark(objects, encode(Kind.ORGANIZATION, now, 0, 1), target)


async def platform_of(statements: Statements) -> UUID | None:
    """Return the id of a platform, that of its first organization; None for an empty catalog."""
    for no, _, created in await statements.fetch("accounts.organizations"):
        return encode(Kind.ORGANIZATION, created, 0, no)
    return None


async def _once(content: bytes) -> AsyncIterator[bytes]:
    yield content
