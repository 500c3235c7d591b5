"""Stores plain boxes, and polygons with a box, as columns, since most conversions only pass them on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, MutableSequence, Sequence
from typing import Any, cast, overload

from headrace.formats.geometry.lazy_polygons import LazyPolygon, decoded_polygons
from headrace.model.sample import Sample
from headrace.model.shapes import AnyShape, Attributes, Polygon, Rectangle

Rings = list[list[float]]


class BoxTable:
    """The boxes of consecutive images as columns of equal length. Immutable.

    Attributes:
        labels: Label of each box.
        x: Left edges in pixels, as in :class:`~headrace.model.shapes.Rectangle`.
        y: Top edges in pixels.
        w: Widths in pixels.
        h: Heights in pixels.
        attributes: Attributes, possibly shared between boxes; None where no box has any.
        ids: Shape ids; None where no box has one.
        areas: Areas in square pixels; None where no box has one.
        polygon_texts: The text of the rings (:mod:`headrace.formats.geometry.lazy_polygons`) where a box belongs to a
            polygon, else None; the column is None where there are only boxes.
        polygon_rings: The rings as lists of numbers, in place of their text: for writers that ask for them
            (:attr:`.Writer.takes_numbers`).
        is_derived: Whether boxes and areas of polygons were computed from their rings, so that the source has neither.
        keeps_text: Whether the rings of its shapes stay text until they are used, rather than becoming lists.
    """

    __slots__ = (
        "areas",
        "attributes",
        "h",
        "ids",
        "is_derived",
        "keeps_text",
        "labels",
        "polygon_rings",
        "polygon_texts",
        "shapes_made",
        "w",
        "x",
        "y",
    )

    def __init__(
        self,
        labels: Sequence[str],
        x: Sequence[float],
        y: Sequence[float],
        w: Sequence[float],
        h: Sequence[float],
        attributes: Sequence[Attributes | None] | None = None,
        ids: Sequence[int | str | None] | None = None,
        areas: Sequence[float | None] | None = None,
        polygon_texts: Sequence[bytes | None] | None = None,
        is_derived: bool = False,
        polygon_rings: Sequence[Rings | None] | None = None,
        keeps_text: bool = True,
    ) -> None:
        self.labels = labels
        self.x = x
        self.y = y
        self.w = w
        self.h = h
        self.attributes = attributes
        self.ids = ids
        self.areas = areas
        self.polygon_texts = polygon_texts
        self.polygon_rings = polygon_rings
        self.is_derived = is_derived
        self.keeps_text = keeps_text
        self.shapes_made: list[AnyShape] | None = None

    def shapes(self, start: int, stop: int) -> list[AnyShape]:
        """Return the shapes of the rows from ``start`` up to ``stop``; the first call makes those of all rows."""
        if self.shapes_made is None:
            self.shapes_made = _shapes_of(self)
        return self.shapes_made[start:stop]

    @property
    def outlines(self) -> Sequence[Any]:
        """The rings of each row as the table holds them, None for a box; empty where there are only boxes."""
        return self.polygon_texts or self.polygon_rings or ()

    def rings(self) -> Sequence[Rings | None] | None:
        """Return the rings of each row as lists of numbers, None for a box; None where there are only boxes."""
        texts = self.polygon_texts
        if texts is None:
            return self.polygon_rings
        decoded = decoded_polygons([text for text in texts if text is not None])
        if len(decoded) == len(texts):
            return decoded
        following = iter(decoded)
        return [None if text is None else next(following) for text in texts]

    def rows(self, start: int, stop: int) -> BoxTable:
        """Return a table of the rows from ``start`` up to ``stop``."""
        if start == 0 and stop == len(self.labels):
            return self
        rows = slice(start, stop)
        return BoxTable(
            self.labels[rows],
            self.x[rows],
            self.y[rows],
            self.w[rows],
            self.h[rows],
            self.attributes and self.attributes[rows],
            self.ids and self.ids[rows],
            self.areas and self.areas[rows],
            self.polygon_texts and self.polygon_texts[rows],
            self.is_derived,
            self.polygon_rings and self.polygon_rings[rows],
            self.keeps_text,
        )

    def relabelled(self, labels: Sequence[str]) -> BoxTable:
        """Return a table of the same boxes with other labels."""
        return BoxTable(
            labels,
            self.x,
            self.y,
            self.w,
            self.h,
            self.attributes,
            self.ids,
            self.areas,
            self.polygon_texts,
            self.is_derived,
            self.polygon_rings,
            self.keeps_text,
        )


class BoxView(MutableSequence[AnyShape]):
    """The shapes of one image as the rows of a table from ``start`` up to ``stop``, created on first access.

    Readers put it in place of ``list[AnyShape]``. From the first access on it holds the shapes, which may be changed, and
    no longer stands for the rows. Attributes are copied into the shapes. Pickled and copied, it becomes a list.
    """

    __slots__ = ("_shapes", "start", "stop", "table")

    def __init__(self, table: BoxTable, start: int, stop: int) -> None:
        self.table = table
        self.start = start
        self.stop = stop
        self._shapes: list[AnyShape] | None = None

    @property
    def is_untouched(self) -> bool:
        """Whether the rows are the shapes, since nothing has asked for these yet."""
        return self._shapes is None

    @property
    def shapes(self) -> list[AnyShape]:
        """The boxes as shapes."""
        if self._shapes is None:
            self._shapes = self.table.shapes(self.start, self.stop)
            # The table holds the shapes of other images.
            del self.table
        return self._shapes

    def __len__(self) -> int:
        return self.stop - self.start if self._shapes is None else len(self._shapes)

    @overload
    def __getitem__(self, index: int) -> AnyShape: ...
    @overload
    def __getitem__(self, index: slice) -> list[AnyShape]: ...
    def __getitem__(self, index: int | slice) -> AnyShape | list[AnyShape]:
        return self.shapes[index]

    @overload
    def __setitem__(self, index: int, value: AnyShape) -> None: ...
    @overload
    def __setitem__(self, index: slice, value: Iterable[AnyShape]) -> None: ...
    def __setitem__(self, index: Any, value: Any) -> None:
        self.shapes[index] = value

    def __delitem__(self, index: int | slice) -> None:
        del self.shapes[index]

    def insert(self, index: int, value: AnyShape) -> None:
        """Insert a shape before an index."""
        self.shapes.insert(index, value)

    def sort(self, *, key: Callable[[AnyShape], Any], reverse: bool = False) -> None:
        """Sort the shapes as ``list.sort`` does."""
        self.shapes.sort(key=key, reverse=reverse)

    def copy(self) -> list[AnyShape]:
        """Return a list of the shapes."""
        return self.shapes.copy()

    def __add__(self, other: Iterable[AnyShape]) -> list[AnyShape]:
        return [*self.shapes, *other]

    def __radd__(self, other: Iterable[AnyShape]) -> list[AnyShape]:
        return [*other, *self.shapes]

    def __iter__(self) -> Iterator[AnyShape]:
        return iter(self.shapes)

    def __eq__(self, other: object) -> bool:
        return self.shapes == (other.shapes if isinstance(other, BoxView) else other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return repr(self.shapes)

    def __reduce__(self) -> tuple[type[list[AnyShape]], tuple[list[AnyShape]]]:
        return list, (self.shapes,)


def _shapes_of(table: BoxTable) -> list[AnyShape]:
    none = [None] * len(table.labels)
    shapes: list[AnyShape] = []
    for label, x, y, w, h, shared, number, area, rings in zip(
        table.labels,
        table.x,
        table.y,
        table.w,
        table.h,
        table.attributes or none,
        table.ids or none,
        table.areas or none,
        _rings_of(table) or none,
        strict=True,
    ):
        attributes = shared and shared.copy()
        if rings is None:
            shapes.append(
                Rectangle(
                    label=label, x=x, y=y, w=w, h=h, attributes=attributes, id=number, area=area
                )
            )
        else:
            shapes.append(
                Polygon(
                    label=label,
                    rings=rings,
                    bbox=None if table.is_derived else (x, y, w, h),
                    attributes=attributes,
                    id=number,
                    area=None if table.is_derived else area,
                )
            )
    return shapes


def _rings_of(table: BoxTable) -> Sequence[Rings | None] | None:
    if table.polygon_texts is None or not table.keeps_text:
        return table.rings()
    return [
        None if text is None else cast("Rings", LazyPolygon(text)) for text in table.polygon_texts
    ]


def as_boxes(shapes: Sequence[AnyShape]) -> BoxView | None:
    """Return the shapes as a view of a table if they are one and nothing has changed them, else None."""
    return shapes if type(shapes) is BoxView and shapes.is_untouched else None


def by_table(samples: Sequence[Sample]) -> Iterator[tuple[BoxTable | None, Sequence[Sample]]]:
    """Yield samples in order, in runs: those whose boxes are consecutive rows of one table, and others (table None)."""
    table: BoxTable | None = None
    begin = first = stop = 0
    for number, sample in enumerate(samples):
        shapes: Sequence[AnyShape] = sample.shapes
        # As in as_boxes, without the call.
        boxes = shapes if type(shapes) is BoxView and shapes.is_untouched else None
        current = None if boxes is None else boxes.table
        if current is not table or (boxes is not None and boxes.start != stop):
            if number > begin:
                yield table and table.rows(first, stop), samples[begin:number]
            table, begin = current, number
            first = 0 if boxes is None else boxes.start
        if boxes is not None:
            stop = boxes.stop
    if samples:
        yield table and table.rows(first, stop), samples[begin:]


def labels_in(samples: Sequence[Sample]) -> Iterator[Sequence[str]]:
    """Yield the labels of all shapes in groups, without creating shapes from boxes."""
    for table, run in by_table(samples):
        if table is not None:
            yield table.labels
        else:
            yield [shape.label for sample in run for shape in sample.shapes]
