"""Delete labels and label groups. A label's shapes are deleted first, in ranges: no shape is ever without its label."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

from headrace.errors import ConflictError
from headrace.model.columns import select_shapes, with_group, with_ordinals
from headrace.model.ids import Kind
from headrace.model.packing import pack, pack_counts, unpack, unpack_counts
from headrace.platform.context import Context
from headrace.platform.core.access import Access
from headrace.platform.core.counters import CounterDelta
from headrace.platform.core.identifiers import missing
from headrace.platform.core.listing import json_text
from headrace.platform.core.scopes import VersionScope, scope_of_part, touch
from headrace.platform.core.shape_storage import drop_contents, store_blobs
from headrace.platform.dispatch import handles
from headrace.platform.jobs.maintenance import fold_if_due
from headrace.protocol.operations.labels import (
    DELETE_LABEL,
    DELETE_LABEL_GROUP,
    LabelGroupId,
    LabelId,
)
from headrace.storage.database.base import Statements, Transaction
from headrace.threads import in_thread

RANGE = 250
"""Annotations that one transaction rewrites."""


class AnnotationWithLabel(NamedTuple):
    """An annotation that has shapes of the label, as it was read."""

    asset: int
    no: int
    counts: bytes
    content: int | None
    blob: bytes


class StrippedShapes(NamedTuple):
    """The shapes of an annotation after the label's shapes were removed."""

    blob: bytes
    counts: Counter[int]


@handles(DELETE_LABEL)
async def delete_label(context: Context, access: Access, request: LabelId) -> None:
    """Delete a label and all its shapes; the annotations stay.

    The shapes are deleted in short transactions and the label in the last one. If the call is interrupted, the label
    is left with fewer shapes, and the same call continues.

    Raises:
        ConflictError: A job copies shapes into or out of the version; it could bring some of them back.
    """
    while True:
        scope, key = await scope_of_part(
            context.database, access, request.label_id, Kind.LABEL, change=True
        )
        await _check_free(context.database, scope)
        await _strip_all(context, access, request, scope, key)
        async with context.database.transaction() as tx:
            scope, key = await scope_of_part(tx, access, request.label_id, Kind.LABEL, change=True)
            await _check_free(tx, scope)
            left = await tx.fetch_one(
                "counters.shapes_of_label", bucket=scope.bucket, version=scope.no, label=key
            )
            if left is not None and left[0]:
                continue  # another call added shapes meanwhile
            if not await tx.execute("labels.drop", version=scope.no, key=key):
                raise missing(Kind.LABEL, request.label_id)
            await tx.execute("labels.note_gone", version=scope.no, key=key)
            await touch(tx, scope)
            return


@handles(DELETE_LABEL_GROUP)
async def delete_label_group(context: Context, access: Access, request: LabelGroupId) -> None:
    """Delete a group; its labels and subgroups are in no group afterwards."""
    async with context.database.transaction() as tx:
        scope, key = await scope_of_part(
            tx, access, request.group_id, Kind.LABEL_GROUP, change=True
        )
        if not await tx.execute("labels.drop_group", version=scope.no, key=key):
            raise missing(Kind.LABEL_GROUP, request.group_id)
        await tx.execute("labels.leave_group", version=scope.no, key=key)
        await tx.execute("labels.leave_parent", version=scope.no, key=key)
        await touch(tx, scope)


async def _check_free(statements: Statements, scope: VersionScope) -> None:
    row = await statements.fetch_one("labels.used_by_job", version=scope.no)
    if row is not None:
        raise ConflictError(
            f"a job ({row[0].lower()}) is using the labels of {scope.full_name}",
            hint="wait until it has ended, or cancel it",
        )


async def _strip_all(
    context: Context, access: Access, request: LabelId, scope: VersionScope, label: int
) -> None:
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
        ready = dict(zip(found, await in_thread(_stripped, found, label), strict=True))
        async with context.database.transaction() as tx:
            scope, _ = await scope_of_part(tx, access, request.label_id, Kind.LABEL, change=True)
            change = await touch(tx, scope)
            await _write(tx, scope, ready, label)
        fold_if_due(context, scope, change)


async def _write(
    tx: Transaction,
    scope: VersionScope,
    ready: dict[AnnotationWithLabel, StrippedShapes],
    label: int,
) -> None:
    keys = json_text([annotation.no for annotation in ready])
    rows = await tx.fetch("single_annotations.with_shapes", keys=keys, **_params(scope))
    current = [AnnotationWithLabel(*row) for row in rows]
    # Other calls changed these since they were read.
    changed = [annotation for annotation in current if annotation not in ready]
    ready = ready | dict(zip(changed, await in_thread(_stripped, changed, label), strict=True))
    await drop_contents(tx, scope, [annotation.content for annotation in current])
    stored = await store_blobs(tx, scope, [ready[annotation].blob for annotation in current])
    delta = CounterDelta()
    changes = []
    for annotation, blob in zip(current, stored, strict=True):
        counts = ready[annotation].counts
        key = (scope.bucket, scope.no, annotation.asset, annotation.no)
        changes.append((counts.total(), pack_counts(counts), *blob, *key))
        delta.remove(unpack_counts(annotation.counts))
        delta.add(counts)
    await tx.insert_many("single_annotations.rewrite_shapes", changes)
    await delta.write(tx, scope.bucket, scope.no)


def _stripped(annotations: Sequence[AnnotationWithLabel], label: int) -> list[StrippedShapes]:
    return [_without(annotation.blob, label) for annotation in annotations]


def _without(blob: bytes, label: int) -> StrippedShapes:
    shapes = with_ordinals(unpack(blob))
    for group in list(shapes.groups):
        left = [index for index, key in enumerate(group.labels) if key != label]
        if len(left) < len(group.labels):
            shapes = with_group(shapes, select_shapes(group, left))
    return StrippedShapes(pack(shapes), shapes.label_counts())


def _params(scope: VersionScope) -> dict[str, Any]:
    return {
        "bucket": scope.bucket,
        "version": scope.no,
        "dataset": scope.dataset,
        "dataset_bucket": scope.dataset_bucket,
    }
