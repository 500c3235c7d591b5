"""Taking assets out of versions, with their annotations, tags and counters; in ranges, so that others may write."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any, NamedTuple

from headrace.errors import LockedError
from headrace.model.packing import unpack_counts
from headrace.platform.core.counters import CounterDelta
from headrace.platform.core.listing import json_text
from headrace.storage.database.base import Transaction

RANGE = 1000
"""Assets that one transaction takes out: the writer is held for some ten milliseconds."""


class VersionRows(NamedTuple):
    """Where the rows of a version's assets lie."""

    version: int
    bucket: int
    dataset: int
    dataset_bucket: int


async def remove_assets(tx: Transaction, place: VersionRows, seqs: Sequence[int]) -> int:
    """Take assets (at most :data:`RANGE`) out of a version that stays; the number of those that were in."""
    keys = json_text(seqs)
    rows = await tx.fetch(
        "deletion.annotations_of_assets", bucket=place.bucket, version=place.version, assets=keys
    )
    removed = await drop_assets(tx, place, keys)
    delta = CounterDelta(assets=-removed)
    for (counts,) in rows:
        delta.remove(unpack_counts(counts))
    await delta.write(tx, place.bucket, place.version)
    return removed


async def remove_assets_of_data(
    tx: Transaction, lake_bucket: int, numbers: Sequence[int], *, limit: int = RANGE
) -> bool:
    """Take up to ``limit`` assets of these data out of all versions; whether none is left.

    Raises :class:`LockedError` where one of the versions is locked.
    """
    rows = await tx.fetch(
        "deletion.assets_of_data",
        lake_bucket=lake_bucket,
        data=json_text(numbers),
        limit=limit + 1,
    )
    for place, found in groupby(rows[:limit], lambda row: VersionRows(*row[:4])):
        assets = list(found)
        state, locked, dataset, version = assets[0][4:8]
        if locked and state == "ACTIVE":
            raise LockedError(
                f"the data is in version {dataset}/{version}, which is locked",
                hint="unlock it first",
            )
        await remove_assets(tx, place, [row[8] for row in assets])
        await tx.execute("deletion.touch", version=place.version)
    return len(rows) <= limit


async def drop_assets(tx: Transaction, place: VersionRows, keys: str) -> int:
    """Delete the rows of assets, whose seqs are ``keys`` as JSON, without a word to the counters."""
    scope: dict[str, Any] = {"bucket": place.bucket, "version": place.version, "assets": keys}
    await tx.execute(
        "deletion.drop_content_of_assets",
        dataset=place.dataset,
        dataset_bucket=place.dataset_bucket,
        **scope,
    )
    await tx.execute("deletion.note_garbage_of_assets", dataset=place.dataset, **scope)
    await tx.execute("deletion.drop_annotations_of_assets", **scope)
    await tx.execute("deletion.drop_tags_of_assets", **scope)
    await tx.execute("assignments.drop_of_assets", **scope)
    await tx.execute("assignments.drop_trails_of_assets", **scope)
    return await tx.execute("deletion.drop_assets", **scope)
