"""The schema of a catalog in PostgreSQL: make it, migrate it, and refuse what is older or newer.

The table ``schema_version`` has one row: the number of the last applied migration, and an id of the catalog. Migrations
run one at a time among all processes, each in one transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

from headrace.errors import LakeError, LakeVersionError, NotALakeError
from headrace.storage.database.dsn import shown_dsn
from headrace.storage.database.postgres.connect import connect
from headrace.storage.database.postgres.errors import translating_opening
from headrace.storage.database.queries import migrations

if TYPE_CHECKING:
    import asyncpg

_LOCK = 0x6864_7263_0002
"""The number of the lock that a migration takes."""

_FIND = "select to_regclass('schema_version') is not null"
_READ = "select version, catalog from schema_version"
_CREATE = """
    create table schema_version (
        one boolean primary key default true check (one),
        version integer not null,
        catalog uuid not null default gen_random_uuid()
    );
    insert into schema_version (version) values (0);
"""
# What extensions bring along belongs to them.
_FOREIGN = """
    select c.relname from pg_class c
    where c.relnamespace = current_schema()::regnamespace and c.relkind in ('r', 'p', 'v', 'm', 'S', 'f')
      and not exists (select 1 from pg_depend d
                      where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')
    order by c.relname limit 1
"""


class Schema(NamedTuple):
    """The version of a catalog's schema, and the id that the catalog was given when it was made."""

    version: int
    catalog: UUID


async def migrate(dsn: str, steps: Sequence[tuple[int, str]] | None = None) -> tuple[int, int]:
    """Make the schema of a catalog, or apply the migrations that it lacks; safe in two processes at once.

    Args:
        dsn: The database.
        steps: Other migrations than those of the package.

    Returns:
        The version before and after; 0 is an empty database.

    Raises:
        LakeError: The database holds tables that are not headrace's.
        LakeVersionError: A newer headrace made the schema, or the server is too old.
        ConfigurationError: The address, the user or its rights are wrong.
        ConnectError: The server cannot be reached.
    """
    known = migrations("postgres") if steps is None else tuple(steps)
    shown = shown_dsn(dsn)
    connection = await connect(dsn)
    try:
        with translating_opening(shown):
            before = await _prepare(connection, shown)
            _check_not_newer(before, len(known), shown)
            version = before
            for number, script in known:
                if number > version:
                    version = await _apply(connection, number, script)
            return before, version
    finally:
        await connection.close()


async def plan(dsn: str) -> tuple[int, int]:
    """Return the version of a schema, and the one to which :func:`migrate` would bring it; 0 is an empty database.

    Raises:
        LakeError: The database holds tables that are not headrace's.
        LakeVersionError: A newer headrace made the schema, or the server is too old.
        ConfigurationError: The address, the user or its rights are wrong.
        ConnectError: The server cannot be reached.
    """
    shown = shown_dsn(dsn)
    connection = await connect(dsn)
    try:
        with translating_opening(shown):
            schema = await read(connection)
            if schema is None:
                await _check_empty(connection, shown)
    finally:
        await connection.close()
    version, known = 0 if schema is None else schema.version, len(migrations("postgres"))
    _check_not_newer(version, known, shown)
    return version, known


async def check(dsn: str) -> Schema:
    """Return the schema of a catalog that this headrace can work with.

    Raises:
        NotALakeError: The database has no catalog.
        LakeVersionError: Its schema is older or newer, or the server is too old.
        ConfigurationError: The address, the user or its rights are wrong.
        ConnectError: The server cannot be reached.
    """
    connection = await connect(dsn)
    try:
        return await check_connection(connection, shown_dsn(dsn))
    finally:
        await connection.close()


async def check_connection(connection: asyncpg.Connection, shown: str) -> Schema:
    """Do what :func:`check` does on an open connection."""
    with translating_opening(shown):
        schema = await read(connection)
    known = len(migrations("postgres"))
    if schema is None or schema.version == 0:
        raise NotALakeError(
            f"the database {shown} has no catalog of headrace",
            hint=f"make one: headrace init {shown}",
        )
    _check_not_newer(schema.version, known, shown)
    if schema.version < known:
        raise LakeVersionError(
            f"the catalog in {shown} has schema version {schema.version} and must be changed to {known}",
            hint=f"headrace migrate-schema {shown}",
        )
    return schema


async def read(connection: asyncpg.Connection) -> Schema | None:
    """Return the schema of a catalog, None for a database without one."""
    if not await connection.fetchval(_FIND):
        return None
    row = await connection.fetchrow(_READ)
    return None if row is None else Schema(*row)


def _check_not_newer(version: int, known: int, shown: str) -> None:
    if version > known:
        raise LakeVersionError(
            f"the catalog in {shown} has schema version {version}, and this headrace knows up to {known}",
            hint="install the newest version: pip install -U headrace",
        )


async def _prepare(connection: asyncpg.Connection, shown: str) -> int:
    """Make the table of the version where it is missing; returns the version."""
    async with connection.transaction():
        await connection.execute(f"select pg_advisory_xact_lock({_LOCK})")
        schema = await read(connection)
        if schema is not None:
            return schema.version
        await _check_empty(connection, shown)
        await connection.execute(_CREATE)
        return 0


async def _check_empty(connection: asyncpg.Connection, shown: str) -> None:
    """Raise :class:`LakeError` for a database with tables that are not headrace's."""
    foreign = await connection.fetchval(_FOREIGN)
    if foreign is not None:
        raise LakeError(
            f"the database {shown} is already in use: it has {foreign}",
            hint="make an empty database, or an empty schema and name it: ?search_path=NAME",
        )


async def _apply(connection: asyncpg.Connection, number: int, script: str) -> int:
    """Apply a migration, unless another process did so meanwhile; returns the version after it."""
    async with connection.transaction():
        await connection.execute(f"select pg_advisory_xact_lock({_LOCK})")
        schema = await read(connection)
        if schema is not None and schema.version >= number:
            return schema.version
        await connection.execute(script)
        await connection.execute(f"update schema_version set version = {number}")
        return number
