"""Copy rows of assets, their tags and their annotations under new numbers.

Blobs are copied unchanged and large contents are shared, unless labels have other keys in the target.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from headrace.model.blob.counts import pack_counts, unpack_counts
from headrace.model.blob.pack import pack_page
from headrace.model.blob.unpack import unpack_page
from headrace.platform.core.asset_rows import VersionRows
from headrace.platform.core.counters import CounterDelta
from headrace.platform.core.listing import json_text
from headrace.platform.core.shape_storage import read_contents, store_blobs
from headrace.storage.database.base import Database, Transaction
from headrace.threads import in_thread

KeyMap = Mapping[int, int]


class AnnotationRow(NamedTuple):
    """A row of an annotation, without the columns of its version."""

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
    tx: Transaction, source: VersionRows, target: VersionRows, assets: KeyMap
) -> int:
    """Copy assets, with ``assets`` the new numbers by the old ones; return how many were copied."""
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
    tx: Transaction, source: VersionRows, target: VersionRows, assets: KeyMap, tags: KeyMap
) -> None:
    """Attach the tags of the old assets to the new ones; tags missing in ``tags`` are left out."""
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


async def read_annotations(
    tx: Transaction, source: VersionRows, assets: Sequence[int]
) -> list[AnnotationRow]:
    """Read the annotations of some assets, oldest first."""
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
    """Write annotations that already have their new numbers, and count them."""
    await tx.insert_many(
        "copy.add_annotation",
        [(target.bucket, target.version, *annotation) for annotation in annotations],
    )
    for annotation in annotations:
        delta.add(unpack_counts(annotation.counts), annotation.asset)


async def relabel(
    database: Database,
    tx: Transaction,
    target: VersionRows,
    annotations: Sequence[AnnotationRow],
    labels: KeyMap,
) -> list[AnnotationRow]:
    """Replace label keys in annotations; annotations without such labels keep sharing their content."""
    moved = {old for old, new in labels.items() if old != new}
    affected = [a for a in annotations if moved and moved & unpack_counts(a.counts).keys()]
    if not affected:
        return list(annotations)
    contents = [a.content for a in affected if a.content is not None]
    blobs = await read_contents(tx, target, contents)
    read = [blobs[a.content] if a.content is not None else a.shapes or b"" for a in affected]
    written = await in_thread(lambda: relabel_blobs(read, labels))
    stored = await store_blobs(database, tx, target, written)
    changed = {
        a.no: a._replace(shapes=shapes, content=content, counts=relabel_counts(a.counts, labels))
        for a, (shapes, content) in zip(affected, stored, strict=True)
    }
    return [changed.get(a.no, a) for a in annotations]


def relabel_blobs(blobs: Sequence[bytes], labels: KeyMap) -> list[bytes]:
    """Replace the keys of labels in blobs."""
    page = unpack_page(blobs)
    for shapes in page:
        for group in shapes.groups:
            group.labels = [labels[key] for key in group.labels]
    return pack_page(page)


def relabel_counts(counts: bytes, labels: KeyMap) -> bytes:
    """Replace the keys of labels in packed counts."""
    return pack_counts({labels[key]: number for key, number in unpack_counts(counts).items()})
