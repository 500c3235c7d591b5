"""The room that the records of removals may take, and their end."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from typing import Any

from headrace.errors import RemovalNotRecordedError
from headrace.model.records import RemovalRoom
from headrace.platform.context import Context
from headrace.platform.core.listing import json_text
from headrace.platform.core.scopes import VersionScope
from headrace.platform.removals.frames import delete_files, numbers_of_files
from headrace.threads import in_thread

DAY_MS = 86_400_000


async def check_room(
    context: Context, scope: VersionScope, statement: str, keys: Sequence[int] | None = None
) -> RemovalRoom:
    """Check that what is to be removed from a version may be recorded.

    A removal is never larger than the catalog, so that small lakes need no measuring; else ``statement`` measures what
    is to go, before compression.

    Args:
        context: The lake.
        scope: The version.
        statement: The statement that measures.
        keys: Its keys; None where it has none.

    Returns:
        What is needed and what is left.

    Raises:
        RemovalNotRecordedError: There is not enough room.
    """
    database, policy = context.database, context.undo
    (used,) = await database.fetch_one("removals.used") or (0,)
    free = policy.max_bytes - int(used)
    if context.target is None:
        free = min(free, (await in_thread(shutil.disk_usage, context.path)).free)
    (catalog,) = await database.fetch_one("removals.catalog_bytes") or (0,)
    if int(catalog) <= free:
        return RemovalRoom(needed=0, free=free)
    named: dict[str, Any] = {}
    if keys is not None:
        named["assets" if statement.endswith("assets") else "keys"] = json_text(keys)
    row = await database.fetch_one(
        statement,
        bucket=scope.bucket,
        version=scope.no,
        dataset=scope.dataset,
        dataset_bucket=scope.dataset_bucket,
        **named,
    )
    needed = 0 if row is None else int(row[0])
    if needed > free:
        raise RemovalNotRecordedError(
            f"the removal needs up to {_mib(needed)} to be undone, and {_mib(max(free, 0))} are left",
            hint=RemovalNotRecordedError.limit_cure,
        )
    return RemovalRoom(needed=needed, free=free)


def purge_time(context: Context) -> int:
    """Return when what is deleted now may be purged, in milliseconds since 1970."""
    return context.clock() + int(context.undo.days * DAY_MS)


async def expire_removals(context: Context) -> None:
    """Delete the removals that are too old to be undone, and the files of removals that are gone."""
    before = context.clock() - int(context.undo.days * DAY_MS)
    await context.database.execute("removals.drop_expired", before=before)
    numbers = await in_thread(numbers_of_files, context.path)
    if not numbers:
        return
    # In a transaction, so that no call begins a file that has no row yet.
    async with context.database.transaction() as tx:
        rows = await tx.fetch("removals.live", keys=json_text(numbers))
        gone = set(numbers) - {no for (no,) in rows}
        if gone:
            await in_thread(delete_files, context.path, sorted(gone))


def _mib(size: int) -> str:
    return f"{size / (1 << 20):,.1f} MiB"
