"""Samples drawn from a seed, with everything that the model can hold: all kinds of shapes, all fields, odd numbers."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

from headrace.formats.geometry import rle
from headrace.model.sample import Sample
from headrace.model.shapes import (
    AnyShape,
    Box,
    Classification,
    Keypoints,
    Line,
    Mask,
    Point,
    Polygon,
    PolygonKeyframe,
    Rectangle,
    RectangleKeyframe,
    SegmentationMask,
    Track,
)

TEXTS = ["", "a", "a b", '"', "\\", "}", "猫", "😀", "null", "line\nbreak"]
LABELS = ["cat", "dog", "traffic light", "猫"]
NUMBERS: list[float] = [0, 0.0, 12, 12.0, -3, 0.1, 1 / 3, 1e-12, 640, 640.0, 1e17, -123456.78125]
KINDS: tuple[type[AnyShape], ...] = (
    Rectangle,
    Polygon,
    Line,
    Point,
    Keypoints,
    Mask,
    Classification,
    Track,
)


class SampleDraw:
    """Draws samples of the images ``names``, each of ``width`` x ``height`` pixels, with shapes of ``kinds``.

    With ``inside`` all shapes lie inside their image, and no mask is empty.
    """

    def __init__(
        self,
        seed: int,
        *,
        names: Sequence[str],
        width: int,
        height: int,
        kinds: Sequence[type[AnyShape]] = KINDS,
        inside: bool = False,
    ) -> None:
        self.random = random.Random(seed)
        self._names = names
        self._width, self._height = width, height
        self._kinds = kinds
        self._inside = inside
        # In many sources all numbers are of one sort, and then they are packed in another way.
        self._sort = self.random.randrange(4)
        self._joints = self.random.randrange(1, 4)

    def samples(self) -> list[Sample]:
        """Draw samples of some of the images, in any order."""
        names = self.random.sample(self._names, self.random.randrange(1, len(self._names) + 1))
        return [self._sample(name, place) for place, name in enumerate(names)]

    def _sample(self, name: str, place: int) -> Sample:
        annotated = self.random.random() < 0.9
        return Sample(
            filename=name,
            width=self._width,
            height=self._height,
            annotated=annotated,
            shapes=[self._shape() for _ in range(self.random.randrange(5) if annotated else 0)],
            id=self._maybe(lambda: place + 1),
            attributes=self._maybe(self._attributes) if annotated else None,
            extra=self._maybe(self._attributes),
        )

    def _shape(self) -> AnyShape:
        kind = self.random.choice(self._kinds)
        return kind(**self._common(), **self._geometry(kind))

    def _common(self) -> dict[str, Any]:
        return {
            "label": self.random.choice(LABELS),
            "text": self._maybe(self._text),
            "attributes": self._maybe(self._attributes),
            "id": self._maybe(lambda: self.random.randrange(1, 1000)),
            "iscrowd": self.random.random() < 0.2,
            "area": self._maybe(lambda: self.random.uniform(0, 500)),
            "score": self._maybe(lambda: self.random.choice([0, 1, 0.5, 0.87, 1 / 3])),
            "extra": self._maybe(self._attributes),
        }

    def _geometry(self, kind: type[AnyShape]) -> dict[str, Any]:
        number, some = self._number, self.random.randrange
        if kind is Rectangle:
            x, y, w, h = self._box()
            return {"x": x, "y": y, "w": w, "h": h}
        if kind is Polygon:
            return {
                "rings": [self._ring() for _ in range(some(1, 4))],
                "bbox": self._maybe(self._box),
            }
        if kind is Line:
            return {"points": [number() for _ in range(2 * some(2, 5))]}
        if kind is Point:
            return {"x": number(), "y": number()}
        if kind is Keypoints:
            seen = self.random.choice([[0], [0, 1, 2]])
            points = [(number(), number(), self.random.choice(seen)) for _ in range(self._joints)]
            return {
                "points": [value for point in points for value in point],
                "bbox": self._maybe(self._box),
                "segmentation": self._maybe(self._segmentation),
            }
        if kind is Mask:
            return {
                "counts": self._mask(),
                "width": self._width,
                "height": self._height,
                "bbox": self._maybe(self._box),
            }
        if kind is Track:
            return {
                "start_frame": some(50),
                "rectangles": [
                    RectangleKeyframe(place, *self._box()) for place in range(some(1, 4))
                ],
                "polygons": [PolygonKeyframe(place, self._ring()) for place in range(some(2))],
                "ends": [some(60) for _ in range(some(3))],
            }
        return {}

    def _segmentation(self) -> list[list[float]] | SegmentationMask:
        if self.random.random() < 0.5:
            return SegmentationMask(counts=self._mask(), width=self._width, height=self._height)
        return [self._ring() for _ in range(self.random.randrange(1, 3))]

    def _mask(self) -> str:
        pixels = self._width * self._height
        cuts = sorted(self.random.choices(range(pixels + 1), k=self.random.randrange(6)))
        if self._inside:
            cuts = sorted(self.random.sample(range(pixels), 2))
        return rle.encode(
            [end - start for start, end in zip([0, *cuts], [*cuts, pixels], strict=True)]
        )

    def _box(self) -> Box:
        x, y = self._number(), self._number()
        if self._inside:
            return (
                x,
                y,
                self.random.uniform(1, self._width - x),
                self.random.uniform(1, self._height - y),
            )
        return x, y, abs(self._number()) + 1, abs(self._number()) + 1

    def _ring(self) -> list[float]:
        return [self._number() for _ in range(2 * self.random.randrange(3, 8))]

    def _number(self) -> float:
        if self._inside:
            # Space is left for the size of a box.
            most = min(self._width, self._height) - 4
            return self.random.choice(
                [self.random.randrange(most), round(self.random.uniform(0, most), 2)]
            )
        if self._sort == 0:
            return self.random.randrange(0, 700)
        if self._sort == 1:
            return round(self.random.uniform(0, 700), 2)
        if self._sort == 2 or self.random.random() < 0.2:
            return self.random.choice(NUMBERS)
        return self.random.uniform(-50, 700)

    def _maybe(self, make: Callable[[], Any]) -> Any:
        return make() if self.random.random() < 0.3 else None

    def _text(self) -> str:
        return "".join(self.random.choices(TEXTS, k=self.random.randrange(3)))

    def _attributes(self) -> dict[str, Any]:
        return {
            f"k{place}{self._text()}": self._value() for place in range(self.random.randrange(1, 3))
        }

    def _value(self) -> Any:
        values = [None, True, 0, -(2**63), 2**63 - 1, 0.25, self._text(), [self._text()]]
        return self.random.choice([*values, {"deep": [{}]}])
