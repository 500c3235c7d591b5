"""Which assets of a version have which labels, kept beside the annotations, so that listings by label read none of them.

Every transaction that changes annotations updates the marks of their assets: ``CounterDelta.write`` writes
:func:`new_marks`.
Versions of older lakes are marked in ranges (``platform/jobs/marking.py``).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from itertools import product
from typing import Any

from headrace.model.blob.counts import unpack_counts
from headrace.platform.core import asset_set
from headrace.platform.core.listing import json_text
from headrace.storage.database.base import Row, Statements, Transaction
from headrace.threads import in_thread_if

BLOCK = asset_set.SIZE
"""Neighbouring assets whose marks of one label are one row."""

_MANY_PAIRS = 5_000
"""From how many pairs of a block and a label on their text is made on a thread."""

Marks = Mapping[tuple[int, int], bytes]
"""Stored sets of assets by block and label."""

Inserts = tuple[str, list[tuple[Any, ...]]]
"""A statement and the rows that it is run for, at least one."""


async def new_marks(
    tx: Transaction,
    bucket: int,
    version: int,
    added: Mapping[int, Collection[int]],
    reduced: Collection[int],
    lost: Collection[int],
) -> list[Inserts]:
    """Return what marks assets after a change of their annotations.

    Args:
        tx: The transaction of the change.
        bucket: The bucket of the version.
        version: The number of the version.
        added: The labels of the new annotations of an asset, by asset.
        reduced: Assets that lost annotations; those that are left are read again.
        lost: The labels of the annotations that were lost.
    """
    more = _more(added)
    members = _members(await _counts(tx, bucket, version, reduced) if reduced else ())
    among: dict[int, set[int]] = defaultdict(set)
    for asset in reduced:
        among[asset // BLOCK].add(asset % BLOCK)
    read = members.keys() | {(block, label) for block in among for label in lost}
    keys = more.keys() | read
    if not keys:
        return []
    old = await read_marks(tx, bucket, version, keys)
    new = {key: old.get(key, b"") for key in keys}
    for key in read:
        new[key] = asset_set.replaced(new[key], among[key[0]], members.get(key, set()))
    for key, numbers in more.items():
        new[key] = asset_set.extended(new[key], numbers)
    return _changes(bucket, version, old, new)


def _more(added: Mapping[int, Collection[int]]) -> dict[tuple[int, int], list[int]]:
    """Return the offsets of assets in their blocks, ascending, by block and label.

    An import calls this with every label of every image.
    """
    more: dict[tuple[int, int], list[int]] = defaultdict(list)
    for asset in sorted(added):
        block, offset = divmod(asset, BLOCK)
        for label in added[asset]:
            more[block, label].append(offset)
    return more


async def mark_range(tx: Transaction, bucket: int, version: int, first: int, end: int) -> None:
    """Mark the assets ``first`` to ``end`` (exclusive) of one block, of whose annotations some are not marked."""
    place: dict[str, Any] = {"bucket": bucket, "version": version}
    counts = await tx.fetch("marks.counts_of_range", first=first, end=end, **place)
    members, block = _members(counts), first // BLOCK
    old = await _of_blocks(tx, bucket, version, block, block)
    among = {*range(first % BLOCK, first % BLOCK + end - first)}
    new = {
        key: asset_set.replaced(old.get(key, b""), among, members.get(key, set()))
        for key in old.keys() | members.keys()
    }
    await _write(tx, bucket, version, old, new)


async def marks_between(
    tx: Transaction, version: tuple[int, int], after: int, until: int
) -> dict[tuple[int, int], bytes]:
    """Read the marks of the blocks of some assets: arguments as those of :func:`copy_marks`."""
    return await _of_blocks(tx, *version, (after + 1) // BLOCK, until // BLOCK)


async def copy_marks(
    tx: Transaction,
    source: tuple[int, int],
    target: tuple[int, int],
    after: int,
    until: int,
    before: Marks,
) -> None:
    """Copy the marks of assets that were copied with their numbers and annotations.

    Imports may have added annotations to the source meanwhile. Where they changed marks of a block, it is not known which
    of them belong to the annotations that were copied, and those are read.

    Args:
        tx: The transaction in which they were copied.
        source: Bucket and number of the version they come from.
        target: Bucket and number of the version they were copied into.
        after: The assets have greater numbers than this.
        until: The greatest number.
        before: The marks of the source, read in the same transaction before the annotations were copied.
    """
    found = await marks_between(tx, source, after, until)
    old = await marks_between(tx, target, after, until)
    changed = {key[0] for key, assets in found.items() if assets != before.get(key)}
    new = {}
    for (block, label), stored in found.items():
        if block in changed:
            continue
        bits = asset_set.to_bits(stored) & _span(after + 1 - block * BLOCK, until - block * BLOCK)
        bits |= asset_set.to_bits(old.get((block, label), b""))
        new[block, label] = asset_set.from_bits(bits)
    await _write(tx, *target, old, new)
    for block in sorted(changed):
        first, end = max(after + 1, block * BLOCK), min(until + 1, (block + 1) * BLOCK)
        await mark_range(tx, *target, first, end)


async def read_marks(
    statements: Statements,
    bucket: int,
    version: int,
    keys: Iterable[tuple[int, int]],
) -> dict[tuple[int, int], bytes]:
    """Read marks by block and label."""
    rows = await statements.fetch("marks.sets", pairs=_pairs(keys), bucket=bucket, version=version)
    return {(block, label): assets for block, label, assets in rows}


async def count_marks(
    statements: Statements, bucket: int, version: int, labels: Collection[int], horizon: int
) -> int:
    """Count the assets below ``horizon`` that have a label; with several labels, an asset counts for each."""
    blocks = horizon // BLOCK + 1
    many = blocks * len(labels) > _MANY_PAIRS
    row = await statements.fetch_one(
        "marks.sizes",
        pairs=await in_thread_if(many, _pairs, product(range(blocks), labels)),
        bucket=bucket,
        version=version,
    )
    assert row is not None
    return int(row[0])


async def marked_horizon(statements: Statements, version: int) -> tuple[int, bool]:
    """Return the number that the next asset of a version will get, and whether some assets are not marked."""
    row = await statements.fetch_one("marks.horizon", version=version)
    assert row is not None
    return row[0], row[1] is not None


def _pairs(keys: Iterable[tuple[int, int]]) -> str:
    # In the order of the index, in which neighbours are found fastest.
    return json_text(sorted(block << 32 | label for block, label in keys))


async def _of_blocks(
    tx: Transaction, bucket: int, version: int, first: int, last: int
) -> dict[tuple[int, int], bytes]:
    rows = await tx.fetch(
        "marks.sets_of_blocks", bucket=bucket, version=version, first=first, last=last
    )
    return {(block, label): assets for block, label, assets in rows}


async def _counts(tx: Transaction, bucket: int, version: int, assets: Collection[int]) -> list[Row]:
    """Read the counts of all annotations of these assets."""
    place: dict[str, Any] = {"bucket": bucket, "version": version}
    first, end = min(assets), max(assets) + 1
    if end - first > 2 * len(assets):
        return await tx.fetch("marks.counts_of_assets", assets=json_text([*assets]), **place)
    # Neighbours, as in an import or a deletion in ranges, are read as one range.
    rows = await tx.fetch("marks.counts_of_range", first=first, end=end, **place)
    return rows if end - first == len(assets) else [row for row in rows if row[0] in assets]


def _members(counts: Iterable[Row]) -> defaultdict[tuple[int, int], set[int]]:
    members: defaultdict[tuple[int, int], set[int]] = defaultdict(set)
    for asset, packed in counts:
        block, offset = divmod(asset, BLOCK)
        for label in unpack_counts(packed):
            members[block, label].add(offset)
    return members


def _span(first: int, last: int) -> int:
    """Return the bits from ``first`` to ``last`` that are in a block."""
    first, last = max(first, 0), min(last, BLOCK - 1)
    return (1 << last + 1) - (1 << first)


async def _write(tx: Transaction, bucket: int, version: int, old: Marks, new: Marks) -> None:
    for statement, rows in _changes(bucket, version, old, new):
        await tx.insert_many(statement, rows)


def _changes(bucket: int, version: int, old: Marks, new: Marks) -> list[Inserts]:
    changed = [(key, assets) for key, assets in new.items() if assets != old.get(key, b"")]
    put: list[tuple[Any, ...]] = [
        (bucket, version, *key, asset_set.size_of(assets), assets)
        for key, assets in changed
        if assets
    ]
    gone: list[tuple[Any, ...]] = [(bucket, version, *key) for key, assets in changed if not assets]
    rows = (("marks.put", put), ("marks.drop", gone))
    return [(statement, each) for statement, each in rows if each]
