"""Delete old snapshots, and what only they held."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import apsw

from headrace.platform.care.backups.folder import BackupFolder
from headrace.platform.core.listing import json_text
from headrace.storage.database.queries import Queries
from headrace.storage.database.sqlite import page_checksums
from headrace.storage.objects.local.store import LocalObjectStore
from headrace.threads import in_thread

_TOGETHER = 500
_FLAGS = apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_NOMUTEX | apsw.SQLITE_OPEN_URI


async def prune(folder: BackupFolder, store: LocalObjectStore, keep: int) -> list[str]:
    """Delete all but the newest snapshots, then the objects and removal files that none of them has.

    Args:
        folder: The folder of the backups, which this process has taken.
        store: Its objects.
        keep: How many snapshots stay, at least one.

    Returns:
        The ids of the deleted snapshots.
    """
    every = await in_thread(folder.snapshots)
    old = [each.id for each in every[: -max(1, keep)]]
    for gone in old:
        await in_thread(folder.forget, gone)
    await in_thread(folder.drop_removals)
    catalogs = [folder.catalog(each.id) for each in every if each.id not in old]
    async for batch in store.listed():
        for start in range(0, len(batch), _TOGETHER):
            names = [each.name for each in batch[start : start + _TOGETHER]]
            named = await in_thread(_named, catalogs, names)
            await store.delete([name for name in names if name not in named])
    return old


def _named(catalogs: list[Path], names: list[str]) -> set[str]:
    """Return those of the names that a catalog names. Catalogs stay as they are, whatever version of headrace wrote them."""
    sql, found = Queries("sqlite").text("check.named"), set[str]()
    for catalog in catalogs:
        name = f"file:{quote(str(catalog.absolute()))}?immutable=1"
        connection = page_checksums.connect(name, _FLAGS)
        try:
            found.update(name for (name,) in connection.execute(sql, {"names": json_text(names)}))
        finally:
            connection.close(True)
    return found
