"""Remove assets from versions with their annotations and tags, in ranges, so that other writers get their turn."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any, NamedTuple

from headrace.errors import locked_version
from headrace.model.blob.counts import unpack_counts
from headrace.platform.core.counters import CounterDelta
from headrace.platform.core.listing import json_text
from headrace.storage.database.base import Transaction

RANGE = 1000
"""Assets that one transaction removes; it holds the writer for about ten milliseconds."""


class VersionRows(NamedTuple):
    """The keys that a version's asset rows carry."""

    version: int
    bucket: int
    dataset: int
    dataset_bucket: int


async def remove_assets(tx: Transaction, rows: VersionRows, seqs: Sequence[int]) -> int:
    """Remove assets (at most :data:`RANGE`) from a version and update its counters.

    Returns:
        How many of the assets were in the version.
    """
    keys = json_text(seqs)
    annotations = await tx.fetch(
        "deletion.annotations_of_assets", bucket=rows.bucket, version=rows.version, assets=keys
    )
    removed = await drop_assets(tx, rows, keys)
    delta = CounterDelta(assets=-removed)
    for asset, counts in annotations:
        delta.remove(unpack_counts(counts), asset)
    await delta.write(tx, rows.bucket, rows.version)
    return removed


async def remove_assets_of_data(
    tx: Transaction, lake_bucket: int, numbers: Sequence[int], *, limit: int = RANGE
) -> bool:
    """Remove up to ``limit`` assets of these data from all versions.

    Returns:
        True if no asset of the data is left.

    Raises:
        LockedError: One of the versions is locked.
    """
    found = await tx.fetch(
        "deletion.assets_of_data",
        lake_bucket=lake_bucket,
        data=json_text(numbers),
        limit=limit + 1,
    )
    for rows, group in groupby(found[:limit], lambda row: VersionRows(*row[:4])):
        assets = list(group)
        state, locked, dataset, version = assets[0][4:8]
        if locked and state == "ACTIVE":
            raise locked_version(f"{dataset}/{version}", what="the data is in a version: ")
        await remove_assets(tx, rows, [row[8] for row in assets])
        await tx.execute("deletion.touch", version=rows.version)
    return len(found) <= limit


async def drop_assets(tx: Transaction, rows: VersionRows, keys: str) -> int:
    """Delete the rows of assets without updating counters; ``keys`` is a JSON list of their sequence numbers."""
    scope: dict[str, Any] = {"bucket": rows.bucket, "version": rows.version, "assets": keys}
    await tx.execute(
        "deletion.drop_content_of_assets",
        dataset=rows.dataset,
        dataset_bucket=rows.dataset_bucket,
        **scope,
    )
    await tx.execute("deletion.note_garbage_of_assets", dataset=rows.dataset, **scope)
    await tx.execute("deletion.drop_annotations_of_assets", **scope)
    await tx.execute("deletion.drop_tags_of_assets", **scope)
    await tx.execute("assignments.drop_of_assets", **scope)
    await tx.execute("assignments.drop_trails_of_assets", **scope)
    return await tx.execute("deletion.drop_assets", **scope)
