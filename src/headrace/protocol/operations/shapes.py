"""Single shapes of an annotation: list, create, get, change and delete them, by kind.

There are no such operations for keypoints and tracks: they are written and deleted with their annotation.
"""

from __future__ import annotations

from types import NoneType
from typing import Any, TypeVar
from uuid import UUID

from msgspec import Struct

from headrace.model.records import Items, LabelRecord, Record
from headrace.protocol.operation import Operation
from headrace.protocol.operations.annotating import AnnotationId
from headrace.protocol.operations.annotations import (
    Attributes,
    ClassificationIn,
    LineIn,
    MaskIn,
    Pair,
    PointIn,
    PolygonIn,
    RectangleIn,
)

# --- records: labels as records --------------------------------------------------------------------------


class ShapeRecord(Record, frozen=True, kw_only=True):
    """Fields that every shape has."""

    id: UUID
    label: LabelRecord
    text: str | None = None
    attributes: Attributes | None = None


class RectangleRecord(ShapeRecord, frozen=True, kw_only=True):
    x: float
    y: float
    w: float
    h: float


class PolygonRecord(ShapeRecord, frozen=True, kw_only=True):
    """``instance`` joins the polygons that are parts of one object (headrace only)."""

    polygon: list[Pair]
    instance: int | None = None


class LineRecord(ShapeRecord, frozen=True, kw_only=True):
    line: list[Pair]


class PointRecord(ShapeRecord, frozen=True, kw_only=True):
    point: Pair


class ClassificationRecord(ShapeRecord, frozen=True, kw_only=True):
    pass


class MaskRecord(ShapeRecord, frozen=True, kw_only=True):
    """``area`` in pixels, ``bbox`` as ``[x, y, w, h]`` in whole pixels."""

    mask: str
    area: float
    bbox: list[int]


# --- requests --------------------------------------------------------------------------------------------


class ShapeId(Struct, kw_only=True):
    shape_id: UUID


class CreateRectangles(AnnotationId, kw_only=True):
    rectangles: list[RectangleIn]


class CreatePolygons(AnnotationId, kw_only=True):
    polygons: list[PolygonIn]


class CreateLines(AnnotationId, kw_only=True):
    lines: list[LineIn]


class CreatePoints(AnnotationId, kw_only=True):
    points: list[PointIn]


class CreateClassifications(AnnotationId, kw_only=True):
    classifications: list[ClassificationIn]


class CreateMasks(AnnotationId, kw_only=True):
    masks: list[MaskIn]


class UpdateShape(ShapeId, kw_only=True):
    """Absent fields do not change."""

    text: str | None = None
    label_id: UUID | None = None


class UpdateRectangle(UpdateShape, kw_only=True):
    x: float | None = None
    y: float | None = None
    w: float | None = None
    h: float | None = None


class UpdatePolygon(UpdateShape, kw_only=True):
    polygon: list[Pair] | None = None


class UpdateLine(UpdateShape, kw_only=True):
    line: list[Pair] | None = None


class UpdatePoint(UpdateShape, kw_only=True):
    point: Pair | None = None


class UpdateClassification(UpdateShape, kw_only=True):
    pass


# --- results ---------------------------------------------------------------------------------------------


class Rectangles(Record, frozen=True, kw_only=True):
    rectangles: list[RectangleRecord]


class Polygons(Record, frozen=True, kw_only=True):
    polygons: list[PolygonRecord]


class Lines(Record, frozen=True, kw_only=True):
    lines: list[LineRecord]


class Points(Record, frozen=True, kw_only=True):
    points: list[PointRecord]


class Classifications(Record, frozen=True, kw_only=True):
    classifications: list[ClassificationRecord]


class Masks(Record, frozen=True, kw_only=True):
    masks: list[MaskRecord]


RecordT = TypeVar("RecordT", bound=ShapeRecord)
CreateT = TypeVar("CreateT", bound=AnnotationId)
UpdateT = TypeVar("UpdateT", bound=UpdateShape)
ManyT = TypeVar("ManyT", bound=Record)


