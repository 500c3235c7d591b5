"""What the database and the files of a platform over PostgreSQL are like, for ``headrace doctor``."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from headrace.errors import HeadraceError
from headrace.platform.care.facts import LITTLE_SPACE, Fact, mib
from headrace.platform.core.figures import database_bytes
from headrace.platform.postgres_layout import check_may_delete
from headrace.storage.objects.none import NoObjectStore
from headrace.storage.opening import PostgresStores, PostgresTarget, migrate_schema, open_stores
from headrace.threads import in_thread


async def examine_database(target: PostgresTarget) -> list[Fact]:
    """Look at a platform; what cannot be opened is a fact too.

    Raises:
        MissingExtraError: A package is missing.
    """
    facts = [Fact("database", target.name), *_packages(target)]
    try:
        found, known = await migrate_schema(target, dry_run=True)
    except HeadraceError as error:
        return [*facts, _fault("connection", error)]
    facts.append(
        Fact(
            "schema",
            f"{found} of {known}",
            "ok" if found == known else "unsafe",
            "" if found == known else f"headrace migrate-schema {target.name}",
        )
    )
    if found != known:
        return facts
    try:
        stores = await open_stores(target)
    except HeadraceError as error:
        return [*facts, _fault("files", error)]
    try:
        facts.append(Fact("postgresql", stores.database.server_version))
        facts.append(Fact("size of the database", mib(await database_bytes(stores.database))))
        facts.append(await _files(stores, target))
        facts += await in_thread(lambda: [*_disks(stores.scratch, target.folder)])
    finally:
        await stores.aclose()
    return facts


async def _files(stores: PostgresStores, target: PostgresTarget) -> Fact:
    if isinstance(stores.objects, NoObjectStore):
        return Fact("files", "not named", "ok", "name them by objects= or HEADRACE_OBJECTS")
    try:
        await check_may_delete(stores, target)
    except HeadraceError as error:
        return _fault("files", error)
    return Fact("files", target.objects_name)


def _packages(target: PostgresTarget) -> Iterator[Fact]:
    for name in ("asyncpg", "obstore"):
        try:
            yield Fact(name, version(name))
        except PackageNotFoundError:
            if name == "asyncpg" or (target.objects is not None and target.folder is None):
                yield Fact(name, "missing", "unsafe", f"pip install {name}")


def _disks(scratch: Path, files: Path | None) -> Iterator[Fact]:
    folders = [("scratch folder", scratch)]
    if files is not None:
        folders.append(("folder of the files", files))
    for name, folder in folders:
        free = shutil.disk_usage(folder).free
        little = free < LITTLE_SPACE
        yield Fact(
            f"free space of the {name}",
            mib(free),
            "unsafe" if little else "ok",
            "free some" if little else "",
        )


def _fault(name: str, error: HeadraceError) -> Fact:
    return Fact(name, error.message, "unsafe", error.hint or "")
