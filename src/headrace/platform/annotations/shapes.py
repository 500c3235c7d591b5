"""Single shapes: listed, added to an annotation, read, changed and deleted; and an annotation overwritten.

The handlers of all kinds are made from the same functions: :func:`add_handlers` registers those of one kind.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec

from headrace.errors import NotFoundError
from headrace.model.columns import (
    FLAT,
    Group,
    ShapeKind,
    Shapes,
    chosen,
    joined,
    numbered,
    with_group,
)
from headrace.model.ids import Kind
from headrace.model.packing import unpack
from headrace.model.records import AnnotationRecord, Items
from headrace.platform.annotations.load import sizes_of
from headrace.platform.annotations.shape_edits import (
    StoredShapes,
    label_key,
    prepared,
    rewrite,
    stored_shapes,
)
from headrace.platform.annotations.shape_records import shape_records
from headrace.platform.annotations.single import annotation_record, check_duration
from headrace.platform.campaigns.transitions import claim_for_edit
from headrace.platform.context import Context
from headrace.platform.core.access import Access
from headrace.platform.core.scopes import VersionScope, scope_of_part, scope_of_shape
from headrace.platform.dispatch import handles
from headrace.platform.jobs.maintenance import fold_if_due
from headrace.platform.labels.labels import label_record
from headrace.protocol.operation import Operation
from headrace.protocol.operations import shapes as operations
from headrace.protocol.operations.annotating import SAVE_ANNOTATION, AnnotationId, SaveAnnotation
from headrace.protocol.operations.annotations import ImportItem
from headrace.storage.database.base import Statements
from headrace.threads import in_thread


def add_handlers(
    kind: ShapeKind,
    field: str,
    *,
    list: Operation[Any, Any],
    create: Operation[Any, Any],
    get: Operation[Any, Any],
    delete: Operation[Any, Any],
    update: Operation[Any, Any] | None = None,
) -> None:
    """Register the handlers of the operations on one kind of shape; ``field`` is the wire's name for a list of them."""

    @handles(list)
    async def list_shapes(context: Context, access: Access, request: AnnotationId) -> Items[Any]:
        database = context.database
        scope, no = await scope_of_part(database, access, request.annotation_id, Kind.ANNOTATION)
        found = await stored_shapes(database, scope, no)
        return Items(items=await _shown(database, access, scope, found, kind))

    @handles(create)
    async def create_shapes(context: Context, access: Access, request: Any) -> Any:
        made = await _create(context, access, request.annotation_id, kind, field, request)
        return create.result(**{field: made})

    @handles(get)
    async def get_shape(context: Context, access: Access, request: operations.ShapeId) -> Any:
        scope, no, ordinal = await scope_of_shape(context.database, access, request.shape_id)
        found = await _annotation_of(context.database, scope, no, request.shape_id)
        return await _one(context.database, access, scope, found, kind, ordinal, request.shape_id)

    async def update_shape(
        context: Context, access: Access, request: operations.UpdateShape
    ) -> Any:
        return await _update(context, access, kind, request)

    @handles(delete)
    async def delete_shape(context: Context, access: Access, request: operations.ShapeId) -> None:
        await _delete(context, access, kind, request.shape_id)

    if update is not None:
        handles(update)(update_shape)


@handles(SAVE_ANNOTATION)
async def save_annotation(
    context: Context, access: Access, request: SaveAnnotation
) -> AnnotationRecord:
    """Put these shapes in the place of all that the annotation has; ids of old ones are never given again."""
    check_duration(request.duration)
    async with context.database.transaction() as tx:
        scope, no = await scope_of_part(
            tx, access, request.annotation_id, Kind.ANNOTATION, change=True
        )
        old = await stored_shapes(tx, scope, no)
        await claim_for_edit(tx, access, scope, old.asset)
        content: dict[str, Any] = {
            name: getattr(request, name) or []
            for name in request.__struct_fields__
            if name not in ("annotation_id", "duration")
        }
        item = ImportItem(asset_id=scope.ids(Kind.ASSET).text(old.asset), **content)
        new = await prepared(tx, scope, old.asset, item)
        _, taken = await rewrite(
            tx,
            scope,
            old,
            lambda shapes: joined(Shapes([], numbered(shapes).next_ordinal), new.shapes),
            duration=request.duration,
        )
        record = await annotation_record(tx, scope, no)
    fold_if_due(context, scope, taken)
    return record


