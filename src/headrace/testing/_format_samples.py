"""Samples for the conformance suite of formats, made of what a format says it can represent."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from msgspec.structs import asdict

from headrace.formats import WHOLE, Capability
from headrace.formats.geometry import rle
from headrace.formats.info import SHAPE_KINDS, ShapeKind
from headrace.model.sample import Sample
from headrace.model.shapes import (
    AnyShape,
    Classification,
    Keypoints,
    Line,
    Mask,
    Point,
    Polygon,
    Rectangle,
    RectangleKeyframe,
    Track,
)

WIDTH, HEIGHT = 640, 480
LABELS: Final = ("cat", "dog", "zebra crossing")
SHAPES: Final = 5
"""Shapes of an image."""

UNICODE_NAMES: Final = (
    "spaß/größe ü.jpg",
    "写真/猫 の 絵.png",
    "snow☃/party🎉.jpeg",
    "a b/c  d.e.f.jpg",
    "e\u0301tude.png",
    "it's & <b>.jpg",
    "100% #1.jpg",
)
UNICODE_LABELS: Final = (
    "Fußgänger",
    "信号機",
    "cat, dog; 'both'",
    'a "b" <c> & d',
    "no",
    "012",
    "🎉",
)

OF_SHAPES: Final[Mapping[str, Any]] = {
    "text": "some text",
    "attributes": {"occluded": True, "colour": "red"},
    "score": 0.75,
    "iscrowd": True,
    "area": 48.5,
    "shape_id": 7,
    "extra": {"of_nobody": [1, 2]},
}
"""Values of the fields of a shape, by their name in a capability."""
OF_IMAGES: Final[Mapping[str, Any]] = {
    "image_attributes": {"weather": "rain"},
    "image_id": 41,
    "extra": {"from_elsewhere": "x"},
    "split": "val",
}
_ATTRIBUTES: Final = {"shape_id": "id", "image_id": "id", "image_attributes": "attributes"}


def _mask() -> str:
    # Column by column: 20 columns of 480 pixels without a mark, one with 10 marks, the rest without.
    runs = [20 * HEIGHT + 30, 10, HEIGHT - 40 + (WIDTH - 21) * HEIGHT]
    return rle.encode(runs)


_MAKERS: Final[Mapping[ShapeKind, Callable[[int], AnyShape]]] = {
    "rectangle": lambda n: Rectangle(label=_label(n), x=10 + n, y=20, w=30 + n, h=40),
    "polygon": lambda n: Polygon(
        label=_label(n), rings=[[10 + n, 10, 60, 12, 70, 50 + n, 30, 66, 12, 44]]
    ),
    "line": lambda n: Line(label=_label(n), points=[1 + n, 2, 30, 40, 50, 6]),
    "point": lambda n: Point(label=_label(n), x=5 + n, y=7),
    "keypoints": lambda n: Keypoints(
        label=_label(n), points=[20 + n, 30, 2, 40, 50, 2, 60, 70, 1], bbox=(10, 20, 70, 80)
    ),
    "mask": lambda n: Mask(label=_label(n), counts=_mask(), height=HEIGHT, width=WIDTH),
    "classification": lambda n: Classification(label=_label(n)),
    "track": lambda n: Track(
        label=_label(n),
        start_frame=0,
        rectangles=[
            RectangleKeyframe(frame_index=0, x=1 + n, y=2, w=30, h=40),
            RectangleKeyframe(frame_index=2, x=3 + n, y=2, w=30, h=40),
        ],
        ends=[2],
    ),
}


def _label(number: int) -> str:
    return LABELS[number % len(LABELS)]


def whole_kinds(says: Capability) -> list[ShapeKind]:
    """Return the kinds of shapes that are kept whole, in a fixed order."""
    return [kind for kind in SHAPE_KINDS if says.kinds.get(kind) == WHOLE]


def make_shape(kind: ShapeKind, number: int, **fields: Any) -> AnyShape:
    """Return a shape of a kind; ``fields`` are set beside its geometry."""
    shape = _MAKERS[kind](number)
    for name, value in fields.items():
        setattr(shape, name, value)
    return shape


def make_sample(
    number: int, shapes: Sequence[AnyShape], suffix: str = ".jpg", **fields: Any
) -> Sample:
    """Return the sample of an image."""
    return Sample(
        filename=f"photos/{number:06d}{suffix}",
        width=WIDTH,
        height=HEIGHT,
        shapes=list(shapes),
        **fields,
    )


def kept_samples(says: Capability, kinds: Sequence[ShapeKind], count: int) -> Iterator[Sample]:
    """Yield samples of which the format keeps everything: all these kinds, with all fields that it keeps.

    Each third image has no objects, each fifth no fields.
    """
    suffix = ".mp4" if kinds == ["track"] else ".jpg"
    for number in range(count):
        rich = number % 5 != 4
        shape_fields = _fields(OF_SHAPES, says) if rich else {}
        image_fields = _fields(OF_IMAGES, says) if rich else {}
        if "id" in image_fields:
            image_fields["id"] = 1000 + number
        if "split" in image_fields and number % 2:
            image_fields["split"] = "train"
        shapes = (
            []
            if number % 3 == 2 and "background" in says.fields
            else [
                make_shape(kind, each, **_numbered(shape_fields, number * SHAPES + each))
                for each, kind in enumerate(_spread(kinds))
            ]
        )
        yield make_sample(number, shapes, suffix, **image_fields)


def _spread(kinds: Sequence[ShapeKind]) -> Sequence[ShapeKind]:
    """Return the kinds of the shapes of an image: a classification once, the others in turn."""
    others = [kind for kind in kinds if kind != "classification"]
    shapes = [others[each % len(others)] for each in range(SHAPES)] if others else []
    return shapes + [kind for kind in kinds if kind == "classification"]


def _fields(values: Mapping[str, Any], says: Capability) -> dict[str, Any]:
    return {_ATTRIBUTES.get(n, n): value for n, value in values.items() if n in says.fields}


def _numbered(fields: dict[str, Any], number: int) -> dict[str, Any]:
    return fields | {"id": number + 1} if "id" in fields else fields


def comparable(sample: Sample, says: Capability) -> dict[str, Any]:
    """Return what a format says it keeps of a sample, for a comparison."""
    kept = {
        n: getattr(sample, a) for n, a in _names(OF_IMAGES) if n in says.fields and n != "extra"
    }
    if "size" in says.fields:
        kept["size"] = (sample.width, sample.height)
    shapes = [_comparable_shape(shape, says) for shape in sample.shapes]
    return {"filename": sample.filename, "shapes": shapes, **_without_none(kept)}


def _comparable_shape(shape: AnyShape, says: Capability) -> dict[str, Any]:
    values = asdict(shape)
    for name, attribute in _names(OF_SHAPES):
        if name not in says.fields:
            values.pop(attribute)
    if "bbox" not in says.fields:
        values.pop("bbox", None)
    values.pop("segmentation", None)
    return {"kind": type(shape).__name__, **_without_none(values)}


def _without_none(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _names(values: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(name, _ATTRIBUTES.get(name, name)) for name in values]


def contains(one: Any, other: Any, tolerance: float) -> bool:
    """Return whether a value of :func:`comparable` holds all of another one, up to a tolerance in pixels.

    What the other one does not set may be there: a format computes areas, and states flags that are off.
    """
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, int | float) and isinstance(other, int | float):
        return abs(one - other) <= tolerance
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return all(key in one and contains(one[key], other[key], tolerance) for key in other)
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(
            contains(a, b, tolerance) for a, b in zip(one, other, strict=True)
        )
    return bool(one == other)