def _list(kind: str, record: type[RecordT]) -> Operation[AnnotationId, Items[RecordT]]:
    result: Any = Items[record]  # type: ignore[valid-type]  # known when this runs
    return Operation(
        name=f"list_{kind}",
        method="GET",
        path=f"/api/annotation/{{annotation_id}}/{kind}",
        request=AnnotationId,
        result=result,
        doc=f"List the {kind} of an annotation in order of creation.",
        errors=(404,),
    )


def _create(kind: str, request: type[CreateT], result: type[ManyT]) -> Operation[CreateT, ManyT]:
    return Operation(
        name=f"create_{kind}",
        method="POST",
        path=f"/api/annotation/{{annotation_id}}/bulk-{kind}",
        request=request,
        result=result,
        doc=f"Add {kind} to an annotation; returns them in the order given.",
        errors=(404, 400, 413, 423),
    )


def _get(shape: str, record: type[RecordT]) -> Operation[ShapeId, RecordT]:
    return Operation(
        name=f"get_{shape}",
        method="GET",
        path=f"/api/{shape}/{{shape_id}}",
        request=ShapeId,
        result=record,
        doc=f"Get a {shape}.",
        errors=(404,),
    )


def _update(
    shape: str, request: type[UpdateT], record: type[RecordT]
) -> Operation[UpdateT, RecordT]:
    return Operation(
        name=f"update_{shape}",
        method="PATCH",
        path=f"/api/{shape}/{{shape_id}}",
        request=request,
        result=record,
        doc=f"Change the geometry, label or text of a {shape}.",
        repeatable=True,
        errors=(404, 400, 423),
    )


def _delete(shape: str) -> Operation[ShapeId, None]:
    return Operation(
        name=f"delete_{shape}",
        method="DELETE",
        path=f"/api/{shape}/{{shape_id}}",
        request=ShapeId,
        result=NoneType,
        doc=f"Delete a {shape}.",
        repeatable=True,
        errors=(404, 423),
    )


LIST_RECTANGLES = _list("rectangles", RectangleRecord)
CREATE_RECTANGLES = _create("rectangles", CreateRectangles, Rectangles)
GET_RECTANGLE = _get("rectangle", RectangleRecord)
UPDATE_RECTANGLE = _update("rectangle", UpdateRectangle, RectangleRecord)
DELETE_RECTANGLE = _delete("rectangle")

LIST_POLYGONS = _list("polygons", PolygonRecord)
CREATE_POLYGONS = _create("polygons", CreatePolygons, Polygons)
GET_POLYGON = _get("polygon", PolygonRecord)
UPDATE_POLYGON = _update("polygon", UpdatePolygon, PolygonRecord)
DELETE_POLYGON = _delete("polygon")

LIST_LINES = _list("lines", LineRecord)
CREATE_LINES = _create("lines", CreateLines, Lines)
GET_LINE = _get("line", LineRecord)
UPDATE_LINE = _update("line", UpdateLine, LineRecord)
DELETE_LINE = _delete("line")

LIST_POINTS = _list("points", PointRecord)
CREATE_POINTS = _create("points", CreatePoints, Points)
GET_POINT = _get("point", PointRecord)
UPDATE_POINT = _update("point", UpdatePoint, PointRecord)
DELETE_POINT = _delete("point")

LIST_CLASSIFICATIONS = _list("classifications", ClassificationRecord)
CREATE_CLASSIFICATIONS = _create("classifications", CreateClassifications, Classifications)
GET_CLASSIFICATION = _get("classification", ClassificationRecord)
UPDATE_CLASSIFICATION = _update("classification", UpdateClassification, ClassificationRecord)
DELETE_CLASSIFICATION = _delete("classification")

LIST_MASKS = _list("masks", MaskRecord)
CREATE_MASKS = _create("masks", CreateMasks, Masks)
GET_MASK = _get("mask", MaskRecord)
DELETE_MASK = _delete("mask")
