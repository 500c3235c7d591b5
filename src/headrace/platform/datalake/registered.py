"""An object that is registered as data is immutable: no other is stored under its name, and it is not deleted.

The lake's write lock decides. An object is put in the place of another one, deleted, and registered under this lock
alone; a registration looks there whether the object is still the one that it has inspected. The first object under a
name needs no lock, since nothing can be registered before it.

In a storage that clients reach themselves this lock decides nothing. There an object that has a name is never replaced,
and its age decides: an object is registered within :data:`REGISTERED_WITHIN_MS` after it was stored, and deleted only
after :data:`DELETED_AFTER_MS`. One that a row has named is deleted as long after its last row went, so that every backup
of the database that is younger finds its objects.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from itertools import groupby

from headrace.errors import ConflictError
from headrace.platform.context import Context
from headrace.platform.core.listing import json_text
from headrace.platform.datalake.object_names import organization_of
from headrace.storage.database.base import Database, Statements
from headrace.storage.database.locks import Lock
from headrace.storage.objects.base import ObjectInfo, Replacing

REGISTERED_WITHIN_MS = 6 * 24 * 3600 * 1000
"""The age up to which an object is registered, where :attr:`ObjectStore.locked` is false."""
DELETED_AFTER_MS = REGISTERED_WITHIN_MS + 24 * 3600 * 1000
"""The age from which an object that no row names is deleted there, and how long after its last row.

The day between allows for clocks that differ.
"""


@asynccontextmanager
async def replacing_no_data(object_name: str) -> AsyncIterator[None]:
    """Permit to replace objects that can be no data, such as files of exports; see :data:`Replacing`."""
    if organization_of(object_name) is not None:
        raise ConflictError(f"{object_name} is stored already", hint="ask for a new object name")
    yield


def can_be_registered(context: Context, info: ObjectInfo) -> bool:
    """Whether an object is young enough to be registered."""
    if context.objects.locked or info.stored is None:
        return True
    return info.stored > context.clock() - REGISTERED_WITHIN_MS


def replacing_unregistered(database: Database) -> Replacing:
    """Return what permits to replace objects, unless they are registered; see :data:`Replacing`."""

    @asynccontextmanager
    async def replacing(object_name: str) -> AsyncIterator[None]:
        organization = organization_of(object_name)
        if organization is None:
            yield
            return
        async with database.transaction(Lock.organization(organization)) as tx:
            await check_unregistered(tx, object_name)
            yield

    return replacing


async def check_unregistered(statements: Statements, object_name: str) -> None:
    """Raise a 409 for an object that is registered as data of any lake."""
    organization = organization_of(object_name)
    if organization is None:
        return
    taken = await statements.fetch_one(
        "datalake.name_taken", organization=organization, object_name=object_name
    )
    if taken is not None:
        raise ConflictError(
            f"{object_name} is already registered as data", hint="ask for a new object name"
        )


async def delete_unregistered(context: Context, names: Sequence[str]) -> None:
    """Delete objects, except those that are registered as data; where no lock decides, the garbage collection does so."""
    if not context.objects.locked:
        return
    for organization, group in groupby(sorted(names, key=_owner), _owner):
        wanted = list(group)
        async with context.database.transaction(Lock.organization(organization)) as tx:
            await context.objects.delete(await _unregistered(tx, organization, wanted))


async def _unregistered(statements: Statements, organization: int, names: list[str]) -> list[str]:
    rows = await statements.fetch(
        "datalake.registered_names", organization=organization, keys=json_text(names)
    )
    registered = {name for (name,) in rows}
    return [name for name in names if name not in registered]


def _owner(object_name: str) -> int:
    return organization_of(object_name) or 0
