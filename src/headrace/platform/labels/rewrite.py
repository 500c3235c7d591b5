"""Rewrite the shapes of a label in all annotations of a version, in ranges: a short transaction for each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from headrace.errors import ConflictError
from headrace.model.blob.counts import pack_counts, unpack_counts
from headrace.model.blob.pack import pack_page
from headrace.model.blob.unpack import unpack_page
from headrace.model.columns import Shapes
from headrace.model.ids import Kind
from headrace.platform.context import Context
from headrace.platform.core.access import Access
from headrace.platform.core.counters import CounterDelta
from headrace.platform.core.listing import json_text
from headrace.platform.core.locking import version_locks
from headrace.platform.core.scopes import VersionScope, scope_of_part, touch
from headrace.platform.core.shape_storage import drop_contents, store_blobs
from headrace.platform.jobs.maintenance import fold_if_due
from headrace.storage.database.base import Statements, Transaction
from headrace.threads import in_thread

RANGE = 250
"""Annotations that one transaction rewrites."""

Change = Callable[[Shapes], Shapes]
"""What becomes of the shapes of an annotation."""


class AnnotationWithLabel(NamedTuple):
    """An annotation that has shapes of the label, as it was read."""

    asset: int
    no: int
    counts: bytes
    content: int | None
    blob: bytes


class ChangedShapes(NamedTuple):
    """The shapes of an annotation after the change."""

    blob: bytes
    counts: Counter[int]


async def check_free(statements: Statements, scope: VersionScope) -> None:
    """Raise ConflictError while a job copies shapes into or out of the version: it could bring some of them back."""
    row = await statements.fetch_one("labels.used_by_job", version=scope.no)
    if row is not None:
        raise ConflictError(
            f"a job ({row[0].lower()}) is using the labels of {scope.full_name}",
            hint="wait until it has ended, or cancel it",
        )


async def rewrite_all(
    context: Context,
    access: Access,
    label_id: UUID,
    scope: VersionScope,
    label: int,
    change: Change,
) -> None:
    """Change the shapes of every annotation that has shapes of a label.

    Args:
        context: The platform.
        access: The caller.
        label_id: The id of the label; each transaction looks it up again.
        scope: The version of the label.
        label: The key of the label in the version.
        change: Called on a thread with the shapes of an annotation.
    """
    asset = no = -1
    while True:
        rows = await context.database.fetch(
            "single_annotations.with_label",
            asset=asset,
            no=no,
            label=label,
            limit=RANGE,
            **_params(scope),
        )
        if not rows:
            return
        found = [AnnotationWithLabel(*row) for row in rows]
        asset, no = found[-1].asset, found[-1].no
        ready = dict(zip(found, await in_thread(_changed, found, change), strict=True))
        locks = await version_locks(context, label_id, Kind.LABEL)
        async with context.database.transaction(*locks) as tx:
            scope, _ = await scope_of_part(tx, access, label_id, Kind.LABEL, change=True)
            version_change = await touch(tx, scope)
            await _write(context, tx, scope, ready, change)
        fold_if_due(context, scope, version_change)


async def _write(
    context: Context,
    tx: Transaction,
    scope: VersionScope,
    ready: dict[AnnotationWithLabel, ChangedShapes],
    change: Change,
) -> None:
    keys = json_text([annotation.no for annotation in ready])
    rows = await tx.fetch("single_annotations.with_shapes", keys=keys, **_params(scope))
    current = [AnnotationWithLabel(*row) for row in rows]
    # Other calls changed these since they were read.
    newer = [annotation for annotation in current if annotation not in ready]
    ready = ready | dict(zip(newer, await in_thread(_changed, newer, change), strict=True))
    await drop_contents(tx, scope, [annotation.content for annotation in current])
    blobs = [ready[annotation].blob for annotation in current]
    stored = await store_blobs(context.database, tx, scope, blobs)
    delta = CounterDelta()
    changes = []
    for annotation, blob in zip(current, stored, strict=True):
        counts = ready[annotation].counts
        key = (scope.bucket, scope.no, annotation.asset, annotation.no)
        changes.append((counts.total(), pack_counts(counts), *blob, *key))
        delta.remove(unpack_counts(annotation.counts), annotation.asset)
        delta.add(counts, annotation.asset)
    await tx.insert_many("single_annotations.rewrite_shapes", changes)
    await delta.write(tx, scope.bucket, scope.no)


def _changed(annotations: Sequence[AnnotationWithLabel], change: Change) -> list[ChangedShapes]:
    shapes = list(map(change, unpack_page([annotation.blob for annotation in annotations])))
    packed = pack_page(shapes)
    return [
        ChangedShapes(blob, each.label_counts()) for blob, each in zip(packed, shapes, strict=True)
    ]


def _params(scope: VersionScope) -> dict[str, Any]:
    return {
        "bucket": scope.bucket,
        "version": scope.no,
        "dataset": scope.dataset,
        "dataset_bucket": scope.dataset_bucket,
    }
