"""Rewrite blobs of earlier formats in the background, range by range.

Each range is one transaction that also records how far the work is, so it can stop anywhere and continues when the lake
is opened next. Blobs of every format are read meanwhile, so nothing waits for this.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from headrace.model.blob.layout import VERSION
from headrace.model.blob.pack import pack_page
from headrace.model.blob.unpack import unpack_page
from headrace.platform.context import Context
from headrace.storage.database.base import Row, Transaction
from headrace.threads import in_thread

ROWS = 500
"""Rows that one transaction looks at."""


class _Position(NamedTuple):
    """The version (``content`` 0) or the dataset whose content (1) is rewritten, and the last row looked at."""

    content: int
    bucket: int
    object: int
    asset: int
    no: int


async def rewrite_old_blobs(context: Context) -> None:
    """Rewrite all blobs, except in datasets with a removal that can still be undone: an undo compares blobs."""
    while await _rewrite_range(context):
        pass


async def _rewrite_range(context: Context) -> bool:
    """Rewrite one range; returns False where nothing is left to do."""
    if await context.database.fetch_one("old_blobs.next") is None:
        return False
    async with context.database.transaction() as tx:
        # Read in the transaction: another process may be further, or have recorded a removal.
        row = await tx.fetch_one("old_blobs.next")
        if row is None:
            return False
        position = _Position(*row)
        table: dict[str, Any] = {"bucket": position.bucket, "object": position.object}
        if position.content:
            rows = await tx.fetch("old_blobs.contents", no=position.no, limit=ROWS, **table)
        else:
            after: dict[str, Any] = {"asset": position.asset, "no": position.no}
            rows = await tx.fetch("old_blobs.annotations", limit=ROWS, **after, **table)
        await _rewrite(tx, position, rows)
        if len(rows) < ROWS:
            await tx.execute("old_blobs.finish", content=position.content, **table)
        else:
            asset, no, _ = rows[-1]
            await tx.execute(
                "old_blobs.advance", content=position.content, asset=asset, no=no, **table
            )
    return True


async def _rewrite(tx: Transaction, position: _Position, rows: list[Row]) -> None:
    old = [row for row in rows if row[2] is not None and row[2][0] >> 4 < VERSION]
    if not old:
        return
    packed = await in_thread(lambda: pack_page(unpack_page([blob for _, _, blob in old])))
    table = (position.bucket, position.object)
    if position.content:
        changed: list[tuple[Any, ...]] = [
            (blob, *table, no) for (_, no, _), blob in zip(old, packed, strict=True)
        ]
        await tx.insert_many("old_blobs.rewrite_content", changed)
    else:
        changed = [
            (blob, *table, asset, no) for (asset, no, _), blob in zip(old, packed, strict=True)
        ]
        await tx.insert_many("old_blobs.rewrite_annotation", changed)
