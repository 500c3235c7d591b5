"""Mark the assets of versions that an older headrace wrote, so that they too are listed by label without a walk.

Every range is one short transaction, together with the record of how far the version is marked; so the work may be
killed anywhere and continues when the lake is opened next. Until a version is marked, its listings read its annotations.
"""

from __future__ import annotations

from headrace.platform.context import Context
from headrace.platform.core.label_marks import BLOCK, mark_range
from headrace.platform.core.locking import locks_of_version


async def mark_versions(context: Context) -> None:
    """Mark all versions that are not marked yet."""
    while await mark_step(context):
        pass


async def mark_step(context: Context) -> bool:
    """Mark one block of a version; returns False if all are marked."""
    found = await context.database.fetch_one("marks.unmarked")
    if found is None:
        return False
    async with context.database.transaction(*await locks_of_version(context, found[0])) as tx:
        # Again, because another process may have marked it meanwhile.
        row = await tx.fetch_one("marks.unmarked")
        if row is None:
            return False
        if row[0] != found[0]:
            return True
        version, bucket, first, horizon = row
        end = (first // BLOCK + 1) * BLOCK
        await mark_range(tx, bucket, version, first, end)
        unmarked = end if end < horizon else None
        await tx.execute("marks.set_unmarked", version=version, unmarked=unmarked)
    return True
