"""An object that is registered as data is immutable: no other is stored under its name, and it is not deleted.

The lake's write lock decides. An object is put in the place of another one, deleted, and registered under this lock
alone; a registration looks there whether the object is still the one that it has inspected. The first object under a
name needs no lock, since nothing can be registered before it.
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
from headrace.storage.objects.base import Replacing


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
    """Delete objects, except those that are registered as data."""
    for organization, group in groupby(sorted(names, key=_owner), _owner):
        wanted = list(group)
        async with context.database.transaction(Lock.organization(organization)) as tx:
            rows = await tx.fetch(
                "datalake.registered_names", organization=organization, keys=json_text(wanted)
            )
            registered = {name for (name,) in rows}
            await context.objects.delete([name for name in wanted if name not in registered])


def _owner(object_name: str) -> int:
    return organization_of(object_name) or 0
