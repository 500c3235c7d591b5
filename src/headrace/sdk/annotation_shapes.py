"""The shapes of an annotation: listed, created and replaced."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar
from uuid import UUID

from msgspec import Struct

from headrace.errors import BadRequestError
from headrace.model.records import AnnotationRecord
from headrace.protocol.operations.annotating import SAVE_ANNOTATION, AnnotationId, SaveAnnotation
from headrace.sdk.base.resource import Resource
from headrace.sdk.label import Label
from headrace.sdk.shape import KINDS, Classification, Line, Mask, Point, Polygon, Rectangle, Shape

ShapeT = TypeVar("ShapeT", bound=Shape[Any])


class AnnotationShapes(Resource[AnnotationRecord]):
    """The methods of an annotation for its shapes."""

    __slots__ = ()
    dataset_version_id: UUID

    # --- rectangles -----------------------------------------------------------------------------------

    async def list_rectangles(self) -> list[Rectangle]:
        """Return the rectangles in order of creation."""
        return await self._list(Rectangle)

    async def create_rectangle(
        self, x: float, y: float, w: float, h: float, label: Label
    ) -> Rectangle:
        """Create a rectangle.

        Args:
            x: Left edge in pixels.
            y: Top edge in pixels.
            w: Width in pixels.
            h: Height in pixels.
            label: A label of the version.

        Returns:
            The new rectangle.
        """
        return (await self.create_multiple_rectangles([(x, y, w, h, label)]))[0]

    async def create_multiple_rectangles(
        self, rectangles: Sequence[tuple[float, float, float, float, Label]]
    ) -> list[Rectangle]:
        """Create several rectangles in one call.

        Args:
            rectangles: Tuples ``(x, y, w, h, label)``, in pixels.

        Returns:
            The new rectangles, in the same order.

        Raises:
            BadRequestError: If ``rectangles`` is empty.
        """
        return await self._create(Rectangle, rectangles)

    # --- polygons -------------------------------------------------------------------------------------

    async def list_polygons(self) -> list[Polygon]:
        """Return the polygons in order of creation."""
        return await self._list(Polygon)

    async def create_polygon(self, coords: Sequence[Sequence[float]], label: Label) -> Polygon:
        """Create a polygon.

        Args:
            coords: The corners ``[x, y]``, in pixels.
            label: A label of the version.

        Returns:
            The new polygon.
        """
        return (await self.create_multiple_polygons([(coords, label)]))[0]

    async def create_multiple_polygons(
        self, polygons: Sequence[tuple[Sequence[Sequence[float]], Label]]
    ) -> list[Polygon]:
        """Create several polygons in one call.

        Args:
            polygons: Tuples ``(corners, label)``, in pixels.

        Returns:
            The new polygons, in the same order.

        Raises:
            BadRequestError: If ``polygons`` is empty.
        """
        return await self._create(Polygon, polygons)

    # --- lines ----------------------------------------------------------------------------------------

    async def list_lines(self) -> list[Line]:
        """Return the lines in order of creation."""
        return await self._list(Line)

    async def create_line(self, coords: Sequence[Sequence[float]], label: Label) -> Line:
        """Create a line.

        Args:
            coords: The points ``[x, y]``, in pixels.
            label: A label of the version.

        Returns:
            The new line.
        """
        return (await self.create_multiple_lines([(coords, label)]))[0]

    async def create_multiple_lines(
        self, lines: Sequence[tuple[Sequence[Sequence[float]], Label]]
    ) -> list[Line]:
        """Create several lines in one call.

        Args:
            lines: Tuples ``(points, label)``, in pixels.

        Returns:
            The new lines, in the same order.

        Raises:
            BadRequestError: If ``lines`` is empty.
        """
        return await self._create(Line, lines)

    # --- points ---------------------------------------------------------------------------------------

    async def list_points(self) -> list[Point]:
        """Return the points in order of creation."""
        return await self._list(Point)

    async def create_point(self, coords: Sequence[float], label: Label) -> Point:
        """Create a point.

        Args:
            coords: The position ``[x, y]``, in pixels.
            label: A label of the version.

        Returns:
            The new point.
        """
        return (await self.create_multiple_points([(coords, label)]))[0]

    async def create_multiple_points(
        self, points: Sequence[tuple[Sequence[float], Label]]
    ) -> list[Point]:
        """Create several points in one call.

        Args:
            points: Tuples ``([x, y], label)``, in pixels.

        Returns:
            The new points, in the same order.

        Raises:
            BadRequestError: If ``points`` is empty.
        """
        return await self._create(Point, points)

    # --- classifications ------------------------------------------------------------------------------

    async def list_classifications(self) -> list[Classification]:
        """Return the classifications in order of creation."""
        return await self._list(Classification)

    async def create_classification(self, label: Label) -> Classification:
        """Create a classification.

        Args:
            label: A label of the version.

        Returns:
            The new classification.
        """
        return (await self.create_multiple_classifications([label]))[0]

    async def create_multiple_classifications(
        self, classifications: Sequence[Label]
    ) -> list[Classification]:
        """Create several classifications in one call.

        Args:
            classifications: Labels of the version.

        Returns:
            The new classifications, in the same order.

        Raises:
            BadRequestError: If ``classifications`` is empty.
        """
        return await self._create(Classification, classifications)

    # --- masks ----------------------------------------------------------------------------------------

    async def list_masks(self) -> list[Mask]:
        """Return the masks in order of creation."""
        return await self._list(Mask)

    async def create_mask(self, mask: str, label: Label) -> Mask:
        """Create a mask.

        Args:
            mask: A compressed COCO run-length encoding, for the height and width of the asset.
            label: A label of the version.

        Returns:
            The new mask.
        """
        return (await self.create_multiple_masks([(mask, label)]))[0]

    async def create_multiple_masks(self, masks: Sequence[tuple[str, Label]]) -> list[Mask]:
        """Create several masks in one call.

        Args:
            masks: Tuples ``(run-length encoding, label)``.

        Returns:
            The new masks, in the same order.

        Raises:
            BadRequestError: If ``masks`` is empty.
        """
        return await self._create(Mask, masks)

    # --- all of them ----------------------------------------------------------------------------------

    async def overwrite(
        self,
        rectangles: Sequence[tuple[float, float, float, float, Label]] | None = None,
        polygons: Sequence[tuple[Sequence[Sequence[float]], Label]] | None = None,
        classifications: Sequence[Label] | None = None,
        lines: Sequence[tuple[Sequence[Sequence[float]], Label]] | None = None,
        points: Sequence[tuple[Sequence[float], Label]] | None = None,
        duration: float = 0.0,
        masks: Sequence[tuple[str, Label]] | None = None,
    ) -> None:
        """Replace all shapes and the duration of the annotation in one call.

        Without any shape the annotation is empty afterwards. Handles of the old shapes become invalid.

        Args:
            rectangles: Tuples ``(x, y, w, h, label)``, in pixels.
            polygons: Tuples ``(corners, label)``, in pixels.
            classifications: Labels.
            lines: Tuples ``(points, label)``, in pixels.
            points: Tuples ``([x, y], label)``, in pixels.
            duration: Seconds of work.
            masks: Tuples ``(run-length encoding, label)``.
        """
        given: dict[type[Shape[Any]], Sequence[Any] | None] = {
            Rectangle: rectangles,
            Polygon: polygons,
            Line: lines,
            Point: points,
            Classification: classifications,
            Mask: masks,
        }
        shapes = {
            KINDS[kind].operations.plural: self._encoded(kind, drawn) if drawn else None
            for kind, drawn in given.items()
        }
        request = SaveAnnotation(annotation_id=self.id, duration=duration, **shapes)
        self._refresh(await self.session.call(SAVE_ANNOTATION, request))

    async def _list(self, kind: type[ShapeT]) -> list[ShapeT]:
        request = AnnotationId(annotation_id=self.id)
        return self._handles(
            kind, (await self.session.call(KINDS[kind].operations.list, request)).items
        )

    async def _create(self, kind: type[ShapeT], drawn: Sequence[Any]) -> list[ShapeT]:
        if not drawn:
            raise BadRequestError("there are no shapes to create", hint="the list is empty")
        kind_operations = KINDS[kind].operations
        plural, create = kind_operations.plural, kind_operations.create
        shapes = {plural: self._encoded(kind, drawn)}
        created = await self.session.call(create, create.request(annotation_id=self.id, **shapes))
        return self._handles(kind, getattr(created, plural))

    def _encoded(self, kind: type[Shape[Any]], drawn: Sequence[Any]) -> list[Any]:
        return [KINDS[kind].encode(self.session, shape) for shape in drawn]

    def _handles(self, kind: type[ShapeT], records: Sequence[Struct]) -> list[ShapeT]:
        return [kind(self.session, record, self.id, self.dataset_version_id) for record in records]

    def _refresh(self, record: AnnotationRecord) -> None:
        raise NotImplementedError
