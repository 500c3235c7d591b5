"""Rows of assets written again under other numbers: assets, their tags, their annotations.

Blobs travel as they are, and content is shared, unless labels have other keys where they go.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec

from headrace.model.columns import Shapes
from headrace.model.packing import pack, pack_counts, unpack, unpack_counts
from headrace.platform.core.asset_rows import VersionRows
from headrace.platform.core.counters import CounterDelta
from headrace.platform.core.listing import json_text
from headrace.platform.core.shape_storage import read_contents, store_blobs
from headrace.storage.database.base import Transaction
from headrace.threads import in_thread

NewKeys = Mapping[int, int]


class AnnotationRow(NamedTuple):
    """A row of an annotation, without its version."""

    asset: int
    no: int
    account: int
    status: str
    created: int
    duration: float
    shapes_n: int
    counts: bytes
    shapes: bytes | None
    content: int | None
    attributes: str | None


async def copy_assets(
    tx: Transaction, source: VersionRows, target: VersionRows, assets: NewKeys
) -> int:
    """Write assets again, ``assets`` giving the new numbers by the old ones; how many there were."""
    rows = await tx.fetch(
        "copy.assets",
        bucket=source.bucket,
        version=source.version,
        assets=json_text(list(assets)),
    )
    await tx.insert_many(
        "assets.add", [(target.bucket, target.version, assets[seq], *data) for seq, *data in rows]
    )
    return len(rows)


async def copy_tags(
    tx: Transaction, source: VersionRows, target: VersionRows, assets: NewKeys, tags: NewKeys
) -> None:
    """Attach to the new assets what the old ones have; tags that are not in ``tags`` are left out."""
    rows = await tx.fetch(
        "copy.asset_tags",
        bucket=source.bucket,
        version=source.version,
        assets=json_text(list(assets)),
    )
    await tx.insert_many(
        "assets.add_tag",
        [
            (target.bucket, target.version, tags[tag], assets[asset])
            for asset, tag in rows
            if tag in tags
        ],
    )


async def annotations_of(
    tx: Transaction, source: VersionRows, assets: Sequence[int]
) -> list[AnnotationRow]:
    """The annotations of some assets, oldest first."""
    rows = await tx.fetch(
        "copy.annotations",
        bucket=source.bucket,
        version=source.version,
        assets=json_text(assets),
    )
    return [AnnotationRow(*row) for row in rows]


async def write_annotations(
    tx: Transaction, target: VersionRows, annotations: Sequence[AnnotationRow], delta: CounterDelta
) -> None:
    """Write annotations that have got their new numbers already, and count them."""
    await tx.insert_many(
        "copy.add_annotation",
        [(target.bucket, target.version, *annotation) for annotation in annotations],
    )
    for annotation in annotations:
        delta.add(unpack_counts(annotation.counts))


async def relabelled(
    tx: Transaction, place: VersionRows, annotations: Sequence[AnnotationRow], labels: NewKeys
) -> list[AnnotationRow]:
    """Annotations whose labels have got other keys; those that are not touched by it share their content on."""
    moved = {old for old, new in labels.items() if old != new}
    touched = [a for a in annotations if moved and moved & unpack_counts(a.counts).keys()]
    if not touched:
        return list(annotations)
    contents = [a.content for a in touched if a.content is not None]
    blobs = await read_contents(tx, place, contents)
    read = [blobs[a.content] if a.content is not None else a.shapes or b"" for a in touched]
    written = await in_thread(lambda: [_relabelled(blob, labels) for blob in read])
    stored = await store_blobs(tx, place, written)
    changed = {
        a.no: a._replace(shapes=shapes, content=content, counts=_recounted(a.counts, labels))
        for a, (shapes, content) in zip(touched, stored, strict=True)
    }
    return [changed.get(a.no, a) for a in annotations]


def _relabelled(blob: bytes, labels: NewKeys) -> bytes:
    shapes = unpack(blob)
    groups = [
        msgspec.structs.replace(group, labels=[labels[key] for key in group.labels])
        for group in shapes.groups
    ]
    return pack(Shapes(groups, shapes.next_ordinal))


def _recounted(counts: bytes, labels: NewKeys) -> bytes:
    return pack_counts({labels[key]: number for key, number in unpack_counts(counts).items()})