async def _create(
    context: Context,
    access: Access,
    annotation_id: UUID,
    kind: ShapeKind,
    field: str,
    request: Any,
) -> list[Any]:
    wanted = getattr(request, field)
    async with context.database.transaction() as tx:
        scope, no = await scope_of_part(tx, access, annotation_id, Kind.ANNOTATION, change=True)
        old = await stored_shapes(tx, scope, no)
        if not wanted:
            return []
        await claim_for_edit(tx, access, scope, old.asset)
        item = ImportItem(asset_id=scope.ids(Kind.ASSET).text(old.asset), **{field: wanted})
        new = await prepared(tx, scope, old.asset, item)
        blob, taken = await rewrite(tx, scope, old, lambda shapes: joined(shapes, new.shapes))
        found = old._replace(blob=blob)
        made = await _shown(tx, access, scope, found, kind, last=len(wanted))
    fold_if_due(context, scope, taken)
    return made


async def _update(
    context: Context, access: Access, kind: ShapeKind, request: operations.UpdateShape
) -> Any:
    async with context.database.transaction() as tx:
        scope, no, ordinal = await scope_of_shape(tx, access, request.shape_id, change=True)
        old = await _annotation_of(tx, scope, no, request.shape_id)
        await claim_for_edit(tx, access, scope, old.asset)
        label = None
        if request.label_id is not None:
            label = await label_key(tx, scope, request.label_id)

        def change(shapes: Shapes) -> Shapes:
            shapes = numbered(shapes)
            group, place = _placed(shapes, kind, ordinal, request.shape_id)
            _change(group, place, request, label)
            return shapes

        blob, taken = await rewrite(tx, scope, old, change)
        found = old._replace(blob=blob)
        record = await _one(tx, access, scope, found, kind, ordinal, request.shape_id)
    fold_if_due(context, scope, taken)
    return record


async def _delete(context: Context, access: Access, kind: ShapeKind, id: UUID) -> None:
    async with context.database.transaction() as tx:
        scope, no, ordinal = await scope_of_shape(tx, access, id, change=True)
        old = await _annotation_of(tx, scope, no, id)
        await claim_for_edit(tx, access, scope, old.asset)

        def change(shapes: Shapes) -> Shapes:
            shapes = numbered(shapes)
            group, place = _placed(shapes, kind, ordinal, id)
            left = [index for index in range(len(group.labels)) if index != place]
            return with_group(shapes, chosen(group, left))

        _, taken = await rewrite(tx, scope, old, change)
    fold_if_due(context, scope, taken)


# --- within an annotation --------------------------------------------------------------------------------


async def _annotation_of(
    statements: Statements, scope: VersionScope, no: int, id: UUID
) -> StoredShapes:
    try:
        return await stored_shapes(statements, scope, no)
    except NotFoundError:
        raise NotFoundError(f"there is no shape {id}") from None


def _placed(shapes: Shapes, kind: ShapeKind, ordinal: int, id: UUID) -> tuple[Group, int]:
    group = shapes.group(kind)
    if group is None or ordinal not in (group.ordinals or ()):
        raise NotFoundError(f"there is no {kind.name.lower()} {id}")
    return group, (group.ordinals or []).index(ordinal)


