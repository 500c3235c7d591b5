"""Single shapes: list, add, get, change and delete them; and overwrite a whole annotation.

:func:`_add_handlers` registers the handlers of one kind of shape; the table ``SHAPES`` of the protocol lists the kinds.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import repeat
from typing import Any
from uuid import UUID

import msgspec
from msgspec import UNSET

from headrace.errors import CorruptionError, NotFoundError
from headrace.model import rle
from headrace.model.blob.unpack import unpack
from headrace.model.columns import (
    FLAT,
    ShapeGroup,
    ShapeKind,
    Shapes,
    append_shapes,
    select_shapes,
    with_group,
    with_ordinals,
)
from headrace.model.ids import Kind, encode_shape
from headrace.model.records import AnnotationRecord, Items, LabelRecord
from headrace.platform.annotations.load import sizes_of
from headrace.platform.annotations.shape_edits import (
    StoredShapes,
    label_key,
    prepare_item,
    rewrite,
    stored_shapes,
)
from headrace.platform.annotations.single import annotation_record, check_duration
from headrace.platform.campaigns.transitions import claim_for_edit
from headrace.platform.context import Context
from headrace.platform.core.access import Access
from headrace.platform.core.locking import shape_locks, version_locks
from headrace.platform.core.scopes import VersionScope, scope_of_part, scope_of_shape
from headrace.platform.dispatch import handles
from headrace.platform.jobs.maintenance import fold_if_due
from headrace.platform.labels.labels import label_record
from headrace.protocol.operations.annotating import SAVE_ANNOTATION, AnnotationId, SaveAnnotation
from headrace.protocol.operations.annotations import ImportItem
from headrace.protocol.operations.shapes import (
    SHAPES,
    EditableShapeOperations,
    ShapeId,
    ShapeOperations,
    ShapeRecord,
    UpdateShape,
)
from headrace.storage.database.base import Statements
from headrace.threads import in_thread

Operations = ShapeOperations[Any, Any, Any]


def _add_handlers(operations: Operations) -> None:
    """Register the handlers of the operations on one kind of shape."""

    @handles(operations.list)
    async def list_shapes(context: Context, access: Access, request: AnnotationId) -> Items[Any]:
        database = context.database
        scope, no = await scope_of_part(database, access, request.annotation_id, Kind.ANNOTATION)
        found = await stored_shapes(database, scope, no)
        return Items(items=await _read_shapes(database, access, scope, found, operations))

    @handles(operations.create)
    async def create_shapes(context: Context, access: Access, request: Any) -> Any:
        records = await _create(context, access, request, operations)
        return operations.create.result(**{operations.plural: records})

    @handles(operations.get)
    async def get_shape(context: Context, access: Access, request: ShapeId) -> ShapeRecord:
        database = context.database
        scope, no, ordinal = await scope_of_shape(database, access, request.shape_id)
        found = await _annotation_of(database, scope, no, request.shape_id)
        return await _read_shape(
            database, access, scope, found, operations, ordinal, request.shape_id
        )

    @handles(operations.delete)
    async def delete_shape(context: Context, access: Access, request: ShapeId) -> None:
        await _delete(context, access, request.shape_id, operations.kind)

    if isinstance(operations, EditableShapeOperations):

        @handles(operations.update)
        async def update_shape(
            context: Context, access: Access, request: UpdateShape
        ) -> ShapeRecord:
            return await _update(context, access, request, operations)


for _operations in SHAPES:
    _add_handlers(_operations)


@handles(SAVE_ANNOTATION)
async def save_annotation(
    context: Context, access: Access, request: SaveAnnotation
) -> AnnotationRecord:
    """Replace all shapes of an annotation; the ids of the old shapes are never reused."""
    check_duration(request.duration)
    locks = await version_locks(context, request.annotation_id, Kind.ANNOTATION)
    async with context.database.transaction(*locks) as tx:
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
        new = await prepare_item(tx, scope, old.asset, item)
        _, change = await rewrite(
            context.database,
            tx,
            scope,
            old,
            lambda shapes: append_shapes(
                Shapes([], with_ordinals(shapes).next_ordinal), new.shapes
            ),
            duration=request.duration,
        )
        record = await annotation_record(tx, scope, no)
    fold_if_due(context, scope, change)
    return record


async def _create(
    context: Context, access: Access, request: Any, operations: Operations
) -> list[ShapeRecord]:
    shapes_in = getattr(request, operations.plural)
    locks = await version_locks(context, request.annotation_id, Kind.ANNOTATION)
    async with context.database.transaction(*locks) as tx:
        scope, no = await scope_of_part(
            tx, access, request.annotation_id, Kind.ANNOTATION, change=True
        )
        old = await stored_shapes(tx, scope, no)
        if not shapes_in:
            return []
        await claim_for_edit(tx, access, scope, old.asset)
        item = ImportItem(
            asset_id=scope.ids(Kind.ASSET).text(old.asset), **{operations.plural: shapes_in}
        )
        new = await prepare_item(tx, scope, old.asset, item)
        blob, change = await rewrite(
            context.database, tx, scope, old, lambda shapes: append_shapes(shapes, new.shapes)
        )
        written = old._replace(blob=blob)
        records = await _read_shapes(tx, access, scope, written, operations, last=len(shapes_in))
    fold_if_due(context, scope, change)
    return records


async def _update(
    context: Context, access: Access, request: UpdateShape, operations: Operations
) -> ShapeRecord:
    locks = await shape_locks(context, request.shape_id)
    async with context.database.transaction(*locks) as tx:
        scope, no, ordinal = await scope_of_shape(tx, access, request.shape_id, change=True)
        old = await _annotation_of(tx, scope, no, request.shape_id)
        await claim_for_edit(tx, access, scope, old.asset)
        label = None
        if request.label_id is not None:
            label = await label_key(tx, scope, request.label_id)

        def edit(shapes: Shapes) -> Shapes:
            shapes = with_ordinals(shapes)
            group, index = _locate(shapes, operations.kind, ordinal, request.shape_id)
            _apply(request, group, index, label)
            return shapes

        blob, change = await rewrite(context.database, tx, scope, old, edit)
        written = old._replace(blob=blob)
        record = await _read_shape(
            tx, access, scope, written, operations, ordinal, request.shape_id
        )
    fold_if_due(context, scope, change)
    return record


async def _delete(context: Context, access: Access, id: UUID, kind: ShapeKind) -> None:
    locks = await shape_locks(context, id)
    async with context.database.transaction(*locks) as tx:
        scope, no, ordinal = await scope_of_shape(tx, access, id, change=True)
        old = await _annotation_of(tx, scope, no, id)
        await claim_for_edit(tx, access, scope, old.asset)

        def edit(shapes: Shapes) -> Shapes:
            shapes = with_ordinals(shapes)
            group, index = _locate(shapes, kind, ordinal, id)
            _forget_boxes(group, index)
            others = [other for other in range(len(group.labels)) if other != index]
            return with_group(shapes, select_shapes(group, others))

        _, change = await rewrite(context.database, tx, scope, old, edit)
    fold_if_due(context, scope, change)


# --- within an annotation --------------------------------------------------------------------------------


async def _annotation_of(
    statements: Statements, scope: VersionScope, no: int, id: UUID
) -> StoredShapes:
    try:
        return await stored_shapes(statements, scope, no)
    except NotFoundError:
        raise NotFoundError(f"there is no shape {id}") from None


def _locate(shapes: Shapes, kind: ShapeKind, ordinal: int, id: UUID) -> tuple[ShapeGroup, int]:
    group = shapes.group(kind)
    if group is None or ordinal not in (group.ordinals or ()):
        raise NotFoundError(f"there is no {kind.name.lower()} {id}")
    return group, (group.ordinals or []).index(ordinal)


_EDITABLE: dict[ShapeKind, dict[str, int]] = {
    ShapeKind.RECTANGLE: {"x": 0, "y": 1, "w": 2, "h": 3},
    ShapeKind.POINT: {"point": 0},
    ShapeKind.POLYGON: {"polygon": 0},
    ShapeKind.LINE: {"line": 0},
}
"""By kind, the fields of an update that change geometry, with their offsets in the geometry of one shape."""


def _apply(request: UpdateShape, group: ShapeGroup, index: int, label: int | None) -> None:
    if label is not None:
        group.labels[index] = label
    if request.text is not None:
        group.texts = group.texts or [None] * len(group.labels)
        group.texts[index] = request.text
    fields = msgspec.structs.asdict(request)
    for name, offset in _EDITABLE.get(group.kind, {}).items():
        value = fields[name]
        if value is None:
            continue
        width = FLAT.get(group.kind, 1)
        numbers: Sequence[Any] = value if group.kind is ShapeKind.POINT else [value]
        start = width * index + offset
        group.geometry[start : start + len(numbers)] = numbers
        _forget_boxes(group, index)


def _forget_boxes(group: ShapeGroup, index: int) -> None:
    """Remove the box that was given beside a shape, or beside a polygon of several rings: it no longer fits."""
    if group.boxes is None:
        return
    instance = None if group.instances is None else group.instances[index]
    group.boxes[index] = None
    for other, joined in enumerate(group.instances or ()):
        if instance is not None and joined == instance:
            group.boxes[other] = None


# --- records ---------------------------------------------------------------------------------------------


async def _read_shapes(
    statements: Statements,
    access: Access,
    scope: VersionScope,
    annotation: StoredShapes,
    operations: Operations,
    *,
    last: int | None = None,
) -> list[ShapeRecord]:
    """Read all shapes of a kind, or the ``last`` ones."""
    shapes = with_ordinals(await in_thread(unpack, annotation.blob, whole=not access.precise))
    group = shapes.group(operations.kind)
    if group is None:
        return []
    if last is not None:
        size = len(group.labels)
        group = select_shapes(group, range(size - last, size))
    return await _records(statements, scope, annotation, group, operations.get.result)


async def _read_shape(
    statements: Statements,
    access: Access,
    scope: VersionScope,
    annotation: StoredShapes,
    operations: Operations,
    ordinal: int,
    id: UUID,
) -> ShapeRecord:
    shapes = with_ordinals(await in_thread(unpack, annotation.blob, whole=not access.precise))
    group, index = _locate(shapes, operations.kind, ordinal, id)
    (record,) = await _records(
        statements, scope, annotation, select_shapes(group, [index]), operations.get.result
    )
    return record


async def _records(
    statements: Statements,
    scope: VersionScope,
    annotation: StoredShapes,
    group: ShapeGroup,
    record_type: type[ShapeRecord],
) -> list[ShapeRecord]:
    rows = await statements.fetch("labels.all", version=scope.no)
    labels = {row[0]: label_record(scope, row) for row in rows}
    height = 1
    if group.kind is ShapeKind.MASK:
        sizes = await sizes_of(statements, scope, [annotation.asset])
        height = sizes[annotation.asset][1]

    def build() -> list[ShapeRecord]:
        return _build_records(scope, annotation.no, group, labels, height, record_type)

    return await in_thread(build)


def _build_records(
    scope: VersionScope,
    annotation: int,
    group: ShapeGroup,
    labels: dict[int, LabelRecord],
    height: int,
    record_type: type[ShapeRecord],
) -> list[ShapeRecord]:
    """Build the records of a group with ordinals; ``height`` of the image matters for masks only."""
    size = len(group.labels)
    names, geometry = _geometry(group, height)
    columns = zip(
        group.ordinals or (),
        group.labels,
        group.texts or repeat(None, size),
        group.attributes or repeat(None, size),
        group.scores or repeat(None, size),
        geometry,
        strict=True,
    )
    try:
        return [
            record_type(
                id=encode_shape(scope.created, scope.bucket, scope.no, annotation, ordinal),
                label=labels[label],
                text=text,
                attributes=attributes,
                score=UNSET if score is None else score,
                **dict(zip(names, values)),  # noqa: B905  strict would cost time
            )
            for ordinal, label, text, attributes, score, values in columns
        ]
    except KeyError as error:
        raise CorruptionError(f"a shape has the unknown label {error.args[0]}") from None


def _geometry(group: ShapeGroup, height: int) -> tuple[tuple[str, ...], Iterable[Sequence[Any]]]:
    """Return the names of the geometry fields of a kind, and their values for each shape of the group."""
    numbers = iter(group.geometry)
    match group.kind:
        case ShapeKind.RECTANGLE:
            return ("x", "y", "w", "h"), zip(numbers, numbers, numbers, numbers, strict=True)
        case ShapeKind.POINT:
            return ("point",), zip(zip(numbers, numbers, strict=True))
        case ShapeKind.POLYGON:
            instances = group.instances or repeat(None, len(group.labels))
            return ("polygon", "instance"), zip(numbers, instances, strict=True)
        case ShapeKind.LINE:
            return ("line",), zip(numbers)
        case ShapeKind.MASK:
            return ("mask", "area", "bbox"), (_measure(mask, height) for mask in numbers)
    return (), repeat((), len(group.labels))


def _measure(mask: str, height: int) -> tuple[str, float, list[int]]:
    counts = rle.decode(mask)
    return mask, float(rle.area(counts)), list(rle.bounds(counts, height))
