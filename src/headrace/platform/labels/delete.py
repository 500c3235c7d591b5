"""Delete labels and label groups, and merge labels. A label's shapes go first: no shape is ever without its label."""

from __future__ import annotations

from functools import partial
from uuid import UUID

from msgspec.structs import replace

from headrace.errors import BadRequestError
from headrace.model.columns import Shapes, select_shapes, with_group, with_ordinals
from headrace.model.ids import Kind
from headrace.platform.context import Context
from headrace.platform.core.access import Access
from headrace.platform.core.identifiers import missing
from headrace.platform.core.locking import version_locks
from headrace.platform.core.scopes import scope_of_part, touch
from headrace.platform.dispatch import handles
from headrace.platform.labels.rewrite import Change, check_free, rewrite_all
from headrace.protocol.operations.labels import (
    DELETE_LABEL,
    DELETE_LABEL_GROUP,
    MERGE_LABEL,
    LabelGroupId,
    LabelId,
    MergeLabel,
)


@handles(DELETE_LABEL)
async def delete_label(context: Context, access: Access, request: LabelId) -> None:
    """Delete a label and all its shapes; the annotations stay.

    The shapes are deleted in short transactions and the label in the last one. If the call is interrupted, the label
    is left with fewer shapes, and the same call continues.

    Raises:
        ConflictError: A job copies shapes into or out of the version; it could bring some of them back.
    """
    _, key = await scope_of_part(
        context.database, access, request.label_id, Kind.LABEL, change=True
    )
    await _drop(context, access, request.label_id, partial(_without, label=key))


@handles(MERGE_LABEL)
async def merge_label(context: Context, access: Access, request: MergeLabel) -> None:
    """Give all shapes of a label to another one, then delete the label, as ``delete_label`` does.

    Raises:
        BadRequestError: Both are the same label, or labels of two versions.
        ConflictError: A job copies shapes into or out of the version.
    """
    scope, key = await scope_of_part(
        context.database, access, request.label_id, Kind.LABEL, change=True
    )
    other, into = await scope_of_part(
        context.database, access, request.into_id, Kind.LABEL, change=True
    )
    if (other.no, other.bucket) != (scope.no, scope.bucket):
        raise BadRequestError("the labels belong to two versions", hint="merge within one version")
    if into == key:
        raise BadRequestError("a label cannot be merged into itself", hint="name another label")
    await _drop(context, access, request.label_id, partial(_relabelled, label=key, into=into))


@handles(DELETE_LABEL_GROUP)
async def delete_label_group(context: Context, access: Access, request: LabelGroupId) -> None:
    """Delete a group; its labels and subgroups are in no group afterwards."""
    locks = await version_locks(context, request.group_id, Kind.LABEL_GROUP)
    async with context.database.transaction(*locks) as tx:
        scope, key = await scope_of_part(
            tx, access, request.group_id, Kind.LABEL_GROUP, change=True
        )
        if not await tx.execute("labels.drop_group", version=scope.no, key=key):
            raise missing(Kind.LABEL_GROUP, request.group_id)
        await tx.execute("labels.leave_group", version=scope.no, key=key)
        await tx.execute("labels.leave_parent", version=scope.no, key=key)
        await touch(tx, scope)


async def _drop(context: Context, access: Access, label_id: UUID, change: Change) -> None:
    """Change the shapes of a label so that none is left, then delete it."""
    while True:
        scope, key = await scope_of_part(
            context.database, access, label_id, Kind.LABEL, change=True
        )
        await check_free(context.database, scope)
        await rewrite_all(context, access, label_id, scope, key, change)
        locks = await version_locks(context, label_id, Kind.LABEL)
        async with context.database.transaction(*locks) as tx:
            scope, key = await scope_of_part(tx, access, label_id, Kind.LABEL, change=True)
            await check_free(tx, scope)
            left = await tx.fetch_one(
                "counters.shapes_of_label", bucket=scope.bucket, version=scope.no, label=key
            )
            if left is not None and left[0]:
                continue  # another call added shapes meanwhile
            if not await tx.execute("labels.drop", version=scope.no, key=key):
                raise missing(Kind.LABEL, label_id)
            await tx.execute("labels.note_gone", version=scope.no, key=key)
            await touch(tx, scope)
            return


def _without(shapes: Shapes, *, label: int) -> Shapes:
    shapes = with_ordinals(shapes)
    for group in list(shapes.groups):
        left = [index for index, key in enumerate(group.labels) if key != label]
        if len(left) < len(group.labels):
            shapes = with_group(shapes, select_shapes(group, left))
    return shapes


def _relabelled(shapes: Shapes, *, label: int, into: int) -> Shapes:
    for group in list(shapes.groups):
        if label in group.labels:
            labels = [into if key == label else key for key in group.labels]
            shapes = with_group(shapes, replace(group, labels=labels))
    return shapes
