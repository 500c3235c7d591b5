"""Background maintenance: purge what was deleted, and fold counters.

Versions, campaigns and datasets in state DELETING are invisible to callers; :func:`purge` deletes their rows once their
deletion can no longer be undone, and the records of removals that are too old. Every step is one short transaction that
leaves a smaller version behind, so a purge can stop anywhere and resumes when the lake is opened next.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

import anyio

from headrace.errors import HeadraceError
from headrace.model.enums import TagTarget
from headrace.platform.context import Context
from headrace.platform.core.asset_rows import RANGE, VersionRows, drop_assets
from headrace.platform.core.audit import trim
from headrace.platform.core.listing import json_text
from headrace.platform.core.released import release_instructions
from headrace.platform.core.scopes import VersionChange, VersionScope
from headrace.platform.jobs.content_gc import DUE, start_due_gc
from headrace.platform.jobs.old_blobs import rewrite_old_blobs
from headrace.platform.jobs.purge_lease import PurgeLease
from headrace.platform.jobs.runner import database_clock
from headrace.platform.removals.room import expire_removals
from headrace.storage.database.base import Transaction
from headrace.storage.database.locks import ONE_STATEMENT, Lock

FOLD_EVERY = 256
"""Changes of a version after which its counter deltas are folded into one row for each label."""

HOUR_SECONDS = 3600
WATCH_SECONDS = 60.0
STALLED_SECONDS = 60
"""A server that sends nothing more of a change for so long has stopped, or its machine is gone."""

log = logging.getLogger("headrace.platform")

LEDGER_MILLISECONDS = 24 * 3600 * 1000
"""How long the ledger of a finished import is kept for those who still send its chunks."""


async def keep_clean(context: Context) -> None:
    """Purge now and every hour, for a server that runs for months; and soon after another has stopped while it purged."""
    while True:
        try:
            await purge(context)
        except HeadraceError as error:
            log.warning("maintenance is interrupted, and tried again within the hour: %s", error)
        await _wait_until_due(context)


async def _wait_until_due(context: Context) -> None:
    lease, due = PurgeLease(context), anyio.current_time() + HOUR_SECONDS
    while (left := due - anyio.current_time()) > 0:
        await anyio.sleep(min(left, WATCH_SECONDS))
        # Where the database is away, its watch says so.
        with suppress(HeadraceError):
            if await lease.was_left():
                return


async def watch_database(context: Context) -> None:
    """Once a minute, go by the clock that the servers of a platform share, and end changes of servers that stand still."""
    while True:
        await anyio.sleep(WATCH_SECONDS)
        try:
            await follow_database_clock(context)
            await end_stalled_changes(context)
        except HeadraceError as error:
            log.warning("the database is looked at again in a minute: %s", error)


async def end_stalled_changes(context: Context) -> None:
    """End sessions of servers that stopped in the middle of a batch of statements, whose locks keep others out.

    PostgreSQL itself ends only those that stopped between two statements.
    """
    row = await context.database.fetch_one("jobs.end_stalled", seconds=STALLED_SECONDS)
    if row is not None and row[0]:
        log.warning("%d changes stood still for %d s and were rolled back", row[0], STALLED_SECONDS)


async def follow_database_clock(context: Context) -> None:
    """Compare the clock of the database with that of this machine, and go by the first."""
    await context.clock.follow(lambda: database_clock(context.database))


async def purge(context: Context) -> None:
    """Delete what can no longer be undone: versions, campaigns, datasets, records; and what is too old.

    Of servers that share a platform, one does so at a time.
    """
    lease = PurgeLease(context)
    await lease.wait()
    try:
        await _purge(context, lease)
    finally:
        with anyio.CancelScope(shield=True):
            await lease.free()


async def _purge(context: Context, lease: PurgeLease) -> None:
    async with context.database.transaction(ONE_STATEMENT) as tx:
        await drop_old_ledgers(tx, context.clock())
    while await purge_step(context):
        if not await lease.take():
            return  # another server goes on
    await expire_removals(context)
    await trim(context)
    await start_due_gc(context)
    await rewrite_old_blobs(context)


async def purge_step(context: Context) -> bool:
    """Run one transaction of a purge; returns False if nothing was left to delete."""
    row = await context.database.fetch_one("deletion.doomed_version", now=context.clock())
    if row is None:
        return await _drop_campaign(context) or await _drop_dataset(context)
    rows, organization = VersionRows(*row[:4]), row[4]
    async with context.database.transaction(
        Lock.organization(organization, shared=True),
        Lock.dataset(rows.dataset),
        Lock.version(rows.version),
    ) as tx:
        if await tx.fetch_one("deletion.doomed_version", now=context.clock()) != row:
            return True  # another process has deleted it
        assets = await tx.fetch(
            "deletion.range", bucket=rows.bucket, version=rows.version, limit=RANGE
        )
        if assets:
            await drop_assets(tx, rows, json_text([seq for (seq,) in assets]))
            return True
        counted: dict[str, Any] = {"bucket": rows.bucket, "version": rows.version}
        await tx.execute("counters.drop_label_deltas", **counted)
        await tx.execute("counters.drop_version_deltas", **counted)
        await tx.execute("marks.drop_of_version", **counted)
        await tx.execute("deletion.drop_labels", version=rows.version)
        await tx.execute("deletion.drop_gone_labels", version=rows.version)
        await tx.execute("deletion.drop_groups", version=rows.version)
        await tx.execute("deletion.drop_tags", version=rows.version)
        await tx.execute("campaigns.doom_of_version", version=rows.version)
        await tx.execute("deletion.drop_ledger", version=rows.version)
        await tx.execute("deletion.end_imports", version=rows.version, now=context.clock())
        await tx.execute(
            "deletion.drop_object_tags",
            organization=organization,
            object=rows.version,
            target=str(TagTarget.DATASET_VERSION),
        )
        await tx.execute("deletion.drop_removals", version=rows.version)
        await tx.execute("content_gc.hurry", dataset=rows.dataset, least=DUE)
        await tx.execute("deletion.drop_version", version=rows.version)
    return True


async def drop_old_ledgers(tx: Transaction, now: int) -> None:
    """Delete the ledgers of imports that finished a day ago; ``now`` is in milliseconds."""
    await tx.execute("jobs.drop_old_ledgers", before=now - LEDGER_MILLISECONDS)


async def _drop_campaign(context: Context) -> bool:
    row = await context.database.fetch_one("campaigns.doomed")
    if row is None:
        return False
    campaign, bucket = row
    async with context.database.transaction(Lock.campaign(campaign)) as tx:
        if await tx.fetch_one("campaigns.doomed") != row:
            return True
        for statement in ("assignments.drop_range", "assignments.drop_trail_range"):
            if await tx.execute(statement, bucket=bucket, campaign=campaign, limit=RANGE):
                return True
        await tx.execute("campaigns.drop_assignees", no=campaign)
        await tx.execute("campaigns.drop_steps", no=campaign)
        await release_instructions(context, tx, campaign)
        await tx.execute("campaigns.drop", no=campaign)
    return True


async def _drop_dataset(context: Context) -> bool:
    row = await context.database.fetch_one("deletion.doomed_dataset", now=context.clock())
    if row is None:
        return False
    dataset, organization, bucket = row
    async with context.database.transaction(
        Lock.organization(organization, shared=True), Lock.dataset(dataset)
    ) as tx:
        if await tx.fetch_one("deletion.doomed_dataset", now=context.clock()) != row:
            return True
        # Content that forks share stays until the last of them is deleted.
        if await tx.execute(
            "deletion.drop_content_range", dataset=dataset, bucket=bucket, limit=RANGE
        ):
            return True
        await tx.execute(
            "deletion.drop_object_tags",
            organization=organization,
            object=dataset,
            target=str(TagTarget.DATASET),
        )
        await tx.execute("deletion.drop_dataset", dataset=dataset)
    return True


def fold_if_due(context: Context, scope: VersionScope, change: VersionChange) -> None:
    """Fold a version's deltas and collect garbage in the background, once every ``FOLD_EVERY`` changes."""
    if change.revision % FOLD_EVERY == 0:
        context.background.start(fold, context, scope.bucket, scope.no)
        context.background.start(_collect_due, context)


async def _collect_due(context: Context) -> None:
    await start_due_gc(context)


async def fold(context: Context, bucket: int, version: int) -> None:
    """Replace a version's deltas by one row for each label and one for the version."""
    async with context.database.transaction(Lock.version(version)) as tx:
        labels = await tx.fetch("counters.labels", bucket=bucket, version=version)
        totals = await tx.fetch("counters.totals", bucket=bucket, version=version)
        await tx.execute("counters.drop_label_deltas", bucket=bucket, version=version)
        await tx.execute("counters.drop_version_deltas", bucket=bucket, version=version)
        await tx.insert_many("counters.add_label_delta", _delta_rows(bucket, version, labels, 3))
        await tx.insert_many("counters.add_version_delta", _delta_rows(bucket, version, totals, 2))


def _delta_rows(
    bucket: int, version: int, rows: Iterable[tuple[int, ...]], width: int
) -> list[tuple[int, ...]]:
    return [(bucket, version, *row[:width]) for row in rows if any(row[:width])]
