"""When the last row went that named an object in S3: the object stays for a while, for backups of the database."""

from __future__ import annotations

from collections.abc import Sequence

from headrace.platform.context import Context
from headrace.platform.core.listing import json_text
from headrace.storage.database.base import Transaction


def keeps_released(context: Context) -> bool:
    """Whether objects stay for a while after their last row: those of a database that others than headrace back up."""
    return context.target is not None and not context.objects.locked


async def release(context: Context, tx: Transaction, names: Sequence[str]) -> None:
    """Record that objects lose the rows that name them, in the transaction that deletes these."""
    if names and keeps_released(context):
        await tx.execute("released_objects.add", names=json_text(names), now=context.clock())


async def release_instructions(context: Context, tx: Transaction, campaign: int) -> None:
    """Do what :func:`release` does for the instructions of a campaign, before its row changes or goes."""
    if keeps_released(context):
        await tx.execute("released_objects.add_of_campaign", campaign=campaign, now=context.clock())
