"""Single shapes of an annotation: list, create, get, change and delete them, by kind.

There are no such operations for keypoints and tracks: they are written and deleted with their annotation.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import NoneType
from typing import Any, Generic, TypeVar
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType

from headrace.model.columns import PLURALS, ShapeKind
from headrace.model.records import Items, LabelRecord, Record
from headrace.protocol.operation import Operation
from headrace.protocol.operations.annotating import AnnotationId
from headrace.protocol.operations.annotations import (
    Attributes,
    ClassificationIn,
    LineIn,
    MaskIn,
    Number,
    Pair,
    PointIn,
    PolygonIn,
    RectangleIn,
)

# --- records: labels as records --------------------------------------------------------------------------


class ShapeRecord(Record, frozen=True, kw_only=True):
    """Fields that every shape has; ``score`` is there where the shape has one (headrace only)."""

    id: UUID
    label: LabelRecord
    text: str | None = None
    attributes: Attributes | None = None
    score: float | UnsetType = UNSET


class RectangleRecord(ShapeRecord, frozen=True, kw_only=True):
    x: Number
    y: Number
    w: Number
    h: Number


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


# --- the table of kinds ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class ShapeOperations(Generic[RecordT, CreateT, ManyT]):
    """The operations on shapes of one kind."""

    kind: ShapeKind
    list: Operation[AnnotationId, Items[RecordT]]
    create: Operation[CreateT, ManyT]
    get: Operation[ShapeId, RecordT]
    delete: Operation[ShapeId, None]

    @property
    def plural(self) -> str:
        """The name of the field of several shapes in requests and results."""
        return PLURALS[self.kind]


@dataclass(frozen=True)
class EditableShapeOperations(
    ShapeOperations[RecordT, CreateT, ManyT], Generic[RecordT, CreateT, ManyT, UpdateT]
):
    """The operations on shapes of a kind that can be changed."""

    update: Operation[UpdateT, RecordT]


def _shape_operations(
    kind: ShapeKind,
    record: type[RecordT],
    create: type[CreateT],
    many: type[ManyT],
) -> ShapeOperations[RecordT, CreateT, ManyT]:
    shape, plural = kind.name.lower(), PLURALS[kind]
    items: Any = Items[record]  # type: ignore[valid-type]  # a variable, but known at run time
    return ShapeOperations(
        kind,
        list=Operation(
            name=f"list_{plural}",
            method="GET",
            path=f"/api/annotation/{{annotation_id}}/{plural}",
            request=AnnotationId,
            result=items,
            doc=f"List the {plural} of an annotation in order of creation.",
            errors=(404,),
        ),
        create=Operation(
            name=f"create_{plural}",
            method="POST",
            path=f"/api/annotation/{{annotation_id}}/bulk-{plural}",
            request=create,
            result=many,
            doc=f"Add {plural} to an annotation; returns them in the order given.",
            errors=(404, 400, 413, 423),
        ),
        get=Operation(
            name=f"get_{shape}",
            method="GET",
            path=f"/api/{shape}/{{shape_id}}",
            request=ShapeId,
            result=record,
            doc=f"Get a {shape}.",
            errors=(404,),
        ),
        delete=Operation(
            name=f"delete_{shape}",
            method="DELETE",
            path=f"/api/{shape}/{{shape_id}}",
            request=ShapeId,
            result=NoneType,
            doc=f"Delete a {shape}.",
            repeatable=True,
            errors=(404, 423),
        ),
    )


def _editable(
    base: ShapeOperations[RecordT, CreateT, ManyT], update: type[UpdateT]
) -> EditableShapeOperations[RecordT, CreateT, ManyT, UpdateT]:
    shape = base.kind.name.lower()
    operation = Operation(
        name=f"update_{shape}",
        method="PATCH",
        path=f"/api/{shape}/{{shape_id}}",
        request=update,
        result=base.get.result,
        doc=f"Change the geometry, label or text of a {shape}.",
        repeatable=True,
        errors=(404, 400, 423),
    )
    return EditableShapeOperations(**vars(base), update=operation)


RECTANGLES = _editable(
    _shape_operations(ShapeKind.RECTANGLE, RectangleRecord, CreateRectangles, Rectangles),
    UpdateRectangle,
)
POLYGONS = _editable(
    _shape_operations(ShapeKind.POLYGON, PolygonRecord, CreatePolygons, Polygons),
    UpdatePolygon,
)
LINES = _editable(_shape_operations(ShapeKind.LINE, LineRecord, CreateLines, Lines), UpdateLine)
POINTS = _editable(
    _shape_operations(ShapeKind.POINT, PointRecord, CreatePoints, Points), UpdatePoint
)
CLASSIFICATIONS = _editable(
    _shape_operations(
        ShapeKind.CLASSIFICATION,
        ClassificationRecord,
        CreateClassifications,
        Classifications,
    ),
    UpdateClassification,
)
MASKS = _shape_operations(ShapeKind.MASK, MaskRecord, CreateMasks, Masks)

SHAPES: tuple[ShapeOperations[Any, Any, Any], ...] = (
    RECTANGLES,
    POLYGONS,
    LINES,
    POINTS,
    CLASSIFICATIONS,
    MASKS,
)
