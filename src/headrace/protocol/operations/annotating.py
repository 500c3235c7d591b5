"""Single annotations: list, create, get, change, overwrite and delete them."""

from __future__ import annotations

from types import NoneType
from typing import Any
from uuid import UUID

from msgspec import Struct

from headrace.model.enums import AnnotationStatus
from headrace.model.records import AnnotationRecord, Items, Page
from headrace.protocol.operation import Operation
from headrace.protocol.operations.annotations import (
    ClassificationIn,
    KeypointsIn,
    LineIn,
    MaskIn,
    PointIn,
    PolygonIn,
    RectangleIn,
    TrackIn,
)
from headrace.protocol.operations.assets import AssetId
from headrace.protocol.operations.listing import PageQuery

ALL_ASSETS = "__all__"
"""Stands for all assets in place of their ids."""


class ListAnnotations(PageQuery, kw_only=True):
    """``cursor`` continues a listing without an order after its last page, unaffected by additions (headrace only).

    ``worker_id``, here and below, selects the annotations of one user (headrace only).
    """

    version_id: UUID
    status: AnnotationStatus | None = None
    worker_id: UUID | None = None
    cursor: str | None = None


class DeleteAnnotations(Struct, kw_only=True):
    """``asset_ids`` may be ``["__all__"]``. ``annotation_ids`` limits the deletion to these annotations.

    ``worker_ids`` limits it to the annotations of these users. ``undo`` and ``removal`` are those of ``DeleteAssets``
    (headrace only).
    """

    version_id: UUID
    asset_ids: list[str]
    annotation_ids: list[UUID] | None = None
    worker_ids: list[UUID] | None = None
    undo: bool | None = None
    removal: UUID | None = None


class CreateAnnotation(Struct, kw_only=True):
    """``duration`` is the working time in seconds. ``worker_id`` is the owner, by default the caller."""

    asset_id: UUID
    duration: float = 0.0
    worker_id: UUID | None = None


class FindAnnotation(AssetId, kw_only=True):
    worker_id: UUID | None = None


class AnnotationId(Struct, kw_only=True):
    annotation_id: UUID


class UpdateAnnotation(Struct, kw_only=True):
    """Absent fields do not change.

    ``attributes`` are replaced as a whole; ``{}`` clears them. ``worker_id`` is the new owner (headrace only).
    """

    annotation_id: UUID
    duration: float | None = None
    status: AnnotationStatus | None = None
    attributes: dict[str, Any] | None = None
    worker_id: UUID | None = None


class SaveAnnotation(Struct, kw_only=True):
    """All shapes of an annotation. Keypoints and tracks exist on headrace servers only."""

    annotation_id: UUID
    duration: float = 0.0
    rectangles: list[RectangleIn] | None = None
    polygons: list[PolygonIn] | None = None
    lines: list[LineIn] | None = None
    points: list[PointIn] | None = None
    classifications: list[ClassificationIn] | None = None
    keypoints: list[KeypointsIn] | None = None
    masks: list[MaskIn] | None = None
    tracks: list[TrackIn] | None = None


_OF_VERSION = "/api/dataset/version/{version_id}/annotations"
_OF_ASSET = "/api/asset/{asset_id}/annotations"
_ANNOTATION = "/api/annotation/{annotation_id}"

LIST_ANNOTATIONS = Operation(
    name="list_annotations",
    method="GET",
    path=_OF_VERSION,
    request=ListAnnotations,
    result=Page[AnnotationRecord],
    doc="List the annotations of a version without their shapes, newest first unless an order is given.",
    extension_fields=("worker_id",),
    errors=(404, 400),
)
DELETE_ANNOTATIONS = Operation(
    name="delete_annotations",
    method="DELETE",
    path=_OF_VERSION,
    request=DeleteAnnotations,
    result=NoneType,
    doc="Delete annotations with their shapes: all of a version, those of some assets, or some by id.",
    body=("asset_ids", "annotation_ids", "worker_ids", "undo", "removal"),
    repeatable=True,
    extension_fields=("worker_ids", "undo", "removal"),
    errors=(404, 423, 507),
)
LIST_ASSET_ANNOTATIONS = Operation(
    name="list_asset_annotations",
    method="GET",
    path=_OF_ASSET,
    request=AssetId,
    result=Items[AnnotationRecord],
    doc="List the annotations of an asset, newest first.",
    errors=(404,),
)
CREATE_ANNOTATION = Operation(
    name="create_annotation",
    method="POST",
    path=_OF_ASSET,
    request=CreateAnnotation,
    result=AnnotationRecord,
    doc="Create an annotation without shapes.",
    extension_fields=("worker_id",),
    errors=(404, 400, 423),
)
FIND_ANNOTATION = Operation(
    name="find_annotation",
    method="GET",
    path=_OF_ASSET + "/find",
    request=FindAnnotation,
    result=AnnotationRecord,
    doc="Find the annotation that was created last on an asset.",
    extension_fields=("worker_id",),
    errors=(404,),
)
GET_ANNOTATION = Operation(
    name="get_annotation",
    method="GET",
    path=_ANNOTATION,
    request=AnnotationId,
    result=AnnotationRecord,
    doc="Get an annotation without its shapes.",
    errors=(404,),
)
UPDATE_ANNOTATION = Operation(
    name="update_annotation",
    method="PATCH",
    path=_ANNOTATION,
    request=UpdateAnnotation,
    result=AnnotationRecord,
    doc="Change the duration, status or attributes of an annotation.",
    repeatable=True,
    extension_fields=("attributes", "worker_id"),
    errors=(404, 400, 423),
)
SAVE_ANNOTATION = Operation(
    name="save_annotation",
    method="POST",
    path=_ANNOTATION + "/save",
    request=SaveAnnotation,
    result=AnnotationRecord,
    doc="Replace all shapes of an annotation.",
    repeatable=True,
    extension_fields=("keypoints", "tracks"),
    errors=(404, 400, 413, 423),
)
DELETE_ANNOTATION = Operation(
    name="delete_annotation",
    method="DELETE",
    path=_ANNOTATION,
    request=AnnotationId,
    result=NoneType,
    doc="Delete one annotation with its shapes.",
    repeatable=True,
    errors=(404, 423),
)
