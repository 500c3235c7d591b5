"""Open what a platform over PostgreSQL is stored in: its catalog, its objects, and a scratch folder of this machine.

A lake is opened by its folder (:mod:`headrace.platform.platform`). The packages for PostgreSQL and S3 are extras, which
are imported when something of theirs is opened.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
from msgspec import Struct

from headrace.errors import ConfigurationError, LakeError, StorageError
from headrace.folders.lakes import check_free_for_files
from headrace.net.urls import redact
from headrace.settings import Settings, load_settings
from headrace.storage.database.dsn import is_dsn, shown_dsn
from headrace.storage.objects.base import ObjectStore, Replacing
from headrace.storage.objects.local.store import LocalObjectStore
from headrace.storage.objects.none import NoObjectStore
from headrace.threads import in_thread

if TYPE_CHECKING:
    from headrace.storage.database.base import Database
    from headrace.storage.database.postgres.database import PostgresDatabase
    from headrace.storage.objects.s3.store import S3Objects

_DEFAULT = ("postgresql://", "postgres://")
_S3 = "s3://"


class PostgresTarget(Struct, frozen=True, kw_only=True):
    """A platform over PostgreSQL. Its repr shows no password.

    Attributes:
        dsn: The address of the database, which may hold a password.
        objects: Where the files are: ``s3://bucket/prefix``, or the path of a folder. None where it was not given: then
            only what needs no file can be done.
        scratch_root: The folder of this machine in which each platform has its scratch folder, for what is no part of
            the platform: logs, unfinished exports.
        scratch: The scratch folder itself. Default: one that is named after the catalog.
    """

    dsn: str
    objects: str | None
    scratch_root: Path
    scratch: Path | None = None

    @property
    def name(self) -> str:
        """The address without its password."""
        return shown_dsn(self.dsn)

    @property
    def objects_name(self) -> str:
        """Where the files are, without parameters."""
        return "no objects" if self.objects is None else shown_objects(self.objects)

    @property
    def folder(self) -> Path | None:
        """The folder of the files, None for a store that is no folder."""
        return None if self.objects is None or is_s3(self.objects) else Path(self.objects)

    def __repr__(self) -> str:
        return f"PostgresTarget({self.name!r}, {self.objects_name!r})"


class PostgresStores(Struct, frozen=True):
    """The open catalog and objects of a platform over PostgreSQL, and its scratch folder."""

    database: PostgresDatabase
    objects: ObjectStore
    scratch: Path

    async def aclose(self) -> None:
        """Close both, even in a cancelled scope."""
        with anyio.CancelScope(shield=True):
            await self.objects.aclose()
            await self.database.aclose()


def is_s3(objects: str) -> bool:
    """Return whether files are to be stored in S3."""
    return objects.lower().startswith(_S3)


def shown_objects(objects: str) -> str:
    """Return where files are stored, without parameters."""
    return redact(objects) if "://" in objects else objects


def postgres_target(
    target: str | os.PathLike[str],
    *,
    objects: str | os.PathLike[str] | None = None,
    settings: Settings | None = None,
) -> PostgresTarget | None:
    """Read the address of a platform over PostgreSQL; None for a target of another kind.

    ``postgresql://`` alone stands for the setting ``database``, or for what the variables of PostgreSQL name (``PGHOST``,
    ``PGDATABASE``, ``PGSERVICE``, …).

    Args:
        target: The address.
        objects: Where the files are. Default: the setting ``objects``.
        settings: The settings. Default: those in effect.

    Raises:
        ConfigurationError: What it says about the database or the files cannot be right.
    """
    if not isinstance(target, str) or not is_dsn(target):
        if objects is not None:
            raise ConfigurationError(
                "a lake keeps its files in its folder",
                hint="omit objects, or name a database: postgresql://…",
            )
        return None
    settings = settings or load_settings()
    dsn = target
    if target.lower() in _DEFAULT and settings.database is not None:
        dsn = settings.database
        if not is_dsn(dsn):
            raise ConfigurationError(
                "the setting database is no address of PostgreSQL",
                hint="write postgresql://user@host:5432/name into HEADRACE_DATABASE",
            )
    chosen = settings.objects if objects is None else os.fspath(objects)
    return PostgresTarget(
        dsn=dsn,
        objects=None if chosen is None else _objects(chosen),
        scratch_root=_scratch_root(settings),
    )


def check_files_named(target: PostgresTarget) -> None:
    """Raise :class:`ConfigurationError` where it was not said where the files are."""
    if target.objects is None:
        raise ConfigurationError(
            f"{target.name} needs a place for its files",
            hint="name s3://bucket/prefix or a folder by objects= or HEADRACE_OBJECTS",
        )


async def open_stores(
    target: PostgresTarget,
    *,
    query_seconds: float | None = None,
    replacing: Callable[[Database], Replacing] | None = None,
    replacing_in_s3: Replacing | None = None,
) -> PostgresStores:
    """Open the catalog and the objects of a platform. The schema must be there; see ``headrace init``.

    Args:
        target: The platform.
        query_seconds: How long a listing by a query may take. Default: as long as it needs.
        replacing: Makes what permits to replace objects in a folder. Default: they may be replaced.
        replacing_in_s3: What permits to replace objects in S3. Default: they may be replaced.

    Raises:
        MissingExtraError: A package is missing.
        ConfigurationError: The database or the store does not exist, or does not let this user in.
        ConnectError: One of them cannot be reached.
        LakeError: The database holds no platform, or one of another version.
    """
    database = await open_database(target, query_seconds=query_seconds)
    try:
        scratch = target.scratch or target.scratch_root / _folder_name(target, database)
        await in_thread(_make_folder, scratch)
        permit = None if replacing is None else replacing(database)
        objects = await open_objects(
            target, permit if target.folder is not None else replacing_in_s3
        )
    except BaseException:
        with anyio.CancelScope(shield=True):
            await database.aclose()
        raise
    return PostgresStores(database, objects, scratch)


async def open_database(
    target: PostgresTarget, *, query_seconds: float | None = None
) -> PostgresDatabase:
    """Open the catalog alone; see :func:`open_stores`."""
    from headrace.storage.database.postgres.database import PostgresDatabase

    return await PostgresDatabase.open(target.dsn, query_seconds=query_seconds)


async def open_objects(
    target: PostgresTarget, replacing: Replacing | None = None, *, create: bool = False
) -> ObjectStore:
    """Open the objects alone; see :func:`open_stores`.

    With ``create``, a folder that is missing is made, and S3 must do all that a platform needs.

    Raises:
        LakeError: It lies inside the place of another platform's files.
    """
    if target.objects is None:
        return NoObjectStore(target.name)
    permit = _permit if replacing is None else replacing
    if is_s3(target.objects):
        from headrace.storage.objects.s3.store import S3Objects

        objects = await S3Objects.open(target.objects, replacing=permit)
        try:
            await _check_outside(objects)
            if create:
                await objects.probe()
        except BaseException:
            with anyio.CancelScope(shield=True):
                await objects.aclose()
            raise
        return objects
    folder = Path(target.objects)
    await in_thread(_make_folder if create else _check_folder, folder)
    store = LocalObjectStore(folder, replacing=permit)
    await store.prepare()
    return store


async def check_outside(objects: ObjectStore, target: PostgresTarget) -> None:
    """Check that a platform's files do not lie in the place of another's.

    Raises:
        LakeError: They do: the outer platform would take the other's files for garbage.
    """
    if target.folder is not None:
        await in_thread(check_free_for_files, target.folder)
    elif target.objects is not None:
        from headrace.storage.objects.s3.store import S3Objects

        assert isinstance(objects, S3Objects)
        await _check_outside(objects)


async def _check_outside(objects: S3Objects) -> None:
    if (around := await objects.store_around()) is not None:
        raise LakeError(
            f"{objects.name} lies in {around}, which is the place of another platform's files",
            hint="choose a place outside of it, and move there what was stored here",
        )


def _permit(name: str) -> AbstractAsyncContextManager[None]:
    return nullcontext()


async def migrate_schema(target: PostgresTarget, *, dry_run: bool = False) -> tuple[int, int]:
    """Bring the schema of a database up to date; returns the number of its last migration before and after.

    With ``dry_run`` nothing is changed.

    Raises:
        MissingExtraError: A package is missing.
        ConfigurationError: The database does not exist, or does not let this user in.
        ConnectError: It cannot be reached.
        LakeError: It holds tables that are not headrace's, or a newer schema, or its PostgreSQL is too old.
    """
    from headrace.storage.database.postgres import schema

    if dry_run:
        return await schema.plan(target.dsn)
    return await schema.migrate(target.dsn)


def _objects(text: str) -> str:
    if is_s3(text):
        return text
    if "://" in text:
        raise ConfigurationError(
            f"files cannot be stored at {redact(text)}", hint="name s3://bucket/prefix or a folder"
        )
    if not text.strip():
        raise ConfigurationError(
            "the place of the files is empty", hint="name s3://bucket/prefix or a folder"
        )
    folder = os.path.abspath(os.path.expanduser(text))
    check_free_for_files(Path(folder))
    return folder


def _scratch_root(settings: Settings) -> Path:
    if settings.scratch is not None:
        return Path(settings.scratch).expanduser().absolute()
    return settings.state_folder().absolute() / "platforms"


def _folder_name(target: PostgresTarget, database: PostgresDatabase) -> str:
    """Return a name for a platform, however its host is written. A copy of its database has another name."""
    name = target.name.rpartition("/")[2] or os.environ.get("PGDATABASE", "")
    return f"{database.catalog}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(f"cannot create {folder}: {error.strerror}") from error


def _check_folder(folder: Path) -> None:
    if not folder.is_dir():
        raise ConfigurationError(
            f"there is no folder {folder}", hint="name the folder of the files by objects="
        )
