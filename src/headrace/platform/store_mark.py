"""The mark of a store of objects, which says to which database the store belongs.

Without it, a server could start with the files of another platform: all its own files would be missing, and its garbage
collection would delete those of the other platform.

The mark names the id of the platform's first organization and the id of its catalog. Only the second is different in every
database: what ``headrace migrate`` makes of a lake keeps the ids of the platform. A copy by ``pg_dump`` keeps both ids.

Marks that older versions of headrace wrote name no catalog. Such a store can be opened, but nothing is deleted in it that no
row names, until ``headrace migrate-schema`` has completed the mark. Opening never completes one: a database that was opened
with the store of its copy by mistake would take that store away from the copy.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from uuid import UUID

import msgspec
from msgspec import Struct

from headrace.errors import ConfigurationError, LakeError, ObjectNotFoundError
from headrace.folders.lakes import STORE_MARK
from headrace.storage.objects.base import ObjectStore
from headrace.storage.opening import PostgresTarget

_LARGEST = 4096
_OTHER = "name the place that was given to headrace init: objects=, or HEADRACE_OBJECTS"
_WHOLE_ADDRESS = re.compile(r"postgresql://[^/]+/.+")


class Owner(Struct, frozen=True, kw_only=True):
    """The platform of a database.

    Attributes:
        platform: The id of its first organization.
        catalog: The id of its catalog.
    """

    platform: UUID
    catalog: UUID


class StoreMark(Struct, frozen=True, kw_only=True):
    """To which database a store of objects belongs.

    Attributes:
        platform: The id of the first organization.
        database: The address of the database when the mark was made, without a password; to be read by people.
        catalog: The id of the catalog; None in marks of older versions.
    """

    platform: UUID
    database: str
    catalog: UUID | None = None


async def read_mark(objects: ObjectStore) -> StoreMark | None:
    """Read the mark of a store; None if it has none.

    Raises:
        LakeError: The mark is damaged.
    """
    found = bytearray()
    try:
        async for chunk in objects.get(STORE_MARK, length=_LARGEST):
            found += chunk
        return msgspec.json.decode(found, type=StoreMark)
    except ObjectNotFoundError:
        return None
    except msgspec.DecodeError:
        raise LakeError(
            f"{STORE_MARK} in the store of the files is damaged",
            hint="restore it, or choose another store",
        ) from None


async def write_mark(objects: ObjectStore, owner: Owner, target: PostgresTarget) -> None:
    """Mark a store as that of a database."""
    mark = StoreMark(platform=owner.platform, database=target.name, catalog=owner.catalog)
    await objects.put(STORE_MARK, _once(msgspec.json.encode(mark)))


async def check_mark(objects: ObjectStore, owner: Owner, target: PostgresTarget) -> StoreMark:
    """Check that a store is that of a database; returns its mark.

    Raises:
        ConfigurationError: The files are those of another database, or of none.
        LakeError: The mark is damaged.
    """
    mark = await read_mark(objects)
    if mark is None:
        raise ConfigurationError(
            f"{target.objects_name} holds no files of {target.name}",
            hint=_OTHER,
        )
    if mark.platform != owner.platform:
        raise ConfigurationError(
            f"{target.objects_name} holds the files of another platform, {mark.database}",
            hint=f"name those of {target.name}: objects=, or HEADRACE_OBJECTS",
        )
    if mark.catalog not in (None, owner.catalog):
        raise ConfigurationError(
            f"{target.objects_name} holds the files of another database with the same platform, {mark.database}",
            hint=f"name those of {target.name}: objects=, or HEADRACE_OBJECTS",
        )
    return mark


def check_complete(mark: StoreMark, target: PostgresTarget) -> None:
    """Check that a mark says for certain that files may be deleted which no row of the database names.

    Raises:
        ConfigurationError: An older version of headrace wrote the mark.
    """
    if mark.catalog is None:
        raise ConfigurationError(
            f"{target.objects_name} was marked by an older headrace: its files may be those of a copy of {target.name}",
            hint=f"headrace migrate-schema {target.name} --objects {target.objects_name}",
        )


async def complete_mark(
    objects: ObjectStore,
    owner: Owner,
    target: PostgresTarget,
    *,
    claim: bool = False,
    dry_run: bool = False,
) -> bool:
    """Complete the mark that an older version of headrace wrote; returns whether there was something to do.

    Args:
        objects: The store.
        owner: The platform of the database.
        target: The database, by the address that the mark names.
        claim: The database may have another address than when the mark was made.
        dry_run: Write nothing.

    Raises:
        ConfigurationError: The files are those of another database, or may be.
        LakeError: The mark is damaged.
    """
    mark = await check_mark(objects, owner, target)
    if mark.catalog is not None:
        return False
    # Of a copy that migrate made, only the address is another one. One without a host or a name says nothing.
    same = mark.database == target.name and _WHOLE_ADDRESS.fullmatch(target.name) is not None
    if not same and not claim:
        raise ConfigurationError(
            f"{target.objects_name} was marked as that of {mark.database}, which may be another database than {target.name}",
            hint="if it is the same database, and no copy of it has these files: headrace migrate-schema --claim-files",
        )
    if not dry_run:
        await write_mark(objects, owner, target)
    return True


async def _once(content: bytes) -> AsyncIterator[bytes]:
    yield content
