"""Single shapes of an annotation, as handles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, TypeVar
from uuid import UUID

from headrace.protocol.operation import Operation
from headrace.protocol.operations import shapes as operations
from headrace.protocol.operations.shapes import (
    ClassificationRecord,
    LineRecord,
    MaskRecord,
    PointRecord,
    PolygonRecord,
    RectangleRecord,
    ShapeRecord,
)
from headrace.sdk.base.coordinates import tidy, tidy_points, whole, whole_pair, whole_pairs
from headrace.sdk.base.resource import Resource, describe
from headrace.sdk.base.session import Session
from headrace.sdk.label import Label

ShapeT = TypeVar("ShapeT", bound=ShapeRecord)


class Shape(Resource[ShapeT]):
    """What every shape has."""

    __slots__ = ("annotation_id", "dataset_version_id")
    _read: ClassVar[Operation[Any, Any]]
    _drop: ClassVar[Operation[Any, Any]]

    def __init__(
        self, session: Session, record: ShapeT, annotation_id: UUID, dataset_version_id: UUID
    ) -> None:
        super().__init__(session, record)
        self.annotation_id = annotation_id
        self.dataset_version_id = dataset_version_id

    @property
    def label(self) -> Label:
        """The label of the shape."""
        return Label(self.session, self.record.label)

    @property
    def text(self) -> str | None:
        """What is written on the shape."""
        return self.record.text

    @property
    def attributes(self) -> dict[str, Any] | None:
        """The attributes of the shape."""
        return self.record.attributes

    async def sync(self) -> None:
        """Read the shape again."""
        self.record = await self.session.call(self._read, operations.ShapeId(shape_id=self.id))

    async def delete(self) -> None:
        """Delete the shape."""
        await self.session.call(self._drop, operations.ShapeId(shape_id=self.id))

    def __repr__(self) -> str:
        return describe(self, self.record.label.name)


class Rectangle(Shape[RectangleRecord]):
    """A box along the axes, in pixels."""

    __slots__ = ()
    _read = operations.GET_RECTANGLE
    _drop = operations.DELETE_RECTANGLE

    @property
    def x(self) -> float:
        """Its left edge."""
        return tidy(self.record.x)

    @property
    def y(self) -> float:
        """Its upper edge."""
        return tidy(self.record.y)

    @property
    def w(self) -> float:
        """Its width."""
        return tidy(self.record.w)

    @property
    def h(self) -> float:
        """Its height."""
        return tidy(self.record.h)

    async def update(
        self,
        x: float | None = None,
        y: float | None = None,
        w: float | None = None,
        h: float | None = None,
        label: Label | None = None,
        text: str | None = None,
    ) -> None:
        """Move, resize, relabel or rewrite the rectangle; what is not given stays."""
        sides = {
            name: None if value is None else whole(self.session, value)
            for name, value in (("x", x), ("y", y), ("w", w), ("h", h))
        }
        request = operations.UpdateRectangle(
            shape_id=self.id, **sides, text=text, label_id=label.id if label else None
        )
        self.record = await self.session.call(operations.UPDATE_RECTANGLE, request)


class Polygon(Shape[PolygonRecord]):
    """A closed outline."""

    __slots__ = ()
    _read = operations.GET_POLYGON
    _drop = operations.DELETE_POLYGON

    @property
    def coords(self) -> list[list[float]]:
        """Its corners ``[x, y]`` in pixels."""
        return tidy_points(self.record.polygon)

    async def update(
        self,
        coords: Sequence[Sequence[float]] | None = None,
        label: Label | None = None,
        text: str | None = None,
    ) -> None:
        """Redraw, relabel or rewrite the polygon; what is not given stays."""
        request = operations.UpdatePolygon(
            shape_id=self.id,
            polygon=None if coords is None else whole_pairs(self.session, coords),
            text=text,
            label_id=label.id if label else None,
        )
        self.record = await self.session.call(operations.UPDATE_POLYGON, request)


class Line(Shape[LineRecord]):
    """An open chain of points."""

    __slots__ = ()
    _read = operations.GET_LINE
    _drop = operations.DELETE_LINE

    @property
    def coords(self) -> list[list[float]]:
        """Its points ``[x, y]`` in pixels."""
        return tidy_points(self.record.line)

    async def update(
        self,
        coords: Sequence[Sequence[float]] | None = None,
        label: Label | None = None,
        text: str | None = None,
    ) -> None:
        """Redraw, relabel or rewrite the line; what is not given stays."""
        request = operations.UpdateLine(
            shape_id=self.id,
            line=None if coords is None else whole_pairs(self.session, coords),
            text=text,
            label_id=label.id if label else None,
        )
        self.record = await self.session.call(operations.UPDATE_LINE, request)


class Point(Shape[PointRecord]):
    """A single point."""

    __slots__ = ()
    _read = operations.GET_POINT
    _drop = operations.DELETE_POINT

    @property
    def coords(self) -> list[float]:
        """Where it is: ``[x, y]`` in pixels."""
        return [tidy(number) for number in self.record.point]

    async def update(
        self,
        coords: Sequence[float] | None = None,
        label: Label | None = None,
        text: str | None = None,
    ) -> None:
        """Move, relabel or rewrite the point; what is not given stays."""
        request = operations.UpdatePoint(
            shape_id=self.id,
            point=None if coords is None else whole_pair(self.session, coords),
            text=text,
            label_id=label.id if label else None,
        )
        self.record = await self.session.call(operations.UPDATE_POINT, request)


class Classification(Shape[ClassificationRecord]):
    """A label for the whole asset."""

    __slots__ = ()
    _read = operations.GET_CLASSIFICATION
    _drop = operations.DELETE_CLASSIFICATION

    async def update(self, label: Label | None = None, text: str | None = None) -> None:
        """Relabel or rewrite the classification; what is not given stays."""
        request = operations.UpdateClassification(
            shape_id=self.id, text=text, label_id=label.id if label else None
        )
        self.record = await self.session.call(operations.UPDATE_CLASSIFICATION, request)


class Mask(Shape[MaskRecord]):
    """A bitmap over the asset. It cannot be changed: delete it and draw another."""

    __slots__ = ()
    _read = operations.GET_MASK
    _drop = operations.DELETE_MASK

    @property
    def mask(self) -> str:
        """Its run lengths, as COCO compresses them."""
        return self.record.mask

    @property
    def area(self) -> float:
        """Its pixels."""
        return self.record.area

    @property
    def bbox(self) -> list[int]:
        """The box ``[x, y, w, h]`` around it."""
        return self.record.bbox