async def _shown(
    statements: Statements,
    access: Access,
    scope: VersionScope,
    annotation: StoredShapes,
    kind: ShapeKind,
    *,
    last: int | None = None,
) -> list[Any]:
    """All shapes of a kind, or the ``last`` ones."""
    shapes = numbered(await in_thread(unpack, annotation.blob, whole=not access.precise))
    group = shapes.group(kind)
    if group is None:
        return []
    if last is not None:
        size = len(group.labels)
        group = chosen(group, range(size - last, size))
    return await _records(statements, scope, annotation, group)


async def _one(
    statements: Statements,
    access: Access,
    scope: VersionScope,
    annotation: StoredShapes,
    kind: ShapeKind,
    ordinal: int,
    id: UUID,
) -> Any:
    shapes = numbered(await in_thread(unpack, annotation.blob, whole=not access.precise))
    group, place = _placed(shapes, kind, ordinal, id)
    (record,) = await _records(statements, scope, annotation, chosen(group, [place]))
    return record


async def _records(
    statements: Statements, scope: VersionScope, annotation: StoredShapes, group: Group
) -> list[Any]:
    rows = await statements.fetch("labels.all", version=scope.no)
    labels = {row[0]: label_record(scope, row) for row in rows}
    height = 1
    if group.kind is ShapeKind.MASK:
        sizes = await sizes_of(statements, scope, [annotation.asset])
        height = sizes[annotation.asset][1]
    return await in_thread(shape_records, scope, annotation.no, group, labels, height)


def _change(group: Group, place: int, request: operations.UpdateShape, label: int | None) -> None:
    if label is not None:
        group.labels[place] = label
    if request.text is not None:
        group.texts = group.texts or [None] * len(group.labels)
        group.texts[place] = request.text
    given = msgspec.structs.asdict(request)
    for name, offset in _GEOMETRY.get(group.kind, {}).items():
        value = given[name]
        if value is None:
            continue
        width = FLAT.get(group.kind, 1)
        numbers: Sequence[Any] = value if group.kind is ShapeKind.POINT else [value]
        start = width * place + offset
        group.geometry[start : start + len(numbers)] = numbers


_GEOMETRY: dict[ShapeKind, dict[str, int]] = {
    ShapeKind.RECTANGLE: {"x": 0, "y": 1, "w": 2, "h": 3},
    ShapeKind.POINT: {"point": 0},
    ShapeKind.POLYGON: {"polygon": 0},
    ShapeKind.LINE: {"line": 0},
}

add_handlers(
    ShapeKind.RECTANGLE,
    "rectangles",
    list=operations.RECTANGLES.list,
    create=operations.RECTANGLES.create,
    get=operations.RECTANGLES.get,
    update=operations.RECTANGLES.update,
    delete=operations.RECTANGLES.delete,
)
add_handlers(
    ShapeKind.POLYGON,
    "polygons",
    list=operations.POLYGONS.list,
    create=operations.POLYGONS.create,
    get=operations.POLYGONS.get,
    update=operations.POLYGONS.update,
    delete=operations.POLYGONS.delete,
)
add_handlers(
    ShapeKind.LINE,
    "lines",
    list=operations.LINES.list,
    create=operations.LINES.create,
    get=operations.LINES.get,
    update=operations.LINES.update,
    delete=operations.LINES.delete,
)
add_handlers(
    ShapeKind.POINT,
    "points",
    list=operations.POINTS.list,
    create=operations.POINTS.create,
    get=operations.POINTS.get,
    update=operations.POINTS.update,
    delete=operations.POINTS.delete,
)
add_handlers(
    ShapeKind.CLASSIFICATION,
    "classifications",
    list=operations.CLASSIFICATIONS.list,
    create=operations.CLASSIFICATIONS.create,
    get=operations.CLASSIFICATIONS.get,
    update=operations.CLASSIFICATIONS.update,
    delete=operations.CLASSIFICATIONS.delete,
)
add_handlers(
    ShapeKind.MASK,
    "masks",
    list=operations.MASKS.list,
    create=operations.MASKS.create,
    get=operations.MASKS.get,
    delete=operations.MASKS.delete,
)
