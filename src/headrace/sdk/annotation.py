"""Annotations: what somebody drew on an asset."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Self, TypeVar
from uuid import UUID

from msgspec import UNSET, Struct
from msgspec.structs import replace

from headrace.engine.paging import call_all, pieces
from headrace.engine.versions.load import annotations_of_ids
from headrace.errors import BadRequestError
from headrace.model.enums import AnnotationStatus
from headrace.model.records import AnnotationRecord, Items
from headrace.protocol.operation import Operation
from headrace.protocol.operations import annotating as operations
from headrace.protocol.operations import annotations as wire
from headrace.protocol.operations import shapes as shape_operations
from headrace.protocol.operations.listing import IDS_PER_CALL
from headrace.sdk.base.collection import MultiObject
from headrace.sdk.base.coordinates import by_asset, whole, whole_pair, whole_pairs
from headrace.sdk.base.resource import Resource, describe
from headrace.sdk.base.session import Session
from headrace.sdk.label import Label
from headrace.sdk.shape import Classification, Line, Mask, Point, Polygon, Rectangle, Shape
from headrace.sdk.user import Worker, worker_id

ShapeT = TypeVar("ShapeT", bound=Shape[Any])


class Annotation(Resource[AnnotationRecord]):
    """An annotation of an asset. Its shapes are read when asked for."""

    __slots__ = ("asset_id", "dataset_version_id")

    def __init__(
        self,
        session: Session,
        record: AnnotationRecord,
        dataset_version_id: UUID,
        asset_id: UUID | None = None,
    ) -> None:
        if asset_id is None:
            if record.asset_id is UNSET:
                raise BadRequestError(f"annotation {record.id} comes without its asset")
            asset_id = record.asset_id
        super().__init__(session, replace(record, asset_id=asset_id))
        self.dataset_version_id = dataset_version_id
        self.asset_id = asset_id

    @property
    def duration(self) -> float:
        """Seconds of work on it."""
        return self.record.duration

    @property
    def status(self) -> AnnotationStatus:
        """The status as last read."""
        return self.record.status

    @property
    def worker_id(self) -> UUID | None:
        """The id of the user whose it is; None where the platform does not tell."""
        return self.record.worker_id or None

    @property
    def attributes(self) -> dict[str, Any] | None:
        """The attributes of the annotation."""
        return self.record.attributes

    async def sync(self) -> None:
        """Read the annotation again."""
        request = operations.AnnotationId(annotation_id=self.id)
        self._refresh(await self.session.call(operations.GET_ANNOTATION, request))

    async def update(
        self,
        worker: Worker | UUID | str | None = None,
        duration: float | None = None,
        status: AnnotationStatus | str | None = None,
        *,
        attributes: dict[str, Any] | None = None,
    ) -> None:
        """Change the duration (seconds), the status, or on headrace the attributes (``{}`` clears them).

        On headrace the annotation becomes that of ``worker`` where one is given.
        """
        request = operations.UpdateAnnotation(
            annotation_id=self.id,
            duration=duration,
            status=AnnotationStatus.parse(status) if status else None,
            attributes=attributes,
            worker_id=worker_id(self.session, worker),
        )
        self._refresh(await self.session.call(operations.UPDATE_ANNOTATION, request))

    async def delete(self) -> None:
        """Delete the annotation with all its shapes."""
        request = operations.AnnotationId(annotation_id=self.id)
        await self.session.call(operations.DELETE_ANNOTATION, request)

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
        """Put these shapes, and this duration, in the place of all that the annotation has.

        Without any shape the annotation is empty afterwards. Handles of its old shapes name nothing any more.
        """
        request = operations.SaveAnnotation(
            annotation_id=self.id,
            duration=duration,
            rectangles=self._boxes(rectangles) if rectangles else None,
            polygons=self._outlines(polygons) if polygons else None,
            lines=self._chains(lines) if lines else None,
            points=self._dots(points) if points else None,
            classifications=_words(classifications) if classifications else None,
            masks=_bitmaps(masks) if masks else None,
        )
        self._refresh(await self.session.call(operations.SAVE_ANNOTATION, request))

    # --- rectangles -----------------------------------------------------------------------------------

    async def list_rectangles(self) -> list[Rectangle]:
        """The rectangles in order of creation."""
        return await self._list(shape_operations.LIST_RECTANGLES, Rectangle)

    async def create_rectangle(
        self, x: float, y: float, w: float, h: float, label: Label
    ) -> Rectangle:
        """A new rectangle: left, top, width, height in pixels."""
        return (await self.create_multiple_rectangles([(x, y, w, h, label)]))[0]

    async def create_multiple_rectangles(
        self, rectangles: Sequence[tuple[float, float, float, float, Label]]
    ) -> list[Rectangle]:
        """New rectangles ``(x, y, w, h, label)``, in this order."""
        request = shape_operations.CreateRectangles(
            annotation_id=self.id, rectangles=self._boxes(_some(rectangles))
        )
        made = await self.session.call(shape_operations.CREATE_RECTANGLES, request)
        return self._handles(Rectangle, made.rectangles)

    # --- polygons -------------------------------------------------------------------------------------

    async def list_polygons(self) -> list[Polygon]:
        """The polygons in order of creation."""
        return await self._list(shape_operations.LIST_POLYGONS, Polygon)

    async def create_polygon(self, coords: Sequence[Sequence[float]], label: Label) -> Polygon:
        """A new polygon with corners ``[x, y]``."""
        return (await self.create_multiple_polygons([(coords, label)]))[0]

    async def create_multiple_polygons(
        self, polygons: Sequence[tuple[Sequence[Sequence[float]], Label]]
    ) -> list[Polygon]:
        """New polygons ``(corners, label)``, in this order."""
        request = shape_operations.CreatePolygons(
            annotation_id=self.id, polygons=self._outlines(_some(polygons))
        )
        made = await self.session.call(shape_operations.CREATE_POLYGONS, request)
        return self._handles(Polygon, made.polygons)

    # --- lines ----------------------------------------------------------------------------------------

    async def list_lines(self) -> list[Line]:
        """The lines in order of creation."""
        return await self._list(shape_operations.LIST_LINES, Line)

    async def create_line(self, coords: Sequence[Sequence[float]], label: Label) -> Line:
        """A new line through points ``[x, y]``."""
        return (await self.create_multiple_lines([(coords, label)]))[0]

    async def create_multiple_lines(
        self, lines: Sequence[tuple[Sequence[Sequence[float]], Label]]
    ) -> list[Line]:
        """New lines ``(points, label)``, in this order."""
        request = shape_operations.CreateLines(
            annotation_id=self.id, lines=self._chains(_some(lines))
        )
        made = await self.session.call(shape_operations.CREATE_LINES, request)
        return self._handles(Line, made.lines)

    # --- points ---------------------------------------------------------------------------------------

    async def list_points(self) -> list[Point]:
        """The points in order of creation."""
        return await self._list(shape_operations.LIST_POINTS, Point)

    async def create_point(self, coords: Sequence[float], label: Label) -> Point:
        """A new point at ``[x, y]``."""
        return (await self.create_multiple_points([(coords, label)]))[0]

    async def create_multiple_points(
        self, points: Sequence[tuple[Sequence[float], Label]]
    ) -> list[Point]:
        """New points ``([x, y], label)``, in this order."""
        request = shape_operations.CreatePoints(
            annotation_id=self.id, points=self._dots(_some(points))
        )
        made = await self.session.call(shape_operations.CREATE_POINTS, request)
        return self._handles(Point, made.points)

    # --- classifications ------------------------------------------------------------------------------

    async def list_classifications(self) -> list[Classification]:
        """The classifications in order of creation."""
        return await self._list(shape_operations.LIST_CLASSIFICATIONS, Classification)

    async def create_classification(self, label: Label) -> Classification:
        """A new classification."""
        return (await self.create_multiple_classifications([label]))[0]

    async def create_multiple_classifications(
        self, classifications: Sequence[Label]
    ) -> list[Classification]:
        """New classifications, in this order."""
        request = shape_operations.CreateClassifications(
            annotation_id=self.id, classifications=_words(_some(classifications))
        )
        made = await self.session.call(shape_operations.CREATE_CLASSIFICATIONS, request)
        return self._handles(Classification, made.classifications)

    # --- masks ----------------------------------------------------------------------------------------

    async def list_masks(self) -> list[Mask]:
        """The masks in order of creation."""
        return await self._list(shape_operations.LIST_MASKS, Mask)

    async def create_mask(self, mask: str, label: Label) -> Mask:
        """A new mask: COCO's compressed run lengths over the asset's height and width."""
        return (await self.create_multiple_masks([(mask, label)]))[0]

    async def create_multiple_masks(self, masks: Sequence[tuple[str, Label]]) -> list[Mask]:
        """New masks ``(run lengths, label)``, in this order."""
        request = shape_operations.CreateMasks(annotation_id=self.id, masks=_bitmaps(_some(masks)))
        made = await self.session.call(shape_operations.CREATE_MASKS, request)
        return self._handles(Mask, made.masks)

    # --- on the way in and out ------------------------------------------------------------------------

    async def _list(
        self, operation: Operation[Any, Items[Any]], kind: type[ShapeT]
    ) -> list[ShapeT]:
        request = operations.AnnotationId(annotation_id=self.id)
        return self._handles(kind, (await self.session.call(operation, request)).items)

    def _handles(self, kind: type[ShapeT], records: Iterable[Struct]) -> list[ShapeT]:
        return [kind(self.session, record, self.id, self.dataset_version_id) for record in records]

    def _refresh(self, record: AnnotationRecord) -> None:
        self.record = replace(record, asset_id=self.asset_id)

    def _boxes(
        self, rectangles: Sequence[tuple[float, float, float, float, Label]]
    ) -> list[wire.RectangleIn]:
        return [
            wire.RectangleIn(
                label_id=str(label.id),
                x=whole(self.session, x),
                y=whole(self.session, y),
                w=whole(self.session, w),
                h=whole(self.session, h),
            )
            for x, y, w, h, label in rectangles
        ]

    def _outlines(
        self, polygons: Sequence[tuple[Sequence[Sequence[float]], Label]]
    ) -> list[wire.PolygonIn]:
        return [
            wire.PolygonIn(label_id=str(label.id), polygon=whole_pairs(self.session, ring))
            for ring, label in polygons
        ]

    def _chains(
        self, lines: Sequence[tuple[Sequence[Sequence[float]], Label]]
    ) -> list[wire.LineIn]:
        return [
            wire.LineIn(label_id=str(label.id), line=whole_pairs(self.session, line))
            for line, label in lines
        ]

    def _dots(self, points: Sequence[tuple[Sequence[float], Label]]) -> list[wire.PointIn]:
        return [
            wire.PointIn(label_id=str(label.id), point=whole_pair(self.session, point))
            for point, label in points
        ]

    def __repr__(self) -> str:
        return describe(self, str(self.id), self.status.value.lower())


class MultiAnnotation(MultiObject[AnnotationRecord, Annotation]):
    """Many annotations of one version."""

    __slots__ = ("dataset_version_id",)

    def __init__(
        self, session: Session, dataset_version_id: UUID, records: Iterable[AnnotationRecord] = ()
    ) -> None:
        super().__init__(session, records)
        self.dataset_version_id = dataset_version_id

    def _handle(self, record: AnnotationRecord) -> Annotation:
        return Annotation(self.session, record, self.dataset_version_id)

    def _with(self, records: Iterable[AnnotationRecord]) -> Self:
        return type(self)(self.session, self.dataset_version_id, records)

    async def load(
        self, chunk_size: int = 100, max_workers: int | None = None, skip_error: bool = False
    ) -> dict[str, list[dict[str, Any]]]:
        """These annotations with their shapes: asset id to annotations, in the order of this list.

        ``chunk_size`` annotations are asked for in one call, ``max_workers`` calls are under way at a time. With
        ``skip_error`` a call that fails is left out and logged.
        """
        pages = annotations_of_ids(
            self.session.backend,
            self.dataset_version_id,
            self.ids,
            chunk_size=chunk_size,
            max_workers=max_workers,
            skip_error=skip_error,
        )
        return await by_asset(pages)

    async def delete(self) -> None:
        """Delete these annotations with all their shapes."""
        requests = [
            operations.DeleteAnnotations(
                version_id=self.dataset_version_id,
                asset_ids=[operations.ALL_ASSETS],
                annotation_ids=piece,
            )
            for piece in pieces(self.ids, IDS_PER_CALL)
        ]
        await call_all(self.session.backend, operations.DELETE_ANNOTATIONS, requests)


def _some(shapes: Sequence[Any]) -> Sequence[Any]:
    if not shapes:
        raise BadRequestError("there are no shapes to create", hint="the list is empty")
    return shapes


def _words(labels: Sequence[Label]) -> list[wire.ClassificationIn]:
    return [wire.ClassificationIn(label_id=str(label.id)) for label in labels]


def _bitmaps(masks: Sequence[tuple[str, Label]]) -> list[wire.MaskIn]:
    return [wire.MaskIn(label_id=str(label.id), mask=mask) for mask, label in masks]
