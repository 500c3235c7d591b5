"""Skeletons: the names of a label's keypoints, and the edges between them."""

from __future__ import annotations

import msgspec

from headrace.errors import BadRequestError
from headrace.model.ids import Kind
from headrace.platform.context import Context
from headrace.platform.core.access import Access
from headrace.platform.core.identifiers import missing
from headrace.platform.core.locking import version_locks
from headrace.platform.core.scopes import scope_of_part, touch, version_scope
from headrace.platform.dispatch import handles
from headrace.protocol.operations.label_details import (
    GET_SKELETON,
    LIST_SKELETONS,
    SET_SKELETON,
    SetSkeleton,
    SkeletonRecord,
    SkeletonsRecord,
)
from headrace.protocol.operations.labels import LabelId, ListLabels

MAX_VERTICES = 1_000
MAX_EDGES = 10_000

_skeleton = msgspec.json.Decoder(SkeletonRecord)


@handles(LIST_SKELETONS)
async def list_skeletons(context: Context, access: Access, request: ListLabels) -> SkeletonsRecord:
    """List the skeletons of a version's labels, in order of creation of the labels."""
    scope = await version_scope(context.database, access, request.version_id)
    ids = scope.ids(Kind.LABEL)
    rows = await context.database.fetch("labels.skeletons", version=scope.no)
    return SkeletonsRecord(items={ids.text(key): _skeleton.decode(text) for key, text in rows})


@handles(GET_SKELETON)
async def get_skeleton(context: Context, access: Access, request: LabelId) -> SkeletonRecord:
    """Get the skeleton of a label; an empty one if it has none."""
    scope, key = await scope_of_part(context.database, access, request.label_id, Kind.LABEL)
    row = await context.database.fetch_one("labels.skeleton", version=scope.no, key=key)
    if row is None:
        raise missing(Kind.LABEL, request.label_id)
    return SkeletonRecord(vertices=[], edges=[]) if row[0] is None else _skeleton.decode(row[0])


@handles(SET_SKELETON)
async def set_skeleton(context: Context, access: Access, request: SetSkeleton) -> None:
    """Set the skeleton of a label; 400 if an edge names an unknown vertex."""
    _check(request)
    text = None
    if request.vertices:
        skeleton = SkeletonRecord(vertices=request.vertices, edges=request.edges)
        text = msgspec.json.encode(skeleton).decode()
    locks = await version_locks(context, request.label_id, Kind.LABEL)
    async with context.database.transaction(*locks) as tx:
        scope, key = await scope_of_part(tx, access, request.label_id, Kind.LABEL, change=True)
        await touch(tx, scope)
        if not await tx.execute("labels.set_skeleton", version=scope.no, key=key, skeleton=text):
            raise missing(Kind.LABEL, request.label_id)


def _check(request: SetSkeleton) -> None:
    count = len(request.vertices)
    if count > MAX_VERTICES or len(request.edges) > MAX_EDGES:
        raise BadRequestError(
            f"the skeleton has {count} vertices and {len(request.edges)} edges",
            hint=f"at most {MAX_VERTICES} and {MAX_EDGES}",
        )
    for edge in request.edges:
        if not all(1 <= end <= count for end in edge):
            raise BadRequestError(
                f"edge {list(edge)} does not join two of the {count} vertices",
                hint="vertices are counted from 1",
            )
