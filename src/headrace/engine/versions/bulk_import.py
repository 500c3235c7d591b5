"""One call of the bulk import, also on platforms whose bulk import takes no lines and no points.

There they are drawn into the annotations that the import made, with a call for each annotation and kind.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from msgspec.structs import replace

from headrace.backend.base import Backend
from headrace.engine.versions.load import shapes_of
from headrace.errors import NotFoundError
from headrace.protocol.operations.annotating import FIND_ANNOTATION, FindAnnotation
from headrace.protocol.operations.annotations import (
    IMPORT_ANNOTATIONS,
    LOAD_ANNOTATIONS,
    ImportAnnotations,
    ImportItem,
    LineIn,
    LoadAnnotations,
    PointIn,
)
from headrace.protocol.operations.shapes import (
    LINES,
    POINTS,
    EditableShapeOperations,
    UpdateLine,
    UpdatePoint,
)
from headrace.tasks import map_bounded


async def bulk_import(backend: Backend, request: ImportAnnotations) -> dict[str, int]:
    """Import annotations and return the numbers of shapes written, by annotation id; 0 where nothing changed.

    Args:
        backend: Backend of the version.
        request: What to import; for other platforms than headrace without the fields that only headrace has.
    """
    if backend.limits.extensions:
        return await backend.call(IMPORT_ANNOTATIONS, request)
    apart = [item for item in request.annotations if item.lines or item.points]
    if apart:
        bare = [replace(item, lines=[], points=[]) for item in request.annotations]
        request = replace(request, annotations=bare)
    answer = await backend.call(IMPORT_ANNOTATIONS, request)
    # Platforms may mark what they left alone by a negative number.
    counts = {annotation: max(0, count) for annotation, count in answer.items()}

    async def draw(item: ImportItem) -> None:
        annotation = await _target(backend, request.version_id, item, counts)
        if annotation is not None:
            await _draw(backend, LINES, UpdateLine, annotation, item.lines)
            await _draw(backend, POINTS, UpdatePoint, annotation, item.points)
            counts[str(annotation)] += len(item.lines) + len(item.points)

    if apart:
        await map_bounded(draw, apart, concurrency=backend.limits.concurrency)
    return counts


async def _target(
    backend: Backend, version_id: UUID, item: ImportItem, counts: dict[str, int]
) -> UUID | None:
    """Return the annotation that the import wrote for an item; None if it left the asset alone."""
    try:
        found = await backend.call(FIND_ANNOTATION, FindAnnotation(asset_id=UUID(item.asset_id)))
    except NotFoundError:
        return None
    count = counts.get(str(found.id))
    if count is None or count > 0:
        return None if count is None else found.id
    # Nothing but lines and points was to be written, or the annotation was kept.
    request = LoadAnnotations(version_id=version_id, ids=[found.id])
    for annotation in await backend.call(LOAD_ANNOTATIONS, request):
        if any(True for _ in shapes_of(annotation)):
            return None
    return found.id


async def _draw(
    backend: Backend,
    kind: EditableShapeOperations[Any, Any, Any, Any],
    change: type[UpdateLine | UpdatePoint],
    annotation: UUID,
    shapes: Sequence[LineIn | PointIn],
) -> None:
    if not shapes:
        return
    plain = [replace(shape, text=None, attributes=None) for shape in shapes]
    create = kind.create.request(annotation_id=annotation, **{kind.plural: plain})
    created = getattr(await backend.call(kind.create, create), kind.plural)
    for shape, made in zip(shapes, created, strict=True):
        if shape.text is not None:
            await backend.call(kind.update, change(shape_id=made.id, text=shape.text))
