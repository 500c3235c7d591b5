"""Handles of the single shapes of an annotation.

Coordinates are in pixels, with the origin at the top left of the image.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

from msgspec import UNSET, Struct

from headrace.protocol.operations import annotations as wire
from headrace.protocol.operations import shapes as operations
from headrace.protocol.operations.shapes import (
    ClassificationRecord,
    EditableShapeOperations,
    LineRecord,
    MaskRecord,
    PointRecord,
    PolygonRecord,
    RectangleRecord,
    ShapeOperations,
    ShapeRecord,
)
from headrace.sdk.base.coordinates import tidy, tidy_points, whole, whole_pair, whole_pairs
from headrace.sdk.base.resource import Resource, describe
from headrace.sdk.base.session import Session
from headrace.sdk.label import Label

ShapeT = TypeVar("ShapeT", bound=ShapeRecord)


class Shape(Resource[ShapeT]):
    """Base of the shapes of an annotation."""

    __slots__ = ("annotation_id", "dataset_version_id")

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
        """The text of the shape, such as a transcription."""
        return self.record.text

    @property
    def attributes(self) -> dict[str, Any] | None:
        """The attributes of the shape, by name."""
        return self.record.attributes

    @property
    def score(self) -> float | None:
        """What a model gave the shape, usually from 0 to 1; None if the shape has no score."""
        score = self.record.score
        return None if score is UNSET else score

    async def sync(self) -> None:
        """Read the shape again and replace ``record``."""
        request = operations.ShapeId(shape_id=self.id)
        self.record = await self.session.call(KINDS[type(self)].operations.get, request)

    async def delete(self) -> None:
        """Delete the shape."""
        await self.session.call(
            KINDS[type(self)].operations.delete, operations.ShapeId(shape_id=self.id)
        )

    async def _update(self, label: Label | None, text: str | None, **geometry: Any) -> None:
        kind_operations = KINDS[type(self)].operations
        assert isinstance(kind_operations, EditableShapeOperations)
        operation = kind_operations.update
        label_id = label.id if label else None
        request = operation.request(shape_id=self.id, label_id=label_id, text=text, **geometry)
        self.record = await self.session.call(operation, request)

    def __repr__(self) -> str:
        return describe(self, self.record.label.name)


class Rectangle(Shape[RectangleRecord]):
    """An axis-aligned box, in pixels."""

    __slots__ = ()

    @property
    def x(self) -> float:
        """The left edge."""
        return tidy(self.record.x)

    @property
    def y(self) -> float:
        """The top edge."""
        return tidy(self.record.y)

    @property
    def w(self) -> float:
        """The width."""
        return tidy(self.record.w)

    @property
    def h(self) -> float:
        """The height."""
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
        """Change the rectangle. Arguments that are None leave their part unchanged.

        Args:
            x: Left edge in pixels.
            y: Top edge in pixels.
            w: Width in pixels.
            h: Height in pixels.
            label: The new label.
            text: The new text.
        """
        sides = {
            name: None if value is None else whole(self.session, value)
            for name, value in (("x", x), ("y", y), ("w", w), ("h", h))
        }
        await self._update(label, text, **sides)


class Polygon(Shape[PolygonRecord]):
    """A closed outline, in pixels."""

    __slots__ = ()

    @property
    def coords(self) -> list[list[float]]:
        """The corners ``[x, y]``."""
        return tidy_points(self.record.polygon)

    async def update(
        self,
        coords: Sequence[Sequence[float]] | None = None,
        label: Label | None = None,
        text: str | None = None,
    ) -> None:
        """Change the polygon. Arguments that are None leave their part unchanged.

        Args:
            coords: The new corners ``[x, y]``, in pixels.
            label: The new label.
            text: The new text.
        """
        ring = None if coords is None else whole_pairs(self.session, coords)
        await self._update(label, text, polygon=ring)


class Line(Shape[LineRecord]):
    """An open polyline, in pixels."""

    __slots__ = ()

    @property
    def coords(self) -> list[list[float]]:
        """The points ``[x, y]``."""
        return tidy_points(self.record.line)

    async def update(
        self,
        coords: Sequence[Sequence[float]] | None = None,
        label: Label | None = None,
        text: str | None = None,
    ) -> None:
        """Change the line. Arguments that are None leave their part unchanged.

        Args:
            coords: The new points ``[x, y]``, in pixels.
            label: The new label.
            text: The new text.
        """
        points = None if coords is None else whole_pairs(self.session, coords)
        await self._update(label, text, line=points)


class Point(Shape[PointRecord]):
    """A single point, in pixels."""

    __slots__ = ()

    @property
    def coords(self) -> list[float]:
        """The position ``[x, y]``."""
        return [tidy(number) for number in self.record.point]

    async def update(
        self,
        coords: Sequence[float] | None = None,
        label: Label | None = None,
        text: str | None = None,
    ) -> None:
        """Change the point. Arguments that are None leave their part unchanged.

        Args:
            coords: The new position ``[x, y]``, in pixels.
            label: The new label.
            text: The new text.
        """
        point = None if coords is None else whole_pair(self.session, coords)
        await self._update(label, text, point=point)


class Classification(Shape[ClassificationRecord]):
    """A label of the whole asset."""

    __slots__ = ()

    async def update(self, label: Label | None = None, text: str | None = None) -> None:
        """Change the classification. Arguments that are None leave their part unchanged.

        Args:
            label: The new label.
            text: The new text.
        """
        await self._update(label, text)


class Mask(Shape[MaskRecord]):
    """A bitmap over the asset. It cannot be changed: delete it and create another."""

    __slots__ = ()

    @property
    def mask(self) -> str:
        """The mask as a compressed COCO run-length encoding."""
        return self.record.mask

    @property
    def area(self) -> float:
        """The number of pixels in the mask."""
        return self.record.area

    @property
    def bbox(self) -> list[int]:
        """The bounding box ``[x, y, w, h]``, in pixels."""
        return self.record.bbox


# --- the table of kinds ----------------------------------------------------------------------------------


class ShapeKind(NamedTuple):
    """The operations on one kind of shape, and the function that encodes what callers pass for a new one."""

    operations: ShapeOperations[Any, Any, Any]
    encode: Callable[[Session, Any], Struct]


def _rectangle(session: Session, drawn: tuple[float, float, float, float, Label]) -> Struct:
    *box, label = drawn
    x, y, w, h = [whole(session, side) for side in box]
    return wire.RectangleIn(label_id=str(label.id), x=x, y=y, w=w, h=h)


def _polygon(session: Session, drawn: tuple[Sequence[Sequence[float]], Label]) -> Struct:
    ring, label = drawn
    return wire.PolygonIn(label_id=str(label.id), polygon=whole_pairs(session, ring))


def _line(session: Session, drawn: tuple[Sequence[Sequence[float]], Label]) -> Struct:
    points, label = drawn
    return wire.LineIn(label_id=str(label.id), line=whole_pairs(session, points))


def _point(session: Session, drawn: tuple[Sequence[float], Label]) -> Struct:
    point, label = drawn
    return wire.PointIn(label_id=str(label.id), point=whole_pair(session, point))


def _classification(_: Session, label: Label) -> Struct:
    return wire.ClassificationIn(label_id=str(label.id))


def _mask(_: Session, drawn: tuple[str, Label]) -> Struct:
    mask, label = drawn
    return wire.MaskIn(label_id=str(label.id), mask=mask)


KINDS: dict[type[Shape[Any]], ShapeKind] = {
    Rectangle: ShapeKind(operations.RECTANGLES, _rectangle),
    Polygon: ShapeKind(operations.POLYGONS, _polygon),
    Line: ShapeKind(operations.LINES, _line),
    Point: ShapeKind(operations.POINTS, _point),
    Classification: ShapeKind(operations.CLASSIFICATIONS, _classification),
    Mask: ShapeKind(operations.MASKS, _mask),
}
