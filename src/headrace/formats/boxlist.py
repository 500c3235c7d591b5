"""Plain boxes kept as columns: most conversions only carry their numbers from one file into another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import overload

from headrace.model.shapes import AnyShape, Attributes, Rectangle


class BoxList(Sequence[AnyShape]):
    """An image's shapes where all of them are boxes with nothing but a label and attributes; made when looked at.

    Stands for ``list[AnyShape]`` where a reader was asked for it. The columns are equally long: ``x, y, w, h`` in
    pixels, as :class:`~headrace.model.shapes.Rectangle` has them. ``attributes`` is None where no box has any; what
    it holds may be shared between boxes, and is copied into the shapes.
    """

    __slots__ = ("_shapes", "attributes", "h", "labels", "w", "x", "y")
    _shapes: list[AnyShape]

    def __init__(
        self,
        labels: Sequence[str],
        x: Sequence[float],
        y: Sequence[float],
        w: Sequence[float],
        h: Sequence[float],
        attributes: Sequence[Attributes | None] | None = None,
    ) -> None:
        self.labels = labels
        self.x = x
        self.y = y
        self.w = w
        self.h = h
        self.attributes = attributes

    def __reduce__(self) -> tuple[type[BoxList], tuple[object, ...]]:
        return BoxList, (self.labels, self.x, self.y, self.w, self.h, self.attributes)

    @property
    def shapes(self) -> list[AnyShape]:
        """The boxes as shapes."""
        try:
            return self._shapes
        except AttributeError:
            have = self.attributes or [None] * len(self.labels)
            self._shapes = [
                Rectangle(label=label, x=x, y=y, w=w, h=h, attributes=said and said.copy())
                for label, x, y, w, h, said in zip(
                    self.labels, self.x, self.y, self.w, self.h, have, strict=True
                )
            ]
            return self._shapes

    def __len__(self) -> int:
        return len(self.labels)

    @overload
    def __getitem__(self, index: int) -> AnyShape: ...
    @overload
    def __getitem__(self, index: slice) -> list[AnyShape]: ...
    def __getitem__(self, index: int | slice) -> AnyShape | list[AnyShape]:
        return self.shapes[index]

    def __iter__(self) -> Iterator[AnyShape]:
        return iter(self.shapes)

    def __eq__(self, other: object) -> bool:
        return self.shapes == (other.shapes if isinstance(other, BoxList) else other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return repr(self.shapes)


def as_boxes(shapes: Sequence[AnyShape]) -> BoxList | None:
    """The shapes of an image as columns, where they are."""
    return shapes if type(shapes) is BoxList else None


def labels_in(shapes: Sequence[AnyShape]) -> Sequence[str]:
    """The label of each shape, without making shapes of boxes."""
    if type(shapes) is BoxList:
        return shapes.labels
    return [shape.label for shape in shapes]
