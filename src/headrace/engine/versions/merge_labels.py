"""Merge labels: on headrace in one call, elsewhere by changing the label of each shape."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any
from uuid import UUID

from headrace.backend.base import Backend
from headrace.engine.versions.load import annotations_of_version, as_loaded
from headrace.errors import UnsupportedError
from headrace.model.columns import PLURALS
from headrace.model.records import LabelRecord
from headrace.protocol.operations.annotating import LIST_ASSET_ANNOTATIONS, AnnotationId
from headrace.protocol.operations.annotations import LoadedAnnotation
from headrace.protocol.operations.assets import AssetId
from headrace.protocol.operations.labels import DELETE_LABEL, MERGE_LABEL, LabelId, MergeLabel
from headrace.protocol.operations.shapes import SHAPES, EditableShapeOperations
from headrace.tasks import map_bounded

_EDITABLE = {each.plural: each for each in SHAPES if isinstance(each, EditableShapeOperations)}


async def merge_label(
    backend: Backend, version_id: UUID, label: LabelRecord, into_id: UUID
) -> None:
    """Give the shapes of a label to another one, and delete the label.

    Args:
        backend: Backend of the version.
        version_id: The version of both labels.
        label: The label that goes.
        into_id: The label that gets the shapes.

    Raises:
        UnsupportedError: On another platform, if a shape of the label is of a kind whose label cannot be changed
            there; nothing is changed then.
    """
    if backend.limits.extensions:
        await backend.call(MERGE_LABEL, MergeLabel(label_id=label.id, into_id=into_id))
        return
    # Kinds of shapes with the label, by asset: loaded shapes have no ids, and their annotations need not have any.
    found: dict[str, set[str]] = {}
    async for page in annotations_of_version(backend, version_id, as_loaded):
        for annotation in page:
            kinds = set(_kinds(annotation, label.name))
            if kinds:
                found.setdefault(annotation.asset_id, set()).update(kinds)
    fixed = sorted({kind for kinds in found.values() for kind in kinds} - _EDITABLE.keys())
    if fixed:
        raise UnsupportedError(
            f"changing the label of {' and '.join(fixed)} is not available on this platform",
            hint="import them again with the label that they should have",
        )

    async def relabel(asset: str) -> None:
        listed = await backend.call(LIST_ASSET_ANNOTATIONS, AssetId(asset_id=UUID(asset)))
        for annotation, kind in product(listed.items, sorted(found[asset])):
            await _relabel(backend, annotation.id, _EDITABLE[kind], label.id, into_id)

    if found:
        await map_bounded(relabel, [*found], concurrency=backend.limits.concurrency)
    await backend.call(DELETE_LABEL, LabelId(label_id=label.id))


async def _relabel(
    backend: Backend,
    annotation_id: UUID,
    operations: EditableShapeOperations[Any, Any, Any, Any],
    label_id: UUID,
    into_id: UUID,
) -> None:
    listed = await backend.call(operations.list, AnnotationId(annotation_id=annotation_id))
    for shape in listed.items:
        if shape.label.id == label_id:
            request = operations.update.request(shape_id=shape.id, label_id=into_id)
            await backend.call(operations.update, request)


def _kinds(annotation: LoadedAnnotation, label: str) -> Iterator[str]:
    """Yield the kinds of the shapes with a label."""
    for kind in PLURALS.values():
        if any(shape.label == label for shape in getattr(annotation, kind)):
            yield kind
