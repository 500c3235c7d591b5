"""Pack the shapes of samples for an import: from lists of numbers to blobs, by the page.

A polygon of several rings becomes several polygons that share an instance. The crowd mark becomes the attribute
``iscrowd``, because the platform has no field for it. ``platform/annotations/samples.py`` is the inverse.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain, compress
from typing import Any, cast
from uuid import UUID

import msgspec
from msgspec import Struct

from headrace.errors import ParseError
from headrace.formats.geometry.box_table import BoxView, as_boxes
from headrace.model import rle
from headrace.model.blob.pack import pack_page
from headrace.model.columns import ShapeGroup, ShapeKind, Shapes, TrackGeometry, column_of
from headrace.model.sample import Sample
from headrace.model.shapes import (
    Attributes,
    Classification,
    Keypoints,
    Line,
    Mask,
    Point,
    Polygon,
    Rectangle,
    SegmentationMask,
    Track,
)
from headrace.platform.annotations.tables import CROWD

_INVALID = (ValueError, TypeError, OverflowError, RecursionError)


class PackedImage(Struct, array_like=True, gc=False):
    """An image of a source with packed shapes.

    Attributes:
        filename: Its name.
        path: The path of its file below the source, where it is known.
        split: Its split.
        annotated: Whether it was annotated, even if it has no shapes.
        attributes: Its attributes, as JSON.
        shapes: The number of its shapes.
        rings: The same, each ring of a polygon counted for itself.
        labels: The number of shapes of each label, by the label's index.
        blob: Its shapes. Their labels are indices, too.
        asset: The asset that it means, once it was matched.
    """

    filename: str
    path: str | None
    split: str | None
    annotated: bool
    attributes: bytes | None
    shapes: int
    rings: int
    labels: dict[int, int]
    blob: bytes
    asset: UUID | None = None

    def decoded_attributes(self) -> dict[str, Any] | None:
        """Return the attributes as values."""
        return None if self.attributes is None else msgspec.json.decode(self.attributes)


class LabelIndices(dict[str, int]):
    """The index of each label, in the order of their first use."""

    def __missing__(self, name: str) -> int:
        index = self[name] = len(self)
        return index


class SamplePacker:
    """Packs samples. ``labels`` grows with each new label."""

    def __init__(self) -> None:
        self.labels = LabelIndices()

    def pack(self, samples: Sequence[Sample]) -> list[PackedImage]:
        """Pack some samples.

        Raises:
            ParseError: A shape cannot be stored; the message names the image.
        """
        columns = [
            self._columns(sample) if boxes is None else columns_of_view(self.labels, boxes)
            for sample in samples
            for boxes in (as_boxes(sample.shapes),)
        ]
        blobs = self._blobs(samples, columns)
        counts = map(_counts, columns)
        return [
            PackedImage(
                sample.filename,
                sample.path,
                sample.split,
                sample.annotated,
                _json(sample),
                len(sample.shapes),
                rings,
                labels,
                blob,
            )
            for sample, (rings, labels), blob in zip(samples, counts, blobs, strict=True)
        ]

    def _blobs(self, samples: Sequence[Sample], columns: Sequence[Shapes]) -> list[bytes]:
        in_text = [as_boxes(sample.shapes) is not None for sample in samples]
        try:
            texts = pack_page(list(compress(columns, in_text)), "text")
            lists = pack_page([s for s, t in zip(columns, in_text, strict=True) if not t], "flat")
        except _INVALID:
            for sample in samples:
                try:
                    pack_page([self._columns(sample)], "flat")
                except _INVALID as error:
                    raise _invalid(sample, error) from None
            raise
        sources = iter(lists), iter(texts)
        return [next(sources[each]) for each in in_text]

    def _columns(self, sample: Sample) -> Shapes:
        by_type: dict[type, list[Any]] = {}
        for shape in sample.shapes:
            try:
                by_type[type(shape)].append(shape)
            except KeyError:
                by_type[type(shape)] = [shape]
        groups = []
        try:
            for kind, shapes in by_type.items():
                groups.append(_MAKERS[kind](self.labels, shapes))
        except (ValueError, IndexError) as error:
            raise _invalid(sample, error) from None
        return Shapes(groups)


def _counts(shapes: Shapes) -> tuple[int, dict[int, int]]:
    """Return the number of shapes, each ring for itself, and the number of shapes of each label."""
    counts: dict[int, int] = {}
    rings = 0
    for group in shapes.groups:
        if group.instances:
            return shapes.count, dict(shapes.label_counts())
        rings += len(group.labels)
        for label in group.labels:
            counts[label] = counts.get(label, 0) + 1
    return rings, counts


def _invalid(sample: Sample, error: Exception) -> ParseError:
    return ParseError(
        f"the shapes of image {sample.path or sample.filename!r} are invalid: {error}",
        hint="nothing was written",
    )


def _json(sample: Sample) -> bytes | None:
    if sample.attributes is None:
        return None
    try:
        return msgspec.json.encode(sample.attributes)
    except _INVALID as error:
        raise ParseError(
            f"the attributes of image {sample.path or sample.filename!r} are invalid: {error}",
            hint="nothing was written",
        ) from None


# --- groups ----------------------------------------------------------------------------------------------


def columns_of_view(labels: LabelIndices, view: BoxView) -> Shapes:
    """Return the shapes of a view of a table; the rings of polygons are texts."""
    table = view.table.rows(view.start, view.stop)
    size, texts = len(table.labels), table.polygon_texts
    keys = [labels[label] for label in table.labels]
    boxes: list[Any] = list(zip(table.x, table.y, table.w, table.h, strict=True))
    attributes = column_of(list(table.attributes)) if table.attributes else None
    if not size:
        return Shapes([])
    if texts is None or not any(texts):
        numbers = list(chain.from_iterable(boxes))
        return Shapes([ShapeGroup(ShapeKind.RECTANGLE, keys, numbers, attributes=attributes)])
    if None not in texts and b"]," not in b"".join(cast("list[bytes]", texts)):
        group = ShapeGroup(ShapeKind.POLYGON, keys, list(texts), attributes=attributes, boxes=boxes)
        return Shapes([group])
    return _mixed(keys, texts, boxes, attributes)


def _mixed(
    keys: list[int],
    texts: Sequence[bytes | None],
    boxes: list[Any],
    attributes: list[Attributes | None] | None,
) -> Shapes:
    """Return boxes and polygons, some of several rings."""
    of_row = attributes or [None] * len(keys)
    flat = [place for place, text in enumerate(texts) if text is None]
    outlined = [place for place, text in enumerate(texts) if text is not None]
    # A ring is what ends with a bracket; the last bracket ends the polygon.
    rings = [[part + b"]" for part in (texts[place] or b"").split(b"]")[:-2]] for place in outlined]
    rings = [[part.lstrip(b", \t\r\n") for part in parts] for parts in rings]
    groups = []
    if flat:
        numbers = [number for place in flat for number in boxes[place]]
        group = ShapeGroup(ShapeKind.RECTANGLE, [keys[place] for place in flat], numbers)
        group.attributes = column_of([of_row[place] for place in flat])
        groups.append(group)
    if outlined:
        owners = [place for place, parts in zip(outlined, rings, strict=True) for _ in parts]
        group = ShapeGroup(ShapeKind.POLYGON, [keys[place] for place in owners], [*chain(*rings)])
        group.attributes = column_of([of_row[place] for place in owners])
        _set_objects(group, [len(parts) for parts in rings], [boxes[place] for place in outlined])
        groups.append(group)
    return Shapes(groups)


def _set_objects(group: ShapeGroup, sizes: list[int], of_objects: list[Any]) -> None:
    """Set the boxes and instances of polygons that have these numbers of rings."""
    boxes: list[Any] = []
    instances: list[int | None] = []
    instance = 0
    for size, box in zip(sizes, of_objects, strict=True):
        instance += size > 1
        instances += [instance if size > 1 else None] * size
        boxes += [box, *[None] * (size - 1)][:size]
    group.boxes, group.instances = column_of(boxes), column_of(instances)


def _group(
    labels: LabelIndices, shapes: list[Any], kind: ShapeKind, geometry: list[Any]
) -> ShapeGroup:
    return ShapeGroup(
        kind,
        [labels[shape.label] for shape in shapes],
        geometry,
        column_of([shape.text for shape in shapes]),
        _attributes(shapes),
        scores=column_of([shape.score for shape in shapes]),
    )


def _attributes(shapes: list[Any]) -> list[Attributes | None] | None:
    values = [shape.attributes for shape in shapes]
    if True in [shape.iscrowd for shape in shapes]:
        values = [
            {**(shape.attributes or {}), CROWD: True} if shape.iscrowd else shape.attributes
            for shape in shapes
        ]
    return column_of(values)


def _polygons(labels: LabelIndices, shapes: list[Polygon]) -> ShapeGroup:
    rings = [ring for shape in shapes for ring in shape.rings]
    if len(rings) == len(shapes) and all(len(shape.rings) == 1 for shape in shapes):
        group = _group(labels, shapes, ShapeKind.POLYGON, rings)
        group.boxes = column_of([shape.bbox for shape in shapes])
        return group
    repeated = [shape for shape in shapes for _ in shape.rings]
    group = _group(labels, repeated, ShapeKind.POLYGON, rings)
    _set_objects(group, [len(shape.rings) for shape in shapes], [shape.bbox for shape in shapes])
    return group


def _rectangles(labels: LabelIndices, shapes: list[Rectangle]) -> ShapeGroup:
    numbers = [number for s in shapes for number in (s.x, s.y, s.w, s.h)]
    return _group(labels, shapes, ShapeKind.RECTANGLE, numbers)


def _points(labels: LabelIndices, shapes: list[Point]) -> ShapeGroup:
    numbers = [number for s in shapes for number in (s.x, s.y)]
    return _group(labels, shapes, ShapeKind.POINT, numbers)


def _lines(labels: LabelIndices, shapes: list[Line]) -> ShapeGroup:
    return _group(labels, shapes, ShapeKind.LINE, [shape.points for shape in shapes])


def _keypoints(labels: LabelIndices, shapes: list[Keypoints]) -> ShapeGroup:
    group = _group(labels, shapes, ShapeKind.KEYPOINTS, [shape.points for shape in shapes])
    group.boxes = column_of([shape.bbox for shape in shapes])
    group.segmentations = column_of([_segmentation(shape) for shape in shapes])
    return group


def _segmentation(shape: Keypoints) -> Any:
    outline = shape.segmentation
    if isinstance(outline, SegmentationMask):
        return outline.counts
    return outline or None


def _masks(labels: LabelIndices, shapes: list[Mask]) -> ShapeGroup:
    group = _group(labels, shapes, ShapeKind.MASK, [shape.counts for shape in shapes])
    group.boxes = column_of([_box_of_mask(shape) for shape in shapes])
    return group


def _box_of_mask(shape: Mask) -> Any:
    """Return the box of a mask, None if it follows from the mask."""
    box = shape.bbox
    return None if box is None or box == rle.bounds(rle.decode(shape.counts), shape.height) else box


def _classifications(labels: LabelIndices, shapes: list[Classification]) -> ShapeGroup:
    return _group(labels, shapes, ShapeKind.CLASSIFICATION, [])


def _tracks(labels: LabelIndices, shapes: list[Track]) -> ShapeGroup:
    tracks = [
        TrackGeometry(
            track.start_frame,
            [(k.frame_index, k.x, k.y, k.w, k.h) for k in track.rectangles],
            [(k.frame_index, k.ring) for k in track.polygons],  # type: ignore[misc]
            track.ends,
        )
        for track in shapes
    ]
    return _group(labels, shapes, ShapeKind.TRACK, tracks)


_MAKERS: dict[type, Callable[[LabelIndices, list[Any]], ShapeGroup]] = {
    Rectangle: _rectangles,
    Polygon: _polygons,
    Line: _lines,
    Point: _points,
    Classification: _classifications,
    Keypoints: _keypoints,
    Mask: _masks,
    Track: _tracks,
}
